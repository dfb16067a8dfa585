/** The rail: where one can go, the folders, and how full the library is. */

import { useQuery } from "@tanstack/react-query";
import {
  Blocks,
  Bookmark,
  Clapperboard,
  FileText,
  Folder as FolderIcon,
  FolderPlus,
  Image,
  Images,
  Keyboard,
  Link2,
  LogOut,
  Mic,
  NotebookPen,
  Settings2,
  Tags,
  Trash2,
  Upload,
} from "lucide-react";
import { type ReactNode, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { api, told } from "../api/client";
import { queries, useFolders, useMayWrite, useMe } from "../api/queries";
import { signOut } from "../api/session";
import type { Folder } from "../api/types";
import { bytes, count } from "../lib/format";
import { forgetSearch, useSavedSearches } from "../library/saved";
import mark from "../mark.svg";
import { Ask } from "../ui/ask";

const PLACES = [
  ["/library", "Library", Images],
  ["/images", "Images", Image],
  ["/documents", "Documents", FileText],
  ["/videos", "Videos", Clapperboard],
  ["/recordings", "Recordings", Mic],
  ["/links", "Links", Link2],
  ["/artifacts", "Artifacts", NotebookPen],
  ["/tags", "Tags", Tags],
  ["/uploads", "Uploads", Upload],
] as const;

interface Props {
  isOpen: boolean;
  onGo: () => void;
  onHelp: () => void;
}

export function Rail({ isOpen, onGo, onHelp }: Props) {
  const { data: me } = useMe();
  return (
    <nav
      className={isOpen ? "rail open" : "rail"}
      aria-label="Main"
      onClickCapture={(event) => (event.target as Element).closest("a") && onGo()}
    >
      <div className="brand">
        <img src={mark} alt="" width={28} height={28} />
        <div>
          <strong>Mediatheque</strong>
          <span className="quiet">{me ? me.username : " "}</span>
        </div>
      </div>
      <ul>
        {PLACES.map(([path, label, Icon]) => (
          <Place key={path} path={path} icon={<Icon size={17} aria-hidden />}>
            {label}
          </Place>
        ))}
      </ul>
      <Folders />
      <SavedSearches />
      <ul className="foot">
        <Place path="/trash" icon={<Trash2 size={17} aria-hidden />}>
          Trash
        </Place>
        <Place path="/apis" icon={<Blocks size={17} aria-hidden />}>
          APIs
        </Place>
        <Place path="/operations" icon={<Settings2 size={17} aria-hidden />}>
          Operations
        </Place>
      </ul>
      <Meter />
      <div className="row">
        <button type="button" className="button small" onClick={onHelp}>
          <Keyboard size={15} aria-hidden /> Keys
        </button>
        <button type="button" className="button small" onClick={signOut}>
          <LogOut size={15} aria-hidden /> Sign out
        </button>
      </div>
    </nav>
  );
}

function Place({ path, icon, children }: { path: string; icon: ReactNode; children: ReactNode }) {
  const [location] = useLocation();
  const isHere = location === path || location.startsWith(`${path}/`);
  return (
    <li>
      <Link href={path} className="place" aria-current={isHere ? "page" : undefined}>
        {icon}
        <span>{children}</span>
      </Link>
    </li>
  );
}

function Folders() {
  const { data } = useFolders();
  const [isAsking, setAsking] = useState(false);
  const mayWrite = useMayWrite();
  const create = async (name: string) => {
    await told(api.POST("/api/v2/folders", { body: { name } }));
    await queries.invalidateQueries({ queryKey: ["folders"] });
  };
  return (
    <section aria-label="Folders">
      <div className="heading">
        <h2>Folders</h2>
        <button
          type="button"
          className="icon small"
          aria-label="New folder"
          disabled={!mayWrite}
          title={mayWrite ? "New folder" : "Your role may not make folders"}
          onClick={() => setAsking(true)}
        >
          <FolderPlus size={15} />
        </button>
      </div>
      <ul>
        {inOrder(data ?? []).map((it) => (
          <li key={it.id} style={{ paddingInlineStart: it.depth * 14 }}>
            <FolderPlace folder={it} />
          </li>
        ))}
      </ul>
      {isAsking ? (
        <Ask title="New folder" label="Name" does="Create" onAnswer={create} onClose={() => setAsking(false)} />
      ) : null}
    </section>
  );
}

function FolderPlace({ folder }: { folder: Folder }) {
  const [location] = useLocation();
  const path = `/folders/${folder.id}`;
  return (
    <Link href={path} className="place" aria-current={location === path ? "page" : undefined}>
      <FolderIcon size={16} aria-hidden />
      <span>{folder.name}</span>
      <span className="quiet">
        {folder.file_count}
        <span className="hidden"> files</span>
      </span>
    </Link>
  );
}

function SavedSearches() {
  const saved = useSavedSearches();
  const search = useSearch();
  if (!saved.length) return null;
  return (
    <section aria-label="Saved searches">
      <div className="heading">
        <h2>Saved searches</h2>
      </div>
      <ul>
        {saved.map((it) => (
          <li key={it.search} className="row">
            <Link
              href={`/library?${it.search}`}
              className="place"
              aria-current={search === it.search ? "page" : undefined}
            >
              <Bookmark size={16} aria-hidden />
              <span>{it.name}</span>
            </Link>
            <button
              type="button"
              className="icon small"
              aria-label={`Forget ${it.name}`}
              onClick={() => forgetSearch(it.search)}
            >
              <Trash2 size={13} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Meter() {
  const { data } = useQuery({
    queryKey: ["usage"],
    queryFn: async () => (await told(api.GET("/api/v1/assets/usage-stats"))).data,
    staleTime: 60_000,
  });
  if (!data) return null;
  return (
    <p className="meter quiet">
      {count(data.totalAssets, "picture")} · {bytes(data.totalBytes)}
    </p>
  );
}

/** The tree as a list: each folder below its parent, by name. */
function inOrder(folders: Folder[], parent: string | null = null): Folder[] {
  return folders
    .filter((it) => it.parent_id === parent)
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((it) => [it, ...inOrder(folders, it.id)]);
}
