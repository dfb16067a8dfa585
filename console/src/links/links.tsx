/** Saved links: how their crawl went, what their pages say, and a place to save another. */

import { ExternalLink, Link2 } from "lucide-react";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { here } from "../api/client";
import { queries, useFiles, useMayWrite } from "../api/queries";
import type { LinkFacts, UserFile } from "../api/types";
import { ago, count, words } from "../lib/format";
import { NONE } from "../library/filters";
import { Inspector } from "../library/inspector";
import { Empty, Failure, Skeleton } from "../ui/states";
import { trouble } from "../ui/toasts";
import { saveLink } from "../uploads/drop";

const ONGOING = new Set(["queued", "crawling", "processing"]);
const EVERY_MS = 2000;

export default function Links() {
  const filters = useMemo(() => ({ ...NONE, kind: "link", sort: "created_at" as const }), []);
  const found = useFiles(filters);
  const links = found.data?.pages.flatMap((page) => page.files) as (UserFile & LinkFacts)[] | undefined;
  const [chosen, choose] = useState<string | null>(null);
  const mayWrite = useMayWrite();
  const isCrawling = links?.some((it) => ONGOING.has(it.crawl_status ?? "")) ?? false;
  useEffect(() => {
    if (!isCrawling) return;
    const timer = setInterval(() => void queries.invalidateQueries({ queryKey: ["files", filters] }), EVERY_MS);
    return () => clearInterval(timer);
  }, [isCrawling, filters]);
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    saveLink(String(new FormData(form).get("url")))
      .then(() => form.reset())
      .catch(trouble);
  };
  return (
    <div className={chosen ? "library inspecting" : "library"}>
      <div className="screen">
        <header className="toolbar">
          <h1>
            Links{" "}
            <small className="quiet">{found.data ? count(found.data.pages[0]?.total_count ?? 0, "link") : ""}</small>
          </h1>
          <form className="row" onSubmit={add}>
            <label className="grow">
              <span className="hidden">Address</span>
              <input
                name="url"
                type="url"
                required
                placeholder="https://…"
                disabled={!mayWrite}
                title={mayWrite ? undefined : "Your role may only read"}
              />
            </label>
            <button type="submit" className="button primary" disabled={!mayWrite}>
              <Link2 size={16} aria-hidden /> Save
            </button>
          </form>
        </header>
        {found.isPending ? (
          <Skeleton height={84} />
        ) : found.isError ? (
          <Failure error={found.error} onRetry={() => void found.refetch()} />
        ) : !links?.length ? (
          <Empty
            title="No link yet"
            curl={`curl -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n  -d '{"url": "https://example.com"}' ${location.origin}/api/v2/user-files/links`}
          >
            Save an address above, or paste one anywhere: its page is read, kept and made searchable.
          </Empty>
        ) : (
          <ul className="links">
            {links.map((it) => (
              <li key={it.id} className={it.id === chosen ? "chosen" : ""}>
                <button type="button" onClick={() => choose(it.id)} aria-pressed={it.id === chosen}>
                  {(it.thumbnail_url ?? it.favicon_url) ? (
                    <img src={here(it.thumbnail_url ?? it.favicon_url)} alt="" loading="lazy" />
                  ) : (
                    <Link2 size={22} aria-hidden />
                  )}
                  <span>
                    <b>{it.title ?? it.og_metadata?.title ?? it.source_url}</b>
                    <span className="quiet">{it.og_metadata?.description ?? it.upload_description}</span>
                    <span className="quiet">
                      {it.domain} · {words(it.crawl_status ?? "")} · {ago(it.created_at)}
                    </span>
                  </span>
                </button>
                {it.source_url ? (
                  <a
                    className="icon"
                    href={it.source_url}
                    target="_blank"
                    rel="noreferrer noopener"
                    aria-label={`Open ${it.domain}`}
                  >
                    <ExternalLink size={16} />
                  </a>
                ) : null}
              </li>
            ))}
          </ul>
        )}
        {found.hasNextPage ? (
          <button type="button" className="button" onClick={() => void found.fetchNextPage()}>
            More
          </button>
        ) : null}
      </div>
      {chosen ? <Inspector id={chosen} onClose={() => choose(null)} /> : null}
    </div>
  );
}
