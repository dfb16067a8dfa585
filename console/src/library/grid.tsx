/** The virtualised grid: only what is seen is in the page, it is one tab stop, and it keeps its place on the way back. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { UserFile } from "../api/types";
import { dayOf } from "../lib/format";
import { type Cell, GAP, justified, type Grid as Layout, neighbour } from "../lib/layout";
import type { Selection } from "./selection";
import { Tile } from "./tile";

interface Props {
  files: readonly UserFile[];
  total: number;
  label: string;
  target: number;
  byDay: boolean;
  active: number;
  place: string;
  selection: Selection;
  onActive: (index: number) => void;
  onOpen: (index: number) => void;
  onEnd: () => void;
}

const PLACES = new Map<string, number>();
const AHEAD_ROWS = 12;

export function Grid({ files, total, label, target, byDay, active, place, selection, onActive, onOpen, onEnd }: Props) {
  const own = useRef<HTMLDivElement>(null);
  const width = useWidth(own);
  const shapes = useMemo(() => files.map(shapeOf), [files]);
  const grid = useMemo(() => justified(shapes, width, target, byDay), [shapes, width, target, byDay]);
  const scroller = useCallback(() => own.current?.closest<HTMLElement>(".canvas") ?? null, []);
  const virtual = useVirtualizer({
    count: grid.rows.length,
    getScrollElement: scroller,
    estimateSize: (row) => grid.rows[row]?.height ?? target,
    overscan: 4,
    initialOffset: () => PLACES.get(place) ?? 0,
    scrollMargin: own.current?.offsetTop ?? 0,
    enabled: width > 0,
    onChange: (it) => PLACES.set(place, it.scrollOffset ?? 0),
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another grid has other heights
  useLayoutEffect(() => virtual.measure(), [grid]);

  const placed = useRef(place);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another list moves the place
  useEffect(() => {
    if (placed.current !== place) virtual.scrollToOffset(PLACES.get(place) ?? 0);
    placed.current = place;
  }, [place]);

  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (width > 0 && last >= grid.rows.length - AHEAD_ROWS) onEnd();
  }, [last, grid.rows.length, width, onEnd]);
  const rowOfActive = grid.rowOf[active] ?? -1;
  const stop = shown.some((it) => it.index === rowOfActive)
    ? active
    : firstOf(
        grid,
        shown.map((it) => it.index),
      );

  const move = (index: number) => {
    const next = Math.max(0, Math.min(files.length - 1, index));
    onActive(next);
    virtual.scrollToIndex(grid.rowOf[next] ?? 0, { align: "auto" });
    requestAnimationFrame(() =>
      own.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus({ preventScroll: true }),
    );
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroller()?.clientHeight ?? 600) / target));
    const steps = (count: number, step: 1 | -1) =>
      Array.from({ length: count }).reduce<number>((at) => neighbour(grid, at, step), active);
    const moves: Record<string, () => number> = {
      ArrowRight: () => active + 1,
      ArrowLeft: () => active - 1,
      ArrowDown: () => neighbour(grid, active, 1),
      ArrowUp: () => neighbour(grid, active, -1),
      PageDown: () => steps(page, 1),
      PageUp: () => steps(page, -1),
      Home: () => 0,
      End: () => files.length - 1,
    };
    const next = moves[event.key];
    if (next) {
      event.preventDefault();
      if (event.shiftKey) selection.toggle(next(), true);
      move(next());
    } else if (event.key === "Enter") {
      event.preventDefault();
      onOpen(active);
    } else if (event.key === " ") {
      event.preventDefault();
      selection.toggle(active, event.shiftKey);
    }
  };

  const cells = (row: number, inside: readonly Cell[], height: number) =>
    inside.map((cell, column) => {
      const file = files[cell.index];
      return file ? (
        <Tile
          key={file.id}
          file={file}
          index={cell.index}
          column={column + 1}
          width={cell.width}
          height={height - GAP}
          isActive={cell.index === stop}
          isSelected={selection.ids.has(file.id)}
          onOpen={onOpen}
          onFocus={onActive}
          onSelect={selection.toggle}
        />
      ) : (
        <div key={`${row}-${cell.index}`} role="gridcell" />
      );
    });

  return (
    <div
      ref={own}
      role="grid"
      aria-label={label}
      aria-multiselectable="true"
      aria-rowcount={total > files.length ? -1 : grid.rows.length}
      className={selection.ids.size ? "grid picking" : "grid"}
      style={{ height: virtual.getTotalSize() }}
      onKeyDown={onKeyDown}
    >
      {shown.map((it) => {
        const row = grid.rows[it.index];
        if (!row) return null;
        const style = { transform: `translateY(${it.start - virtual.options.scrollMargin}px)`, height: row.height };
        return row.kind === "day" ? (
          <div key={it.key} role="row" aria-rowindex={it.index + 1} className="day" style={style}>
            <span role="rowheader">{row.label}</span>
          </div>
        ) : (
          <div key={it.key} role="row" aria-rowindex={it.index + 1} className="cells" style={style}>
            {cells(it.index, row.cells, row.height)}
          </div>
        );
      })}
    </div>
  );
}

/** The first file of the rows that are shown: the tab stop while the active one is out of sight. */
function firstOf(grid: Layout, rows: readonly number[]): number {
  for (const at of rows) {
    const row = grid.rows[at];
    if (row?.kind === "cells") return row.cells[0]?.index ?? 0;
  }
  return 0;
}

function shapeOf(file: UserFile) {
  const size = file.dimensions;
  return {
    id: file.id,
    aspect: size ? size.width / size.height : file.media_type === "link" ? 1.5 : 0.8,
    day: dayOf(file.content_created_at ?? file.created_at),
  };
}

function useWidth(own: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = own.current;
    if (!element) return;
    const watcher = new ResizeObserver(() => setWidth(element.clientWidth));
    watcher.observe(element);
    setWidth(element.clientWidth);
    return () => watcher.disconnect();
  }, [own]);
  return width;
}
