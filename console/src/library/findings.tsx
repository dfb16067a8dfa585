/** What skills have found out, with which model and how sure it was; a person accepts or rejects it, or takes a run back. */

import { Check, Undo2, X } from "lucide-react";
import { api, told } from "../api/client";
import { queries, READ_ONLY, useFindings, useMayWrite } from "../api/queries";
import type { Finding } from "../api/types";
import { percent, words } from "../lib/format";
import { Failure, Skeleton } from "../ui/states";
import { toast, trouble } from "../ui/toasts";

/** Of interest to machines only. */
const HIDDEN = new Set(["text_lines", "blur_hash", "perceptual_hash", "phash"]);
const MOST_CHARS = 600;

export function Findings({ id }: { id: string }) {
  const found = useFindings(id);
  const shown = found.data?.filter((it) => !HIDDEN.has(it.kind)) ?? [];
  return (
    <section>
      <h3>Findings</h3>
      {found.isPending ? (
        <Skeleton rows={2} />
      ) : found.isError ? (
        <Failure error={found.error} onRetry={() => void found.refetch()} />
      ) : shown.length ? null : (
        <p className="quiet">Nothing has been found out yet.</p>
      )}
      <ul className="findings">
        {shown.map((it) => (
          <One key={`${it.run_id}${it.kind}`} id={id} finding={it} />
        ))}
      </ul>
    </section>
  );
}

function One({ id, finding }: { id: string; finding: Finding }) {
  const mayWrite = useMayWrite();
  const path = { file_id: id, run_id: finding.run_id, kind: finding.kind };
  const fresh = () =>
    Promise.all(
      ["findings", "file", "files"].map((name) =>
        queries.invalidateQueries({ queryKey: name === "files" ? [name] : [name, id] }),
      ),
    );
  const judge = (state: "suggested" | "accepted" | "rejected") =>
    told(api.PATCH("/api/v2/user-files/{file_id}/findings/{run_id}/{kind}", { params: { path }, body: { state } }))
      .then(fresh)
      .catch(trouble);
  const undo = () =>
    told(api.POST("/api/v2/user-files/{file_id}/runs/{run_id}/undo", { params: { path } }))
      .then((back) => toast(`Taken back: ${[...back.findings, ...back.fields].map(words).join(", ") || "nothing"}`))
      .then(fresh)
      .catch(trouble);
  const isOpen = finding.state === "suggested";
  return (
    <li className={`finding ${finding.state}`}>
      <div className="heading">
        <b>{words(finding.kind)}</b>
        <span className="quiet">
          {[finding.model ?? finding.skill, percent(finding.confidence), finding.language].filter(Boolean).join(" · ")}
        </span>
      </div>
      <p>{asText(finding.value).slice(0, MOST_CHARS)}</p>
      <div className="row">
        <span className={`verdict ${finding.state}`}>{words(finding.state)}</span>
        <span className="spring" />
        <button
          type="button"
          className="icon small"
          disabled={!mayWrite}
          title={mayWrite ? undefined : READ_ONLY}
          aria-label={`Accept ${finding.kind}`}
          aria-pressed={finding.state === "accepted"}
          onClick={() => judge(isOpen || finding.state === "rejected" ? "accepted" : "suggested")}
        >
          <Check size={15} />
        </button>
        <button
          type="button"
          className="icon small"
          disabled={!mayWrite}
          title={mayWrite ? undefined : READ_ONLY}
          aria-label={`Reject ${finding.kind}`}
          aria-pressed={finding.state === "rejected"}
          onClick={() => judge(isOpen || finding.state === "accepted" ? "rejected" : "suggested")}
        >
          <X size={15} />
        </button>
        <button
          type="button"
          className="icon small"
          disabled={!mayWrite}
          aria-label={`Take back the run of ${finding.skill}`}
          title={mayWrite ? "Take back what this run wrote" : READ_ONLY}
          onClick={undo}
        >
          <Undo2 size={15} />
        </button>
      </div>
    </li>
  );
}

/** The value of a finding as a sentence: its text, its names with how sure, or what it holds. */
function asText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map(asText).join(", ");
  const known = value as Record<string, unknown>;
  const name = known.text ?? known.name ?? known.label ?? known.tag;
  if (typeof name === "string")
    return typeof known.confidence === "number" ? `${name} ${percent(known.confidence)}` : name;
  return Object.entries(known)
    .filter(([, it]) => it !== null && it !== "")
    .map(([key, it]) => `${words(key)}: ${asText(it)}`)
    .join(" · ");
}
