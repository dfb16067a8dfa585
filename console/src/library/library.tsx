/** The library and all screens like it: by kind, by folder, the trash, and what a search has found. */

import { useCallback, useEffect, useMemo, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { hasFailed, useFolders } from "../api/queries";
import { count } from "../lib/format";
import { useKeys } from "../lib/keys";
import { usePreference } from "../lib/preference";
import { Empty, Failure, NoResults } from "../ui/states";
import { trouble } from "../ui/toasts";
import { pickFiles } from "../uploads/pick";
import { Bulk } from "./bulk";
import { active as activeFilters, changed, type Filters, filtersIn } from "./filters";
import { FolderBar } from "./folder";
import { Grid } from "./grid";
import { Inspector } from "./inspector";
import { useLive } from "./live";
import { usePages } from "./pages";
import { leftAt } from "./scrolling";
import { useSelection } from "./selection";
import { Table } from "./table";
import { type Density, Toolbar } from "./toolbar";
import { Viewer } from "./viewer";

const HEIGHTS: Record<Density, number> = { small: 120, medium: 190, large: 290 };
const UPLOAD = 'curl -H "Authorization: Bearer $KEY" -F file=@photo.jpg \\\n  ';

export function Library({ title, fixed }: { title: string; fixed: Partial<Filters> }) {
  const search = useSearch();
  const [path, go] = useLocation();
  const wanted = JSON.stringify(fixed);
  const filters = useMemo(() => filtersIn(search, JSON.parse(wanted)), [search, wanted]);
  const place = path + search.replace(/&?file=[^&]*/, "");
  const [spot, setSpot] = useState({ place, index: 0 });
  const active = spot.place === place ? spot.index : 0;
  const setActive = useCallback((index: number) => setSpot({ place, index }), [place]);
  const files = usePages(filters, leftAt(place), active);
  const { total, note } = files;
  const shown = useMemo(() => [...files.loaded.values()].flatMap((page) => page.files), [files.loaded]);
  const [density, setDensity] = usePreference<Density>("density", "medium");
  const [isTable, setTable] = usePreference<boolean>("table", false);
  const [isInspecting, setInspecting] = usePreference<boolean>("inspector", false);
  const selection = useSelection(files);
  const viewed = new URLSearchParams(search).get("file");
  const current = files.at(Math.min(active, total - 1));
  const { data: folders } = useFolders();
  useLive(shown);
  useEffect(() => {
    if (files.error && total) trouble(files.error);
  }, [files.error, total]);

  const open = useCallback(
    (index: number) => {
      const file = files.at(index);
      if (!file) return;
      setActive(index);
      go(path + changed(search, { file: file.id }));
    },
    [files.at, setActive, go, path, search],
  );
  const close = useCallback(() => go(path + changed(search, { file: null }), { replace: true }), [go, path, search]);
  useKeys(
    title,
    [
      { key: "i", does: "Show or hide the inspector", act: () => setInspecting(!isInspecting) },
      { key: "t", does: "Table or grid", act: () => setTable(!isTable) },
      { key: "mod+a", does: "Select all", act: selection.all },
      { key: "Escape", does: "Clear the selection", act: selection.clear },
    ],
    viewed === null,
  );

  const clear = () => go(path);
  const name = fixed.folder ? (folders?.find((it) => it.id === fixed.folder)?.name ?? title) : title;
  const failed = shown.length === total ? shown.filter(hasFailed).length : 0;
  return (
    <div className={isInspecting ? "library inspecting" : "library"}>
      <div className="listing">
        <Toolbar
          title={name}
          filters={filters}
          density={density}
          isTable={isTable}
          isInspecting={isInspecting}
          total={
            files.isPending || (files.error && !total)
              ? ""
              : `${count(total, "file")}${failed ? ` · ${failed} with failures` : ""}`
          }
          onDensity={setDensity}
          onTable={setTable}
          onInspect={() => setInspecting(!isInspecting)}
        />
        {fixed.folder ? <FolderBar id={fixed.folder} /> : null}
        {note ? <p className="note">{note}</p> : null}
        {files.isPending ? (
          <GridSkeleton height={HEIGHTS[density]} />
        ) : files.error && !total ? (
          <Failure error={files.error} onRetry={files.retry} />
        ) : !total ? (
          activeFilters(filters).length ? (
            <NoResults
              what={`No file fits ${activeFilters(filters)
                .map((it) => it.label)
                .join(", ")}.`}
              onClear={clear}
            />
          ) : (
            <Nothing filters={filters} />
          )
        ) : isTable ? (
          <Table
            key={place}
            files={files}
            label={name}
            active={active}
            place={place}
            selection={selection}
            onActive={setActive}
            onOpen={open}
          />
        ) : (
          <Grid
            key={place}
            files={files}
            label={name}
            target={HEIGHTS[density]}
            place={place}
            byDay={!filters.query && filters.sort === "content_created_at"}
            active={active}
            selection={selection}
            onActive={setActive}
            onOpen={open}
          />
        )}
      </div>
      {isInspecting && current ? <Inspector id={current.id} onClose={() => setInspecting(false)} /> : null}
      <Bulk selection={selection} isTrash={filters.trash} />
      {viewed ? (
        <Viewer
          id={viewed}
          files={files}
          at={files.at(active)?.id === viewed ? active : files.indexOf(viewed)}
          onClose={close}
          onMove={(id) => go(path + changed(search, { file: id }), { replace: true })}
          onActive={setActive}
        />
      ) : null}
    </div>
  );
}

function Nothing({ filters }: { filters: Filters }) {
  if (filters.trash)
    return <Empty title="The trash is empty">What is deleted lies here for some weeks, and can be restored.</Empty>;
  const kind = filters.kind ? `No ${filters.kind === "audio" ? "recording" : filters.kind} yet` : "Nothing here yet";
  return (
    <Empty
      title={kind}
      curl={`${UPLOAD}${location.origin}/api/v2/user-files/upload/stream`}
      action={
        <button type="button" className="button primary" onClick={() => pickFiles()}>
          Upload files
        </button>
      }
    >
      Drop files anywhere in this window, paste a picture, or choose some.
    </Empty>
  );
}

const SHAPES = [1.5, 0.8, 1.33, 1.78, 1, 1.4, 0.7, 1.6, 1.2, 1.5, 0.9, 1.33];

function GridSkeleton({ height }: { height: number }) {
  return (
    <div className="grid-skeleton" role="status">
      <span className="hidden">Loading</span>
      {[...SHAPES, ...SHAPES].map((aspect, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they never move
        <div key={index} className="skeleton" style={{ height, width: aspect * height }} />
      ))}
    </div>
  );
}
