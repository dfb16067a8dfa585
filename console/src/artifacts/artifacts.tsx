/** Rooms and what was written in them, by people and by models; new ones appear as they are made. */

import { useQuery } from "@tanstack/react-query";
import { Braces, Code2, FileText, Plus, Search, Users } from "lucide-react";
import { type FormEvent, useEffect, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { api, told } from "../api/client";
import { queries, READ_ONLY, useMayWrite } from "../api/queries";
import type { Artifact, Room } from "../api/types";
import { ago, bytes } from "../lib/format";
import { watchArtifacts } from "../lib/sockets";
import { Ask } from "../ui/ask";
import { Dialog } from "../ui/dialog";
import { Empty, Failure, NoResults, Skeleton } from "../ui/states";
import { announce } from "../ui/toasts";
import { RoomSettings } from "./room";

export const ICONS = { markdown: FileText, code: Code2, json: Braces } as const;

export default function Artifacts() {
  const [, go] = useLocation();
  const mayWrite = useMayWrite();
  const why = mayWrite ? undefined : READ_ONLY;
  const search = new URLSearchParams(useSearch());
  const query = search.get("q") ?? "";
  const rooms = useQuery({
    queryKey: ["rooms"],
    queryFn: async () => (await told(api.GET("/v1/rooms", { params: { query: { limit: 100 } } }))).data,
  });
  const [asked, ask] = useState<"room" | "artifact" | "settings" | null>(null);
  const room = rooms.data?.find((it) => it.id === search.get("room")) ?? rooms.data?.[0];
  useEffect(
    () =>
      watchArtifacts(({ room_id }) => {
        if (room_id) announce("An artifact has changed");
        void queries.invalidateQueries({ queryKey: room_id ? ["artifacts", room_id] : ["artifacts"] });
      }),
    [],
  );
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("q"));
    go(text ? `/artifacts?q=${encodeURIComponent(text)}` : "/artifacts");
  };
  return (
    <div className="screen">
      <header className="toolbar">
        <h1>Artifacts</h1>
        <form role="search" className="search" onSubmit={submit}>
          <Search size={16} aria-hidden />
          <input
            key={query}
            type="search"
            name="q"
            defaultValue={query}
            aria-label="Search artifacts"
            placeholder="Search all rooms"
          />
          <kbd aria-hidden>/</kbd>
        </form>
        <button type="button" className="button" disabled={!mayWrite} title={why} onClick={() => ask("room")}>
          <Plus size={15} aria-hidden /> Room
        </button>
        <button
          type="button"
          className="button primary"
          disabled={!room || !mayWrite}
          title={why ?? (room ? undefined : "Make a room first")}
          onClick={() => ask("artifact")}
        >
          <Plus size={15} aria-hidden /> Artifact
        </button>
      </header>
      {rooms.isPending ? (
        <Skeleton />
      ) : rooms.isError ? (
        <Failure error={rooms.error} onRetry={() => void rooms.refetch()} />
      ) : query ? (
        <Found query={query} onClear={() => go("/artifacts")} />
      ) : !room ? (
        <Empty
          title="No room yet"
          action={
            <button
              type="button"
              className="button primary"
              disabled={!mayWrite}
              title={why}
              onClick={() => ask("room")}
            >
              Make a room
            </button>
          }
          curl={`curl -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n  -d '{"name": "Plans"}' ${location.origin}/v1/rooms`}
        >
          A room holds the documents that people and models write together.
        </Empty>
      ) : (
        <div className="rooms">
          <nav aria-label="Rooms">
            <ul>
              {rooms.data.map((it) => (
                <li key={it.id}>
                  <Link
                    href={`/artifacts?room=${it.id}`}
                    className="place"
                    aria-current={it.id === room.id ? "page" : undefined}
                  >
                    <span>{it.name}</span> {it.state === "open" ? null : <small className="quiet">{it.state}</small>}
                  </Link>
                </li>
              ))}
            </ul>
          </nav>
          <InRoom room={room} onNew={() => ask("artifact")} onSettings={() => ask("settings")} />
        </div>
      )}
      {asked === "room" ? (
        <Ask
          title="New room"
          label="Name"
          does="Make the room"
          onClose={() => ask(null)}
          onAnswer={async (name) => {
            const { data } = await told(api.POST("/v1/rooms", { body: { name } }));
            await queries.invalidateQueries({ queryKey: ["rooms"] });
            go(`/artifacts?room=${data.id}`);
          }}
        />
      ) : asked === "artifact" && room ? (
        <NewArtifact room={room} onClose={() => ask(null)} />
      ) : asked === "settings" && room ? (
        <RoomSettings room={room} onClose={() => ask(null)} />
      ) : null}
    </div>
  );
}

