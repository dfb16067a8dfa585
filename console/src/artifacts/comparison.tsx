/** Two versions, word by word: one below the other, or side by side. */

import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { api, told } from "../api/client";
import type { Difference } from "../api/types";
import { usePreference } from "../lib/preference";
import { Failure, Skeleton } from "../ui/states";

type Hunk = Difference["hunks"][number];

interface Props {
  path: { room_id: string; artifact_id: string };
  versions: [number, number];
  onClose: () => void;
}

export function Comparison({ path, versions: [first, second], onClose }: Props) {
  const [isBeside, setBeside] = usePreference<boolean>("beside", true);
  const found = useQuery({
    queryKey: ["diff", path.artifact_id, first, second],
    queryFn: async () =>
      (
        await told(
          api.GET("/v1/rooms/{room_id}/artifacts/{artifact_id}/versions/{first}..{second}/diff", {
            params: { path: { ...path, first, second } },
          }),
        )
      ).data,
  });
  return (
    <div className="comparison">
      <div className="row">
        <h2>
          Version {first} → {second}
        </h2>
        {found.data ? (
          <span>
            <ins>+{found.data.added_lines}</ins> <del>−{found.data.removed_lines}</del>
          </span>
        ) : null}
        <span className="spring" />
        <button type="button" className="button small" aria-pressed={isBeside} onClick={() => setBeside(!isBeside)}>
          Side by side
        </button>
        <button type="button" className="icon" aria-label="Close the comparison" onClick={onClose}>
          <X size={18} />
        </button>
      </div>
      {found.isPending ? (
        <Skeleton />
      ) : found.isError ? (
        <Failure error={found.error} onRetry={() => void found.refetch()} />
      ) : found.data.hunks.length ? (
        found.data.hunks.map((hunk) => (
          <Part key={`${hunk.from_line}-${hunk.to_line}`} hunk={hunk} isBeside={isBeside} />
        ))
      ) : (
        <p className="quiet">The two say the same.</p>
      )}
    </div>
  );
}

function Part({ hunk, isBeside }: { hunk: Hunk; isBeside: boolean }) {
  const side = (left: boolean) => (
    <pre>
      {hunk.pieces
        .filter((it) => it.op !== (left ? "insert" : "delete"))
        .map((it, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a fixed text
          <Piece key={`${index}-${it.op}`} op={it.op} text={it.text} />
        ))}
    </pre>
  );
  return (
    <section className="hunk" aria-label={`Line ${hunk.from_line}`}>
      <p className="quiet">
        line {hunk.from_line} → {hunk.to_line}
      </p>
      {isBeside ? (
        <div className="sides">
          {side(true)}
          {side(false)}
        </div>
      ) : (
        <pre>
          {hunk.pieces.map((it, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a fixed text
            <Piece key={`${index}-${it.op}`} op={it.op} text={it.text} />
          ))}
        </pre>
      )}
    </section>
  );
}

function Piece({ op, text }: { op: string; text: string }) {
  return op === "insert" ? <ins>{text}</ins> : op === "delete" ? <del>{text}</del> : <span>{text}</span>;
}
