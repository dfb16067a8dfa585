/** What can be done with everything that is selected, and taken back where the server can. */

import { useQuery } from "@tanstack/react-query";
import { Eye, FolderInput, Globe, RotateCcw, Tag, Trash2, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { api, told } from "../api/client";
import { filesWith, queries, READ_ONLY, useFolders, useMayWrite } from "../api/queries";
import { count } from "../lib/format";
import { useKeys } from "../lib/keys";
import { Ask } from "../ui/ask";
import { Confirm, Dialog } from "../ui/dialog";
import { Failure } from "../ui/states";
import { toast, trouble } from "../ui/toasts";
import { put, take } from "./live";
import type { Selection } from "./selection";

const BATCH = 100;
const AT_ONCE = 4;
type Asked = "tag" | "move" | "delete" | "public" | null;

export function Bulk({ selection, isTrash }: { selection: Selection; isTrash: boolean }) {
  const [asked, ask] = useState<Asked>(null);
  const mayWrite = useMayWrite();
  const ids = [...selection.ids];
  const done = () => ask(null);
  const isOn = ids.length > 0 && mayWrite;
  useKeys(
    "Selection",
    isTrash
      ? [
          {
            key: "r",
            does: "Restore what is selected",
            act: () => void restore(ids).then(selection.clear).catch(trouble),
          },
        ]
      : [
          { key: "#", does: "Tag what is selected", act: () => ask("tag") },
          { key: "m", does: "Move what is selected", act: () => ask("move") },
          { key: "Delete", does: "Delete what is selected", act: () => ask("delete") },
        ],
    isOn,
  );
  if (!ids.length) return null;

  const finish = (act: Promise<unknown>) => act.then(selection.clear).catch(trouble);
  const why = mayWrite ? undefined : READ_ONLY;
  const button = (label: string, icon: ReactNode, act: () => void) => (
    <button type="button" className="button small" disabled={!mayWrite} title={why} onClick={act}>
      {icon} {label}
    </button>
  );
  return (
    <section className="bulk" aria-label="Selection">
      <strong>{count(ids.length, "file")} selected</strong>
      {isTrash ? (
        button("Restore", <RotateCcw size={15} aria-hidden />, () => finish(restore(ids)))
      ) : (
        <>
          {button("Tag", <Tag size={15} aria-hidden />, () => ask("tag"))}
          {button("Move", <FolderInput size={15} aria-hidden />, () => ask("move"))}
          {button("Visibility", <Eye size={15} aria-hidden />, () => ask("public"))}
          {button("Delete", <Trash2 size={15} aria-hidden />, () => ask("delete"))}
        </>
      )}
      <button type="button" className="icon small" aria-label="Clear the selection" onClick={selection.clear}>
        <X size={16} />
      </button>
      {why ? <span className="quiet">{why}.</span> : null}
      {asked === "tag" ? (
        <Ask
          title={`Tag ${count(ids.length, "file")}`}
          label="Tags to add, with commas between"
          does="Add tags"
          onAnswer={(text) => tag(ids, text)}
          onClose={done}
        />
      ) : asked === "move" ? (
        <Move ids={ids} onClose={done} onMoved={selection.clear} />
      ) : asked === "delete" ? (
        <Confirm
          title={`Delete ${count(ids.length, "file")}?`}
          does="Move to the trash"
          isDanger
          onYes={() => finish(discard(ids))}
          onClose={done}
        >
          They go to the trash, from where they can be restored for some weeks.
        </Confirm>
      ) : asked === "public" ? (
        <Visibility ids={ids} onClose={done} />
      ) : null}
    </section>
  );
}

function Visibility({ ids, onClose }: { ids: string[]; onClose: () => void }) {
  const chosen = useQuery({ queryKey: ["chosen", ids], queryFn: () => filesWith(ids, false), gcTime: 0 });
  const pictures = chosen.data?.filter((it) => it.media_type === "image") ?? [];
  const others = (chosen.data?.length ?? 0) - pictures.length;
  const set = (isPublic: boolean) => {
    onClose();
    each(pictures, (it) =>
      told(api.PATCH("/api/v1/assets/{asset_id}", { params: { path: { asset_id: it.id } }, body: { isPublic } })),
    )
      .then(() =>
        toast(`${count(pictures.length, "picture")} ${isPublic ? "can be seen by everybody" : "private now"}`),
      )
      .catch(trouble);
  };
  return (
    <Dialog title="Visibility" onClose={onClose}>
      <div className="content">
        <p>Public pictures are shown to everybody who knows their address, and in the gallery.</p>
        {chosen.isError ? <Failure error={chosen.error} onRetry={() => void chosen.refetch()} /> : null}
        {others ? (
          <p className="quiet">
            Only pictures can be public: {others} of {others + pictures.length} stay as they are.
          </p>
        ) : null}
      </div>
      <footer>
        <button type="button" className="button" disabled={!chosen.data} onClick={() => set(false)}>
          Make private
        </button>
        <button type="button" className="button primary" disabled={!chosen.data} onClick={() => set(true)}>
          <Globe size={15} aria-hidden /> Make public
        </button>
      </footer>
    </Dialog>
  );
}

function Move({ ids, onClose, onMoved }: { ids: string[]; onClose: () => void; onMoved: () => void }) {
  const { data: folders = [] } = useFolders();
  const move = async (folder: string | null) => {
    onClose();
    try {
      for (const part of batches(ids))
        await told(api.POST("/api/v2/folders/move-files", { body: { file_ids: part, folder_id: folder } }));
      await Promise.all([
        queries.invalidateQueries({ queryKey: ["files"] }),
        queries.invalidateQueries({ queryKey: ["folders"] }),
      ]);
      toast(`${count(ids.length, "file")} moved`);
      onMoved();
    } catch (error) {
      trouble(error);
    }
  };
  return (
    <Dialog title={`Move ${count(ids.length, "file")}`} onClose={onClose}>
      <div className="content choices">
        <button type="button" className="button" onClick={() => move(null)}>
          Out of any folder
        </button>
        {folders.map((it) => (
          <button key={it.id} type="button" className="button" onClick={() => move(it.id)}>
            {it.name}
          </button>
        ))}
        {folders.length ? null : <p className="quiet">There are no folders yet; the rail makes one.</p>}
      </div>
    </Dialog>
  );
}

async function tag(ids: string[], text: string): Promise<void> {
  const files = await filesWith(ids, false);
  const more = text
    .split(",")
    .map((it) => it.trim())
    .filter(Boolean);
  const fresh = await each(files, async (it) => {
    const tags = [...new Set([...it.tags, ...more])];
    const kept = await told(
      api.PATCH("/api/v2/user-files/{file_id}", { params: { path: { file_id: it.id } }, body: { tags } }),
    );
    return { ...it, tags: kept.tags };
  });
  put(fresh);
  await queries.invalidateQueries({ queryKey: ["file"] });
  toast(`${count(files.length, "file")} tagged`);
}

export async function discard(ids: string[]): Promise<void> {
  const gone = new Set<string>();
  for (const part of batches(ids)) {
    const answer = await told(api.POST("/api/v2/user-files/batch-delete", { body: { file_ids: part } }));
    for (const it of answer.deleted) gone.add(it.id);
  }
  take(gone);
  toast(`${count(gone.size, "file")} moved to the trash`, {
    label: "Undo",
    act: () => void restore([...gone]).catch(trouble),
  });
  if (gone.size < ids.length)
    trouble(new Error(`${count(ids.length - gone.size, "file")} could not be deleted; they may still be uploading.`));
}

export async function restore(ids: string[]): Promise<void> {
  await each(ids, (id) =>
    told(api.POST("/api/v2/user-files/{file_id}/restore", { params: { path: { file_id: id } } })),
  );
  await queries.invalidateQueries({ queryKey: ["files"] });
  toast(`${count(ids.length, "file")} restored`);
}

/** One request for each, a few at once. */
async function each<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE)
    results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(act))));
  return results;
}

function batches(ids: string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / BATCH) }, (_, part) =>
    ids.slice(part * BATCH, (part + 1) * BATCH),
  );
}
