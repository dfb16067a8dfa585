/** Live events: `/api/v2/ws` for batches of uploads, `/v1/stream` for artifacts. A broken one is opened again. */

import { secret } from "../api/session";

const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 30_000;

export interface Event {
  type: string;
  channel?: string;
  room_id?: string;
  content?: Record<string, unknown>;
}

export function watchBatches(sessions: readonly string[], onNews: (event: Event) => void): () => void {
  return connect(
    "/api/v2/ws",
    (socket) => {
      for (const id of sessions) socket.send(JSON.stringify({ action: "subscribe", channel: `batch.${id}` }));
    },
    (event) => /^(file|session)\./.test(event.type) && onNews(event),
  );
}

/** Also tells of each new connection (without a room): what happened while there was none is to be looked for.
 *  `viewed`: the artifact that is looked at, so that others see who does. */
export function watchArtifacts(
  onNews: (event: Event) => void,
  viewed?: { room_id: string; artifact_id: string },
): () => void {
  return connect(
    "/v1/stream",
    (socket) => viewed && socket.send(JSON.stringify({ action: "view", ...viewed })),
    (event) => /^(hello$|swp\.)/.test(event.type) && onNews(event),
  );
}

function connect(path: string, onOpen: (socket: WebSocket) => void, onEvent: (event: Event) => void): () => void {
  let socket: WebSocket | null = null;
  let isOver = false;
  let pause = FIRST_PAUSE_MS;
  let timer = 0;

  const open = async () => {
    const token = await secret();
    if (isOver || !token) return;
    const url = new URL(path, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("token", token);
    socket = new WebSocket(url);
    socket.onopen = () => {
      pause = FIRST_PAUSE_MS;
      if (socket) onOpen(socket);
    };
    socket.onmessage = (message) => onEvent(JSON.parse(message.data));
    socket.onclose = () => {
      if (isOver) return;
      timer = window.setTimeout(open, pause);
      pause = Math.min(pause * 2, LAST_PAUSE_MS);
    };
  };
  void open();
  return () => {
    isOver = true;
    clearTimeout(timer);
    socket?.close();
  };
}
