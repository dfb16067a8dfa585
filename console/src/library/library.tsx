/** The library and all screens like it: by kind, by folder, the trash, and what a search has found. */

import { useCallback, useMemo, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { hasFailed, useFiles, useFolders } from "../api/queries";
import { count } from "../lib/format";
import { useKeys } from "../lib/keys";
import { usePreference } from "../lib/preference";
import { Empty, Failure, NoResults } from "../ui/states";
import { pickFiles } from "../uploads/pick";
import { Bulk } from "./bulk";
import { active as activeFilters, changed, type Filters, filtersIn } from "./filters";
import { FolderBar } from "./folder";
import { Grid } from "./grid";
import { Inspector } from "./inspector";
import { useLive } from "./live";
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
  const found = useFiles(filters);
  const files = useMemo(
    () => [...new Map(found.data?.pages.flatMap((page) => page.files).map((it) => [it.id, it])).values()],
    [found.data],
  );
  const total = found.data?.pages.at(-1)?.total_count ?? 0;
  const note = found.data?.pages[0]?.note;
  const [active, setActive] = useState(0);
  const [density, setDensity] = usePreference<Density>("density", "medium");
  const [isTable, setTable] = usePreference<boolean>("table", false);
  const [isInspecting, setInspecting] = usePreference<boolean>("inspector", false);
  const selection = useSelection(files);
  const viewed = new URLSearchParams(search).get("file");
  const current = files[Math.min(active, files.length - 1)];
  const { data: folders } = useFolders();
  useLive(files);

  const open = useCallback(
    (index: number) => files[index] && go(path + changed(search, { file: files[index].id })),
    [files, go, path, search],
  );
  const close = useCallback(() => go(path + changed(search, { file: null }), { replace: true }), [go, path, search]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = found;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);

  useKeys(
    title,
    [
      { key: "i", does: "Show or hide the inspector", act: () => setInspecting(!isInspecting) },
      { key: "t", does: "Table or grid", act: () => setTable(!isTable) },
      { key: "mod+a", does: "Select all that is loaded", act: selection.all },
      { key: "Escape", does: "Clear the selection", act: selection.clear },
    ],
    viewed === null,
  );

  const clear = () => go(path);
  const name = fixed.folder ? (folders?.find((it) => it.id === fixed.folder)?.name ?? title) : title;
  const failed = files.filter(hasFailed).length;
  return (
    <div className={isInspecting ? "library inspecting" : "library"}>
      <div className="listing">
        <Toolbar
          title={name}
          filters={filters}
          density={density}
          isTable={isTable}
          isInspecting={isInspecting}
          total={found.data ? `${count(total, "file")}${failed ? ` · ${failed} with failures` : ""}` : ""}
          onDensity={setDensity}
          onTable={setTable}
          onInspect={() => setInspecting(!isInspecting)}
        />
        {fixed.folder ? <FolderBar id={fixed.folder} /> : null}
        {note ? <p className="note">{note}</p> : null}
        {found.isPending ? (
          <GridSkeleton height={HEIGHTS[density]} />
        ) : found.isError && !files.length ? (
          <Failure error={found.error} onRetry={() => void found.refetch()} />
        ) : !files.length ? (
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
            files={files}
            label={name}
            active={active}
            selection={selection}
            onActive={setActive}
            onOpen={open}
            onEnd={more}
          />
        ) : (
          <Grid
            files={files}
            total={total}
            label={name}
            target={HEIGHTS[density]}
            place={path + search.replace(/&?file=[^&]*/, "")}
            byDay={!filters.query && filters.sort === "content_created_at"}
            active={active}
            selection={selection}
            onActive={setActive}
            onOpen={open}
            onEnd={more}
          />
        )}
        {isFetchingNextPage ? (
          <p className="quiet loading" role="status">
            Loading more…
          </p>
        ) : null}
      </div>
      {isInspecting && current ? <Inspector id={current.id} onClose={() => setInspecting(false)} /> : null}
      <Bulk selection={selection} files={files} isTrash={filters.trash} />
      {viewed ? (
        <Viewer
          id={viewed}
          files={files}
          onClose={close}
          onEnd={more}
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
