/** The tray: every upload of this page with its progress, small in the corner, on whichever screen one is. */

import { ChevronDown, ChevronUp, X } from "lucide-react";
import { useState } from "react";
import { count } from "../lib/format";
import { UploadList } from "./list";
import { useUploads } from "./state";

export default function Tray() {
  const { files, held } = useUploads();
  const [isFolded, fold] = useState(false);
  if (!files.length && !held.length) return null;
  const done = files.filter((it) => it.progress.uploadComplete).length;
  const failed = files.filter((it) => it.error).length;
  const isBusy = files.some((it) => it.progress.uploadStarted && !it.progress.uploadComplete && !it.error);
  const percentage = files.length
    ? files.reduce((sum, it) => sum + (it.progress.percentage ?? 0), 0) / files.length
    : 100;
  const close = () =>
    void import("./uploader").then(({ uploader, letGo }) => {
      uploader.clear();
      for (const it of held) letGo(it.id, false);
    });
  return (
    <section className="tray" aria-label="Uploads">
      <header>
        <strong aria-live="polite">
          {isBusy ? `${done} of ${count(files.length, "file")}` : `${count(done, "file")} uploaded`}
          {failed ? `, ${failed} failed` : ""}
        </strong>
        <button
          type="button"
          className="icon small"
          aria-label={isFolded ? "Show the uploads" : "Fold the uploads"}
          aria-expanded={!isFolded}
          onClick={() => fold(!isFolded)}
        >
          {isFolded ? <ChevronUp size={16} /> : <ChevronDown size={16} />}
        </button>
        {isBusy ? null : (
          <button type="button" className="icon small" aria-label="Close the uploads" onClick={close}>
            <X size={16} />
          </button>
        )}
      </header>
      {isBusy ? <progress max={100} value={percentage} aria-label="All uploads" /> : null}
      {isFolded ? null : <UploadList files={files} held={held} />}
    </section>
  );
}