function InRoom({ room, onNew, onSettings }: { room: Room; onNew: () => void; onSettings: () => void }) {
  const mayWrite = useMayWrite();
  const found = useQuery({
    queryKey: ["artifacts", room.id],
    queryFn: async () =>
      (
        await told(
          api.GET("/v1/rooms/{room_id}/artifacts", { params: { path: { room_id: room.id }, query: { limit: 100 } } }),
        )
      ).data,
  });
  return (
    <section aria-label={room.name}>
      <div className="heading">
        <h2>{room.name}</h2>
        <button type="button" className="button small" onClick={onSettings}>
          <Users size={14} aria-hidden /> Members and settings
        </button>
      </div>
      {found.isPending ? (
        <Skeleton />
      ) : found.isError ? (
        <Failure error={found.error} onRetry={() => void found.refetch()} />
      ) : found.data.length ? (
        <List artifacts={found.data} />
      ) : (
        <Empty
          title="Nothing written here yet"
          action={
            <button
              type="button"
              className="button primary"
              disabled={!mayWrite}
              title={mayWrite ? undefined : READ_ONLY}
              onClick={onNew}
            >
              Write something
            </button>
          }
          curl={`curl -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n  -d '{"title": "Notes", "content": "# Notes"}' \\\n  ${location.origin}/v1/rooms/${room.id}/tools/create_artifact`}
        >
          Models write with the tool <code>create_artifact</code>, also over MCP; what they write appears here at once.
        </Empty>
      )}
    </section>
  );
}

function Found({ query, onClear }: { query: string; onClear: () => void }) {
  const found = useQuery({
    queryKey: ["artifact-search", query],
    queryFn: async () =>
      (await told(api.GET("/v1/artifacts/search", { params: { query: { query, limit: 50 } } }))).data,
  });
  if (found.isPending) return <Skeleton />;
  if (found.isError) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  return found.data.length ? (
    <List artifacts={found.data} />
  ) : (
    <NoResults what={`No artifact says “${query}”.`} onClear={onClear} />
  );
}

function List({ artifacts }: { artifacts: (Artifact & { snippet?: string })[] }) {
  return (
    <ul className="artifacts">
      {artifacts.map((it) => {
        const Icon = ICONS[it.kind as keyof typeof ICONS] ?? FileText;
        return (
          <li key={it.id}>
            <Link href={`/artifacts/${it.room_id}/${it.id}`} className="card">
              <Icon size={19} aria-hidden />
              <span>
                <b>{it.title}</b>
                {it.snippet ? <span className="why">{it.snippet}</span> : null}
                <span className="quiet">
                  version {it.version} · {bytes(it.size_bytes)} · {ago(it.updated_at)}
                  {it.change_description ? ` · ${it.change_description}` : ""}
                </span>
              </span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

function NewArtifact({ room, onClose }: { room: Room; onClose: () => void }) {
  const [, go] = useLocation();
  const [problem, setProblem] = useState("");
  const create = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const body = {
      title: String(form.get("title")),
      content: String(form.get("content")),
      kind: String(form.get("kind")) as "markdown" | "code" | "json",
      language: String(form.get("language")) || null,
    };
    try {
      const { data } = await told(
        api.POST("/v1/rooms/{room_id}/tools/create_artifact", { params: { path: { room_id: room.id } }, body }),
      );
      await queries.invalidateQueries({ queryKey: ["artifacts", room.id] });
      go(`/artifacts/${room.id}/${data.artifact_id}`);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Dialog title={`New artifact in ${room.name}`} onClose={onClose} className="wide">
      <form onSubmit={create}>
        <div className="content">
          <label>
            Title
            <input name="title" required maxLength={255} />
          </label>
          <div className="row">
            <label>
              Kind
              <select name="kind" defaultValue="markdown">
                <option value="markdown">Markdown</option>
                <option value="code">Code</option>
                <option value="json">JSON</option>
              </select>
            </label>
            <label>
              Language, of code
              <input name="language" placeholder="python" />
            </label>
          </div>
          <label>
            Content
            <textarea name="content" rows={12} required spellCheck={false} />
          </label>
          <p role="alert" className="problem">
            {problem}
          </p>
        </div>
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary">
            Create
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
