/** The way to a folder, what lies below it, and what can be done with the folder itself. */

import { useQuery } from "@tanstack/react-query";
import { ChevronRight, Folder as FolderIcon, FolderPlus, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { api, told } from "../api/client";
import { queries, READ_ONLY, useFolders, useMayWrite } from "../api/queries";
import { Ask } from "../ui/ask";
import { Confirm } from "../ui/dialog";
import { trouble } from "../ui/toasts";

export function FolderBar({ id }: { id: string }) {
  const [, go] = useLocation();
  const [asked, ask] = useState<"rename" | "remove" | "new" | null>(null);
  const mayWrite = useMayWrite();
  const params = { path: { folder_id: id } };
  const { data } = useQuery({
    queryKey: ["folders", id],
    queryFn: () => told(api.GET("/api/v2/folders/{folder_id}/breadcrumbs", { params })),
  });
  const { data: folders = [] } = useFolders();
  const fresh = () => queries.invalidateQueries({ queryKey: ["folders"] });
  const remove = async () => {
    await told(
      api.DELETE("/api/v2/folders/{folder_id}", {
        params: { path: { folder_id: id }, query: { mode: "move_to_parent" } },
      }),
    );
    await fresh();
    go("/library");
  };
  const here = folders.find((it) => it.id === id);
  return (
    <div className="row folderbar">
      <nav aria-label="Breadcrumbs" className="crumbs">
        <Link href="/library">Library</Link>
        {data?.breadcrumbs.map((it) => (
          <span key={it.id}>
            <ChevronRight size={14} aria-hidden /> <Link href={`/folders/${it.id}`}>{it.name}</Link>
          </span>
        ))}
      </nav>
      {folders
        .filter((it) => it.parent_id === id)
        .map((it) => (
          <Link key={it.id} href={`/folders/${it.id}`} className="chip">
            <FolderIcon size={13} aria-hidden /> {it.name}
          </Link>
        ))}
      <span className="spring" />
      <button
        type="button"
        className="button small"
        disabled={!mayWrite}
        title={mayWrite ? undefined : READ_ONLY}
        onClick={() => ask("new")}
      >
        <FolderPlus size={14} aria-hidden /> New inside
      </button>
      <button
        type="button"
        className="button small"
        disabled={!mayWrite}
        title={mayWrite ? undefined : READ_ONLY}
        onClick={() => ask("rename")}
      >
        <Pencil size={14} aria-hidden /> Rename
      </button>
      <button
        type="button"
        className="button small"
        disabled={!mayWrite}
        title={mayWrite ? undefined : READ_ONLY}
        onClick={() => ask("remove")}
      >
        <Trash2 size={14} aria-hidden /> Remove
      </button>
      {asked === "rename" ? (
        <Ask
          title="Rename the folder"
          label="Name"
          does="Rename"
          initial={here?.name ?? ""}
          onClose={() => ask(null)}
          onAnswer={(name) => told(api.PATCH("/api/v2/folders/{folder_id}", { params, body: { name } })).then(fresh)}
        />
      ) : asked === "new" ? (
        <Ask
          title="New folder"
          label="Name"
          does="Create"
          onClose={() => ask(null)}
          onAnswer={(name) => told(api.POST("/api/v2/folders", { body: { name, parent_id: id } })).then(fresh)}
        />
      ) : asked === "remove" ? (
        <Confirm
          title="Remove this folder?"
          does="Remove the folder"
          isDanger
          onYes={() => void remove().catch(trouble)}
          onClose={() => ask(null)}
        >
          What lies in it stays in the library, one level up.
        </Confirm>
      ) : null}
    </div>
  );
}
