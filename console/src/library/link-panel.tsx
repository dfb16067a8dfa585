/** A saved link: what its page says of itself, how its crawl went, and what each crawl has kept. */

import { useQuery } from "@tanstack/react-query";
import { ExternalLink, RefreshCw } from "lucide-react";
import { useState } from "react";
import { api, here, told } from "../api/client";
import { queries, READ_ONLY, useMayWrite } from "../api/queries";
import type { FileDetail, LinkFacts } from "../api/types";
import { bytes, count, moment, words } from "../lib/format";
import { Dialog } from "../ui/dialog";
import { DiffText } from "../ui/diff-text";
import { Failure, Skeleton } from "../ui/states";
import { toast, trouble } from "../ui/toasts";

export function LinkPanel({ file }: { file: FileDetail }) {
  const facts = file as Omit<FileDetail, keyof LinkFacts> & LinkFacts;
  const mayWrite = useMayWrite();
  const [reading, setReading] = useState<string | null>(null);
  const [compared, setCompared] = useState<string | null>(null);
  const kept = useQuery({
    queryKey: ["snapshots", file.id, facts.crawled_at],
    queryFn: () => told(api.GET("/api/v2/user-files/{link_id}/snapshots", { params: { path: { link_id: file.id } } })),
  });
  const recrawl = () =>
    told(api.POST("/api/v2/user-files/{link_id}/recrawl", { params: { path: { link_id: file.id } } }))
      .then(() => toast("The page is being visited again"))
      .then(() => queries.invalidateQueries({ queryKey: ["file", file.id] }))
      .catch(trouble);
  const og = facts.og_metadata ?? {};
  return (
    <section className="link-panel">
      <h3>Page</h3>
      <article className="card og">
        <b>{og.title ?? facts.page_title ?? file.title ?? facts.source_url}</b>
        {og.description ? <p>{og.description}</p> : null}
        <a href={facts.source_url ?? undefined} target="_blank" rel="noreferrer noopener">
          {facts.domain} <ExternalLink size={13} aria-hidden />
        </a>
      </article>
      <p>
        Crawl: <b>{words(facts.crawl_status ?? "unknown")}</b>
        {facts.crawled_at ? <span className="quiet"> · {moment(facts.crawled_at)}</span> : null}
      </p>
      {facts.crawl_error ? <p className="problem">{facts.crawl_error}</p> : null}
      <button
        type="button"
        className="button small"
        disabled={!mayWrite}
        title={mayWrite ? undefined : READ_ONLY}
        onClick={recrawl}
      >
        <RefreshCw size={14} aria-hidden /> Visit again
      </button>
      <p className="quiet">At most once an hour; a refusal says when it is next allowed.</p>
      {facts.extracted_images?.length ? (
        <ul className="thumbs" aria-label="Pictures of the page">
          {facts.extracted_images.map((it) => (
            <li key={it.url}>
              {it.stored_url ? <img src={here(it.stored_url)} alt={it.alt ?? ""} loading="lazy" /> : null}
            </li>
          ))}
        </ul>
      ) : null}
      <h3>Snapshots</h3>
      {kept.isPending ? (
        <Skeleton rows={1} height={40} />
      ) : kept.isError ? (
        <Failure error={kept.error} onRetry={() => void kept.refetch()} />
      ) : kept.data.snapshots.length ? null : (
        <p className="quiet">No crawl has kept anything yet.</p>
      )}
      <ol className="runs">
        {kept.data?.snapshots.map((it, index) => (
          <li key={it.id}>
            <time dateTime={it.created_at}>{moment(it.created_at)}</time>
            <span className="quiet">
              {count(it.text_chars, "character")} · {bytes(it.size_bytes)}
            </span>
            <button type="button" className="button small" onClick={() => setReading(it.text_url)}>
              Read
            </button>
            {index < kept.data.snapshots.length - 1 ? (
              <button type="button" className="button small" onClick={() => setCompared(it.id)}>
                What changed
              </button>
            ) : null}
          </li>
        ))}
      </ol>
      {reading ? <Reader url={reading} onClose={() => setReading(null)} /> : null}
      {compared ? <Changes link={file.id} snapshot={compared} onClose={() => setCompared(null)} /> : null}
    </section>
  );
}

function Reader({ url, onClose }: { url: string; onClose: () => void }) {
  const text = useQuery({ queryKey: ["text", url], queryFn: async () => (await fetch(here(url))).text() });
  return (
    <Dialog title="What the page said" onClose={onClose} className="wide">
      <div className="content reader">
        {text.isPending ? (
          <Skeleton />
        ) : text.isError ? (
          <Failure error={text.error} onRetry={() => void text.refetch()} />
        ) : (
          text.data.split(/\n{2,}/).map((part, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: paragraphs of a fixed text
            <p key={index}>{part}</p>
          ))
        )}
      </div>
    </Dialog>
  );
}

function Changes({ link, snapshot, onClose }: { link: string; snapshot: string; onClose: () => void }) {
  const found = useQuery({
    queryKey: ["snapshot-diff", snapshot],
    queryFn: () =>
      told(
        api.GET("/api/v2/user-files/{link_id}/snapshots/{snapshot_id}/diff", {
          params: { path: { link_id: link, snapshot_id: snapshot } },
        }),
      ),
  });
  return (
    <Dialog title="What changed since the visit before" onClose={onClose} className="wide">
      <div className="content">
        {found.isPending ? (
          <Skeleton />
        ) : found.isError ? (
          <Failure error={found.error} onRetry={() => void found.refetch()} />
        ) : (
          <>
            <p>
              {count(found.data.added_lines, "line")} added, {found.data.removed_lines} removed
            </p>
            <DiffText text={found.data.diff} />
          </>
        )}
      </div>
    </Dialog>
  );
}
