/** Every tag that files wear, with how many; each leads to its files. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { api, told } from "../api/client";
import { count } from "../lib/format";
import { Empty, Failure, NoResults, Skeleton } from "../ui/states";

export default function Tags() {
  const [wanted, want] = useState("");
  const found = useQuery({
    queryKey: ["tags"],
    staleTime: 0,
    queryFn: async () => (await told(api.GET("/api/v2/tags"))).tags,
  });
  const shown = found.data?.filter((it) => it.name.toLowerCase().includes(wanted.trim().toLowerCase())) ?? [];
  return (
    <div className="screen">
      <header className="toolbar">
        <h1>
          Tags <small className="quiet">{found.data ? count(found.data.length, "tag") : ""}</small>
        </h1>
        {found.data?.length ? (
          <search className="search plain">
            <input
              type="search"
              value={wanted}
              aria-label="Find a tag"
              placeholder="Find a tag"
              onChange={(event) => want(event.target.value)}
            />
            <kbd aria-hidden>/</kbd>
          </search>
        ) : null}
      </header>
      {found.isPending ? (
        <Skeleton height={40} />
      ) : found.isError ? (
        <Failure error={found.error} onRetry={() => void found.refetch()} />
      ) : !found.data.length ? (
        <Empty
          title="No tag yet"
          action={
            <Link className="button primary" href="/library">
              To the library
            </Link>
          }
          curl={`curl -X PATCH -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n  -d '{"tags": ["sea"]}' ${location.origin}/api/v2/user-files/$ID`}
        >
          Select files and press <kbd>#</kbd> to tag them.
        </Empty>
      ) : shown.length ? (
        <ul className="tags">
          {shown.map((it) => (
            <li key={it.name}>
              <Link className="chip" href={`/library?tag=${encodeURIComponent(it.name)}`}>
                {it.name}{" "}
                <span className="quiet">
                  {it.file_count}
                  <span className="hidden">{it.file_count === 1 ? " file" : " files"}</span>
                </span>
              </Link>
            </li>
          ))}
        </ul>
      ) : (
        <NoResults what={`No tag is called “${wanted}”.`} onClear={() => want("")} />
      )}
    </div>
  );
}
