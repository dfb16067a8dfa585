/** All that is known about one file: facts, what models found and how sure they were, its sizes with their addresses, its runs. */

import { Download, RefreshCw, X } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { api, here, told } from "../api/client";
import { queries, READ_ONLY, useDetail, useMayWrite } from "../api/queries";
import type { FileDetail } from "../api/types";
import { bytes, moment, words } from "../lib/format";
import { Failure, Skeleton } from "../ui/states";
import { toast, trouble } from "../ui/toasts";
import { Findings } from "./findings";
import { LinkPanel } from "./link-panel";
import { Skills } from "./skills";
import { Variants } from "./variants";

export function Inspector({ id, onClose }: { id: string; onClose: () => void }) {
  const detail = useDetail(id);
  return (
    <aside className="inspector" aria-label="Inspector">
      <header>
        <h2>{detail.data?.title || detail.data?.original_filename || "File"}</h2>
        <button type="button" className="icon" aria-label="Close the inspector" onClick={onClose}>
          <X size={18} />
        </button>
      </header>
      {detail.isPending ? (
        <Skeleton rows={4} height={80} />
      ) : detail.isError ? (
        <Failure error={detail.error} onRetry={() => void detail.refetch()} />
      ) : (
        <Facts file={detail.data} />
      )}
    </aside>
  );
}

export function Facts({ file }: { file: FileDetail }) {
  const preview = here(file.medium_url ?? file.thumbnail_url);
  const original = here(file.original_url);
  const { width, height } = file.dimensions;
  return (
    <div className="facts">
      {preview ? <img className="preview" src={preview} alt={file.upload_description ?? ""} /> : null}
      <Words key={file.id + file.title + file.tags.join()} file={file} />
      {file.upload_description ? <p className="description">{file.upload_description}</p> : null}
      <dl className="pairs">
        <dt>Name</dt>
        <dd>{file.original_filename}</dd>
        <dt>Type</dt>
        <dd>{file.content_type}</dd>
        <dt>Size</dt>
        <dd>
          {bytes(file.size_bytes)}
          {width && height ? ` · ${width} × ${height}` : ""}
        </dd>
        <dt>Made</dt>
        <dd>{moment(file.content_created_at)}</dd>
        <dt>Uploaded</dt>
        <dd>
          {moment(file.created_at)} <span className="quiet">({file.upload_method.toLowerCase()})</span>
        </dd>
        <dt>Hash</dt>
        <dd>
          <code className="cut">{file.hash}</code>
        </dd>
      </dl>
      <div className="row">
        {original ? (
          <a className="button small" href={original} download={file.original_filename}>
            <Download size={15} aria-hidden /> Original
          </a>
        ) : null}
        <Link className="button small" href={`/apis?file=${file.id}`}>
          As every API sees it
        </Link>
      </div>
      {file.media_type === "link" ? <LinkPanel file={file} /> : null}
      {file.visible_text ? (
        <details>
          <summary>Text</summary>
          <pre className="text">{file.visible_text}</pre>
        </details>
      ) : null}
      <Findings id={file.id} />
      <Variants file={file} />
      <Skills file={file} />
      <Runs file={file} />
    </div>
  );
}

function Words({ file }: { file: FileDetail }) {
  const mayWrite = useMayWrite();
  const [title, setTitle] = useState(file.title ?? "");
  const [tags, setTags] = useState(file.tags.join(", "));
  const save = async () => {
    const wanted = tags
      .split(",")
      .map((it) => it.trim())
      .filter(Boolean);
    if (title === (file.title ?? "") && wanted.join() === file.tags.join()) return;
    try {
      await told(
        api.PATCH("/api/v2/user-files/{file_id}", {
          params: { path: { file_id: file.id } },
          body: { title: title || null, tags: wanted },
        }),
      );
      toast("Saved");
      await Promise.all([
        queries.invalidateQueries({ queryKey: ["file", file.id] }),
        queries.invalidateQueries({ queryKey: ["files"] }),
      ]);
    } catch (error) {
      trouble(error);
    }
  };
  return (
    <form className="stack" onSubmit={(event) => (event.preventDefault(), void save())}>
      <label>
        Title
        <input value={title} disabled={!mayWrite} onChange={(event) => setTitle(event.target.value)} onBlur={save} />
      </label>
      <label>
        Tags
        <input
          value={tags}
          disabled={!mayWrite}
          onChange={(event) => setTags(event.target.value)}
          onBlur={save}
          placeholder="with commas between"
        />
      </label>
      {mayWrite ? null : <p className="quiet">Your role may only read.</p>}
      <button type="submit" className="hidden" tabIndex={-1}>
        Save
      </button>
    </form>
  );
}

function Runs({ file }: { file: FileDetail }) {
  const mayWrite = useMayWrite();
  const again = async () => {
    try {
      await told(api.POST("/api/v2/user-files/{file_id}/trigger-variants", { params: { path: { file_id: file.id } } }));
      await queries.invalidateQueries({ queryKey: ["file", file.id] });
      toast("The sizes are being made again");
    } catch (error) {
      trouble(error);
    }
  };
  return (
    <section>
      <div className="heading">
        <h3>Activity</h3>
        {file.media_type === "image" ? (
          <button
            type="button"
            className="button small"
            disabled={!mayWrite}
            title={mayWrite ? undefined : READ_ONLY}
            onClick={again}
          >
            <RefreshCw size={14} aria-hidden /> Make sizes again
          </button>
        ) : null}
      </div>
      <ol className="runs">
        {file.processing_history.map((it) => (
          <li key={it.id}>
            <span className={`dot inline ${it.status}`} aria-hidden />
            <span>{words(it.operation_type)}</span>
            <span className="quiet">{it.status}</span>
            <time className="quiet" dateTime={it.created_at}>
              {moment(it.created_at)}
            </time>
            {it.error_message ? <p className="problem">{it.error_message}</p> : null}
          </li>
        ))}
      </ol>
      {file.processing_history.length ? null : <p className="quiet">Nothing has run yet.</p>}
    </section>
  );
}
