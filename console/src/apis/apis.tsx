/** One object as every dialect tells of it, side by side, each with the request in curl and Python. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { ApiError, refusal } from "../api/client";
import { useFiles } from "../api/queries";
import { secret } from "../api/session";
import { NONE } from "../library/filters";
import { nameOf } from "../library/tile";
import { Code, Empty, Failure, Skeleton } from "../ui/states";
import { type Call, type Dialect, dialectsOf, imageId } from "./dialects";

export default function Apis() {
  const [, go] = useLocation();
  const given = new URLSearchParams(useSearch()).get("file");
  const found = useFiles(NONE);
  const files = found.data?.pages.flatMap((page) => page.files) ?? [];
  const id = given ?? (files.find((it) => it.media_type === "image") ?? files[0])?.id;
  if (found.isPending) return <Skeleton />;
  if (found.isError) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  if (!id)
    return (
      <Empty
        title="Nothing to show yet"
        action={
          <Link className="button primary" href="/library">
            To the library
          </Link>
        }
      >
        With the first file, this page shows it in five dialects.
      </Empty>
    );
  return (
    <div className="screen">
      <header className="toolbar">
        <h1>One object, five APIs</h1>
        <label className="inline">
          <span className="hidden">File</span>
          <select value={id} onChange={(event) => go(`/apis?file=${event.target.value}`)}>
            {files.some((it) => it.id === id) ? null : <option value={id}>{id}</option>}
            {files.map((it) => (
              <option key={it.id} value={it.id}>
                {nameOf(it)}
              </option>
            ))}
          </select>
        </label>
        <a className="button" href="/docs" target="_blank" rel="noreferrer">
          Every route
        </a>
      </header>
      <p className="quiet">
        The answers are live. <code>$KEY</code> stands for an API key. One picture: <code>{id}</code> here is{" "}
        <code>{imageId(id)}</code> there.
      </p>
      <div className="dialects">
        {dialectsOf(id, location.origin).map((it) => (
          <Shown key={it.name + id} dialect={it} />
        ))}
      </div>
    </div>
  );
}

function Shown({ dialect }: { dialect: Dialect }) {
  const [language, setLanguage] = useState<"curl" | "python">("curl");
  const answer = useQuery({
    queryKey: ["dialect", dialect.call.url, dialect.name],
    enabled: dialect.isAsked,
    queryFn: () => ask(dialect.call),
    retry: false,
  });
  return (
    <section aria-label={dialect.name}>
      <div className="heading">
        <h2>{dialect.name}</h2>
        <code className="quiet">{dialect.place}</code>
      </div>
      <p className="quiet">{dialect.words}</p>
      <div className="tabs" role="group" aria-label={`Request for ${dialect.name}`}>
        <button type="button" aria-pressed={language === "curl"} onClick={() => setLanguage("curl")}>
          curl
        </button>
        <button type="button" aria-pressed={language === "python"} onClick={() => setLanguage("python")}>
          Python
        </button>
      </div>
      <Code label="Request" text={language === "curl" ? dialect.call.curl : dialect.call.python} />
      {!dialect.isAsked ? null : answer.isPending ? (
        <Skeleton rows={2} />
      ) : answer.isError ? (
        <Refused error={answer.error} absent={dialect.absent} />
      ) : (
        <Code label="Answer" text={answer.data} />
      )}
    </section>
  );
}

function Refused({ error, absent }: { error: unknown; absent: string | undefined }) {
  if (absent && error instanceof ApiError && error.status === 404) return <p className="note">{absent}</p>;
  return <Failure error={error} />;
}

async function ask(call: Call): Promise<string> {
  const answer = await fetch(call.url, {
    method: call.body ? "POST" : "GET",
    headers: {
      Authorization: `Bearer ${await secret()}`,
      ...(call.body ? { "Content-Type": "application/json", Accept: "application/json, text/event-stream" } : {}),
    },
    ...(call.body ? { body: JSON.stringify(call.body) } : {}),
  });
  const body = await answer.json();
  if (!answer.ok) throw refusal(answer, body);
  return JSON.stringify(body, null, 2);
}
