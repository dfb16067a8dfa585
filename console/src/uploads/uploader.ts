/** Resumable uploads: Uppy over tus; files that were on their way are kept in the browser and go on after a reload. */

import Uppy, { type Meta, type UppyFile } from "@uppy/core";
import GoldenRetriever from "@uppy/golden-retriever";
import Tus from "@uppy/tus";
import { DefaultHttpStack, type HttpStack } from "tus-js-client";
import { ApiError, api, here, refusal, told } from "../api/client";
import { queries } from "../api/queries";
import { secret } from "../api/session";

export const ENDPOINT = "/api/v2/uploads/tus";
const HASHED_BYTES = 64 << 20;
const CHUNK_BYTES = 8 << 20;
const MOST_TURNS = 60;
const TURN_MS = 500;
const GONE = 410;
const RETRIES_MS = [0, 1000, 3000, 8000, 20_000];

export interface UploadMeta extends Meta {
  filename?: string;
  filetype?: string;
  /** The file that was made of it. */
  asset?: string;
}

export type Upload = UppyFile<UploadMeta, Record<string, never>>;

export const uploader = new Uppy<UploadMeta, Record<string, never>>({
  id: "mediatheque",
  autoProceed: false,
  allowMultipleUploadBatches: true,
});

/** By the id of the upload. */
const assets = new Map<string, string>();
const requests = new DefaultHttpStack({});
/** Uploads go on at the address that this page came from, whichever public one the server names. */
const sameOrigin: HttpStack = {
  createRequest: (method, url) => requests.createRequest(method, here(url)),
  getName: () => requests.getName(),
};

uploader.use(Tus, {
  endpoint: ENDPOINT,
  httpStack: sameOrigin,
  chunkSize: CHUNK_BYTES,
  limit: 3,
  retryDelays: RETRIES_MS,
  removeFingerprintOnSuccess: true,
  allowedMetaFields: ["filename", "filetype"],
  async onBeforeRequest(request) {
    const token = await secret();
    if (token) request.setHeader("Authorization", `Bearer ${token}`);
  },
  onAfterResponse(request, response) {
    const asset = response.getHeader("Upload-Asset");
    if (asset) assets.set(idIn(response.getHeader("Location") ?? request.getURL()), asset);
  },
});
uploader.use(GoldenRetriever, { expires: 24 * 3600_000 });

uploader.on("upload-success", (file, response) => {
  if (file && response.uploadURL) void learn(file.id, response.uploadURL);
});
uploader.on("restored", () => {
  for (const file of uploader.getFiles()) if (file.error) uploader.removeFile(file.id); // it was refused, and would be again
  void uploader.upload().catch(() => undefined);
});

/** Which file an upload became: told with its last bytes or, where a worker took it in, a moment later. */
async function learn(id: string, url: string): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const became = assets.get(idIn(url)) ?? (await askFor(url).catch(() => null)); // no answer: then the next turn
    const file = uploader.getFile(id);
    if (typeof became === "string" && file) uploader.setFileMeta(id, { asset: became });
    if (became instanceof ApiError && file)
      uploader.setFileState(id, { error: became.message, progress: { ...file.progress, uploadComplete: false } });
    if (became) break;
    await new Promise((go) => setTimeout(go, TURN_MS));
  }
  void queries.invalidateQueries({ queryKey: ["files"] });
  void queries.invalidateQueries({ queryKey: ["usage"] });
}

async function askFor(url: string): Promise<string | ApiError | null> {
  const headers = { Authorization: `Bearer ${await secret()}`, "Tus-Resumable": "1.0.0" };
  const answer = await fetch(here(url), { method: "HEAD", headers });
  return answer.status === GONE ? await reasonOf(url, headers) : answer.headers.get("Upload-Asset");
}

/** Why an upload has ended: an answer to HEAD has no body to say it in, one to more bytes does. */
async function reasonOf(url: string, headers: Record<string, string>): Promise<ApiError> {
  const more = { ...headers, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0" };
  const answer = await fetch(here(url), { method: "PATCH", headers: more });
  return refusal(answer, await answer.json());
}

function idIn(url: string): string {
  return here(url).split("/").at(-1) ?? "";
}

/** Queue files; those whose bytes the library has already wait for a word of their own. */
export async function take(files: File[]): Promise<void> {
  const known = await duplicates(files).catch(() => new Map<File, string>()); // then nobody is asked first
  for (const file of files) {
    const duplicateOf = known.get(file);
    if (duplicateOf) hold(file, duplicateOf);
    else add(file, "console");
  }
  await uploader.upload().catch(() => undefined);
}

function add(file: File, source: string): void {
  try {
    uploader.addFile({
      name: file.name,
      type: file.type,
      data: file,
      source,
      meta: { filename: file.name, filetype: file.type },
    });
  } catch (error) {
    uploader.log(error, "warning"); // it is in the tray already
  }
}

/** A file that the library has already. */
export interface Held {
  id: string;
  file: File;
  duplicateOf: string;
}

const listeners = new Set<() => void>();
let held: Held[] = [];

export function listenToHeld(listen: () => void): () => void {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

export function heldFiles(): Held[] {
  return held;
}

export function letGo(id: string, isWanted: boolean): void {
  const one = held.find((it) => it.id === id);
  held = held.filter((it) => it.id !== id);
  for (const listen of listeners) listen();
  if (one && isWanted) {
    add(one.file, "again");
    void uploader.upload().catch(() => undefined);
  }
}

function hold(file: File, duplicateOf: string): void {
  held = [...held, { id: `${file.name}-${file.size}-${duplicateOf}-${held.length}`, file, duplicateOf }];
  for (const listen of listeners) listen();
}

/** Which files the library has already, by their SHA-256; large ones, and pages without a secure context, are not looked at. */
async function duplicates(files: File[]): Promise<Map<File, string>> {
  const found = new Map<File, string>();
  if (!globalThis.crypto?.subtle) return found;
  const hashes = new Map<string, File>();
  for (const file of files) {
    if (file.size > HASHED_BYTES) continue;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    hashes.set([...digest].map((it) => it.toString(16).padStart(2, "0")).join(""), file);
  }
  if (!hashes.size) return found;
  const all = [...hashes.keys()];
  for (let at = 0; at < all.length; at += 100) {
    const answer = await told(
      api.POST("/api/v2/uploads/check-duplicates", { body: { hashes: all.slice(at, at + 100) } }),
    );
    for (const [hash, id] of Object.entries(answer.image_ids)) {
      const file = hashes.get(hash);
      if (file) found.set(file, id);
    }
  }
  return found;
}
