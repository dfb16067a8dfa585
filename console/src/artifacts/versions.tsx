/** The rail of versions: who wrote each, why, and how to look at it, compare it, or bring it back. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, told } from "../api/client";
import { useMe } from "../api/queries";
import { ago, moment } from "../lib/format";
import { Confirm } from "../ui/dialog";
import { Failure, Skeleton } from "../ui/states";

interface Props {
  path: { room_id: string; artifact_id: string };
  current: number;
  shown: number;
  onShow: (version: number) => void;
  onCompare: (first: number, second: number) => void;
  onRevert: (version: number) => void;
  /** Why nothing can be brought back here, if so. */
  why: string | undefined;
}

export function Versions({ path, current, shown, onShow, onCompare, onRevert, why }: Props) {
  const { data: me } = useMe();
  const [asked, ask] = useState<number | null>(null);
  const found = useQuery({
    queryKey: ["versions", path.artifact_id, current],
    queryFn: async () =>
      (
        await told(
          api.GET("/v1/rooms/{room_id}/artifacts/{artifact_id}/versions", { params: { path, query: { limit: 100 } } }),
        )
      ).data,
  });
  return (
    <aside className="versions" aria-label="Versions">
      <h2>Versions</h2>
      {found.isPending ? (
        <Skeleton rows={3} />
      ) : found.isError ? (
        <Failure error={found.error} onRetry={() => void found.refetch()} />
      ) : (
        <ol>
          {[...found.data]
            .sort((a, b) => b.version - a.version)
            .map((it) => (
              <li key={it.version} aria-current={it.version === shown ? "true" : undefined}>
                <button type="button" className="version" onClick={() => onShow(it.version)}>
                  <b>Version {it.version}</b>
                  <span>{it.change_description ?? (it.version === 1 ? "Created" : "Changed")}</span>
                  <span className="quiet" title={moment(it.created_at)}>
                    {it.editor_id === me?.id ? "you" : `user ${it.editor_id.slice(0, 8)}`} · {ago(it.created_at)}
                  </span>
                </button>
                <span className="row">
                  {it.version > 1 ? (
                    <button
                      type="button"
                      className="button small"
                      onClick={() => onCompare(it.version - 1, it.version)}
                    >
                      What changed
                    </button>
                  ) : null}
                  {it.version < current ? (
                    <>
                      <button type="button" className="button small" onClick={() => onCompare(it.version, current)}>
                        Compare with newest
                      </button>
                      <button
                        type="button"
                        className="button small"
                        disabled={why !== undefined}
                        title={why}
                        onClick={() => ask(it.version)}
                      >
                        Revert to this
                      </button>
                    </>
                  ) : null}
                </span>
              </li>
            ))}
        </ol>
      )}
      {asked === null ? null : (
        <Confirm
          title={`Revert to version ${asked}?`}
          does="Revert"
          onYes={() => onRevert(asked)}
          onClose={() => ask(null)}
        >
          Its content becomes version {current + 1}. Nothing is lost: every version stays.
        </Confirm>
      )}
    </aside>
  );
}
