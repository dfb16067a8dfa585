/** One artifact: read, edited, compared and reverted; every change is a version, and a stale one is never kept unasked. */

import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, Download, History, Pencil, Share2 } from "lucide-react";
import { useEffect, useState } from "react";
import { Link, useParams } from "wouter";
import { ApiError, api, told } from "../api/client";
import { queries, READ_ONLY, useMayWrite } from "../api/queries";
import type { ArtifactWhole } from "../api/types";
import { watchArtifacts } from "../lib/sockets";
import { Failure, Skeleton } from "../ui/states";
import { toast, trouble } from "../ui/toasts";
import { Comparison } from "./comparison";
import { type Conflict, ConflictDialog } from "./conflict";
import { Content } from "./content";
import { Editor } from "./editor";
import { Shares } from "./shares";
import { Versions } from "./versions";

export default function ArtifactScreen() {
  const { room = "", id = "" } = useParams();
  const path = { room_id: room, artifact_id: id };
  const mayWrite = useMayWrite();
  const why = mayWrite ? undefined : READ_ONLY;
  const [isEditing, setEditing] = useState(false);
  const [isRailed, setRailed] = useState(true);
  const [version, setVersion] = useState<number | null>(null);
  const [compared, setCompared] = useState<[number, number] | null>(null);
  const [isSharing, setSharing] = useState(false);
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const found = useQuery({
    queryKey: ["artifact", id],
    queryFn: async () =>
      (await told(api.GET("/v1/rooms/{room_id}/artifacts/{artifact_id}", { params: { path } }))).data,
  });
  const old = useQuery({
    queryKey: ["version", id, version],
    enabled: version !== null,
    queryFn: async () =>
      (
        await told(
          api.GET("/v1/rooms/{room_id}/artifacts/{artifact_id}/versions/{version}", {
            params: { path: { ...path, version: version ?? 1 } },
          }),
        )
      ).data,
  });
  useEffect(() => watchArtifacts(() => void fresh(id), { room_id: room, artifact_id: id }), [room, id]);

  const save = async (
    wanted: { title: string; content: string; change_description: string | null },
    expected: number,
  ) => {
    try {
      const { data } = await told(
        api.PUT("/v1/rooms/{room_id}/artifacts/{artifact_id}", {
          params: { path },
          body: { ...wanted, expected_version: expected },
        }),
      );
      toast(`Version ${data.version} is kept`);
      setEditing(false);
      setConflict(null);
      await fresh(id);
    } catch (error) {
      if (error instanceof ApiError && (error.status === 412 || error.status === 409))
        setConflict({ wanted, theirs: await theirs() });
      else trouble(error);
    }
  };
  const theirs = async () =>
    (await told(api.GET("/v1/rooms/{room_id}/artifacts/{artifact_id}", { params: { path } }))).data;
  const revert = (to: number, current: ArtifactWhole) =>
    told(
      api.POST("/v1/rooms/{room_id}/artifacts/{artifact_id}/revert", {
        params: { path },
        body: { version: to, expected_version: current.version },
      }),
    )
      .then(({ data }) => toast(`Version ${to} is back, as version ${data.version}`))
      .then(() => (setVersion(null), fresh(id)))
      .catch(trouble);
  if (found.isPending) return <Skeleton />;
  if (found.isError) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  const current = found.data;
  const shown = version === null ? current : old.data;
  return (
    <div className="artifact">
      <header className="toolbar">
        <Link href={`/artifacts?room=${room}`} className="icon" aria-label="Back to the room">
          <ArrowLeft size={18} />
        </Link>
        <h1>
          {current.title}{" "}
          <small className="quiet">
            version {shown?.version ?? version}
            {version === null ? "" : ` of ${current.version}`}
          </small>
        </h1>
        <span className="spring" />
        {isEditing ? null : (
          <>
            {version === null ? null : (
              <button type="button" className="button" onClick={() => setVersion(null)}>
                Newest
              </button>
            )}
            <button
              type="button"
              className="button"
              disabled={version !== null || !mayWrite}
              title={
                why ??
                (version === null ? undefined : "Only the newest version is edited; this one can be brought back")
              }
              onClick={() => setEditing(true)}
            >
              <Pencil size={15} aria-hidden /> Edit
            </button>
            <button type="button" className="button" disabled={!mayWrite} title={why} onClick={() => setSharing(true)}>
              <Share2 size={15} aria-hidden /> Share
            </button>
            <button type="button" className="button" onClick={() => keepAsFile(current)}>
              <Download size={15} aria-hidden /> Export
            </button>
            <button
              type="button"
              className="icon"
              aria-label="Versions"
              aria-pressed={isRailed}
              onClick={() => setRailed(!isRailed)}
            >
              <History size={18} />
            </button>
          </>
        )}
      </header>
      <div className="row fill">
        <section className="paper" aria-label="Content">
          {compared ? (
            <Comparison path={path} versions={compared} onClose={() => setCompared(null)} />
          ) : isEditing ? (
            <Editor artifact={current} onSave={save} onCancel={() => setEditing(false)} />
          ) : shown ? (
            <Content kind={shown.kind} language={shown.language} text={shown.content} references={shown.references} />
          ) : (
            <Skeleton />
          )}
        </section>
        {isRailed && !isEditing ? (
          <Versions
            path={path}
            current={current.version}
            shown={version ?? current.version}
            onShow={(it) => (setCompared(null), setVersion(it === current.version ? null : it))}
            onCompare={(first, second) => setCompared([first, second])}
            onRevert={(it) => revert(it, current)}
            why={why}
          />
        ) : null}
      </div>
      {isSharing ? (
        <Shares path={path} version={shown?.version ?? current.version} onClose={() => setSharing(false)} />
      ) : null}
      {conflict ? (
        <ConflictDialog
          conflict={conflict}
          onClose={() => setConflict(null)}
          onOver={(it) => save(it, conflict.theirs.version)}
        />
      ) : null}
    </div>
  );
}

function fresh(id: string): Promise<unknown> {
  return Promise.all(
    [["artifact", id], ["versions", id], ["artifacts"]].map((queryKey) => queries.invalidateQueries({ queryKey })),
  );
}

const ENDINGS: Record<string, string> = { markdown: "md", json: "json", code: "txt" };

function keepAsFile(it: ArtifactWhole): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([it.content], { type: "text/plain" }));
  link.download = `${it.title.replace(/[^\p{L}\p{N} ._-]+/gu, "-")}.${ENDINGS[it.kind] ?? "txt"}`;
  link.click();
  URL.revokeObjectURL(link.href);
}
