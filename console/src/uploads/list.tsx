/** Uploads one by one: pause, resume, retry; what a duplicate is a duplicate of; and what the server still does with each. */

import { useQuery } from "@tanstack/react-query";
import { Pause, Play, RotateCw, X } from "lucide-react";
import { Link } from "wouter";
import { api, here, told } from "../api/client";
import { hasFailed, isWorking } from "../api/queries";
import type { UserFile } from "../api/types";
import { bytes } from "../lib/format";
import type { Held, Upload } from "./uploader";

const MOST = 100;
const EVERY_MS = 1500;

export function UploadList({ files, held }: { files: readonly Upload[]; held: readonly Held[] }) {
  const made = useMade(files);
  return (
    <ul className="uploads">
      {held.map((it) => (
        <li key={it.id}>
          <span className="name">{it.file.name}</span>
          <span className="quiet">
            in the library already: <Link href={`/library?file=${it.duplicateOf}`}>show it</Link>
          </span>
          <span className="row">
            <button type="button" className="button small" onClick={() => answer(it.id, true)}>
              Upload anyway
            </button>
            <button type="button" className="button small" onClick={() => answer(it.id, false)}>
              Skip
            </button>
          </span>
        </li>
      ))}
      {[...files]
        .reverse()
        .slice(0, MOST)
        .map((it) => (
          <Row key={it.id} upload={it} made={made.get(it.meta.asset ?? "")} />
        ))}
    </ul>
  );
}

function Row({ upload, made }: { upload: Upload; made: UserFile | undefined }) {
  const { progress, error, isPaused } = upload as Upload & { isPaused?: boolean };
  const isDone = progress.uploadComplete;
  const thumbnail = here(made?.thumbnail_url);
  return (
    <li>
      <span className="thumb">{thumbnail ? <img src={thumbnail} alt="" /> : null}</span>
      <span className="name">
        {upload.meta.asset ? <Link href={`/library?file=${upload.meta.asset}`}>{upload.name}</Link> : upload.name}
      </span>
      <span className={error || (made && hasFailed(made)) ? "problem" : "quiet"}>{stateOf(upload, made)}</span>
      {isDone || error ? null : (
        <progress max={100} value={progress.percentage ?? 0} aria-label={`Upload of ${upload.name}`} />
      )}
      <span className="row">
        {error ? (
          <button
            type="button"
            className="icon small"
            aria-label={`Retry ${upload.name}`}
            onClick={() => act((it) => void it.retryUpload(upload.id).catch(() => undefined))}
          >
            <RotateCw size={15} />
          </button>
        ) : !isDone && progress.uploadStarted ? (
          <button
            type="button"
            className="icon small"
            aria-label={`${isPaused ? "Resume" : "Pause"} ${upload.name}`}
            onClick={() => act((it) => it.pauseResume(upload.id))}
          >
            {isPaused ? <Play size={15} /> : <Pause size={15} />}
          </button>
        ) : null}
        {isDone ? null : (
          <button
            type="button"
            className="icon small"
            aria-label={`Cancel ${upload.name}`}
            onClick={() => act((it) => it.removeFile(upload.id))}
          >
            <X size={15} />
          </button>
        )}
      </span>
    </li>
  );
}

function stateOf(upload: Upload, made: UserFile | undefined): string {
  if (upload.error) return reasonOf(upload);
  if (!upload.progress.uploadStarted) return "waiting";
  if (!upload.progress.uploadComplete)
    return `${bytes(Number(upload.progress.bytesUploaded || 0))} of ${bytes(upload.size ?? 0)}`;
  if (!made) return "safe; the server has it";
  if (hasFailed(made)) return made.description_error ?? "processing failed";
  if (made.variant_status && made.variant_status !== "completed") return "making its sizes";
  return isWorking(made) ? "being described" : "ready";
}

/** What the server said, out of the message that tus makes of it. */
function reasonOf(upload: Upload): string {
  const text = String(upload.error ?? "");
  const said = /"message":\s*"([^"]+)"/.exec(text)?.[1];
  return (
    said ??
    (/response code: (\d+)/.exec(text)?.[1] ? `refused (${/response code: (\d+)/.exec(text)?.[1]})` : text || "failed")
  );
}

/** The files that were made of uploads, asked for until the server is done with them. */
function useMade(files: readonly Upload[]): Map<string, UserFile> {
  const ids = files
    .map((it) => it.meta.asset ?? "")
    .filter(Boolean)
    .slice(-MOST);
  const { data } = useQuery({
    queryKey: ["made", ids],
    enabled: ids.length > 0,
    queryFn: () => told(api.GET("/api/v2/user-files", { params: { query: { ids, limit: MOST } } })),
    refetchInterval: (query) => (query.state.data?.files.every((it) => !isWorking(it)) ? false : EVERY_MS),
    placeholderData: (before) => before,
  });
  return new Map((data?.files ?? []).map((it) => [it.id, it as UserFile]));
}

function answer(id: string, isWanted: boolean): void {
  void import("./uploader").then(({ letGo }) => letGo(id, isWanted));
}

function act(on: (uploader: typeof import("./uploader").uploader) => void): void {
  void import("./uploader").then(({ uploader }) => on(uploader));
}
