/** What of a column of files is in sight, and the place that is kept while it changes and until one comes back. */

import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { PAGE } from "../api/queries";
import { type Anchor, Column, type LayOut, type Placed } from "../lib/column";
import type { Pages } from "./pages";
import { shapesOf } from "./shapes";

const PLACES = new Map<string, Anchor>();
const MOST_PLACES = 50;
/** Pixels beyond what is in sight that are in the page, too. */
const BEYOND = 700;

interface Sight {
  version: number;
  rows: Placed[];
}

/** The file that was at the upper edge when that list was left. */
export function leftAt(place: string): number {
  return PLACES.get(place)?.index ?? 0;
}

/** `layOut` null: while nothing can be laid out. `place` names the list whose place is kept. */
export function useColumn(
  own: RefObject<HTMLElement | null>,
  files: Pages,
  place: string,
  layOut: LayOut | null,
): { column: Column | null; rows: Placed[]; reveal: (index: number) => void; height: () => number } {
  const column = useMemo(() => (layOut ? new Column(layOut, PAGE) : null), [layOut]);
  const [sight, setSight] = useState<Sight>({ version: -1, rows: [] });
  const anchor = useRef<Anchor | null>(PLACES.get(place) ?? null);
  const { total, loaded, need } = files;
  const lastTop = useRef<number | null>(null);

  /** Where somebody has scrolled to since the last look, as it was laid out then. */
  const follow = useCallback(() => {
    const element = own.current;
    const scroller = element && scrollerOf(element);
    if (!scroller || !column?.height || lastTop.current === null || scroller.scrollTop === lastTop.current) return;
    anchor.current = column.anchorAt(scroller.scrollTop - element.offsetTop);
    lastTop.current = scroller.scrollTop;
  }, [own, column]);
  const look = useCallback(() => {
    const element = own.current;
    const scroller = element && scrollerOf(element);
    if (!element || !scroller || !column?.height) return;
    const [margin, seen] = [element.offsetTop, scroller.clientHeight];
    anchor.current ??= { index: 0, above: -margin };
    anchor.current.index = Math.min(anchor.current.index, total - 1);
    let edge = column.settle(anchor.current, BEYOND, seen + BEYOND);
    element.style.height = `${column.height}px`;
    if (Math.abs(scroller.scrollTop - edge - margin) > 1) {
      scroller.scrollTop = edge + margin;
      if (Math.abs(scroller.scrollTop - edge - margin) > 1) edge = scroller.scrollTop - margin; // the list ends here
    }
    lastTop.current = scroller.scrollTop;
    remember(place, anchor.current);
    const rows = column.rowsBetween(edge - BEYOND, edge + seen + BEYOND);
    const { version } = column;
    setSight((now) => (now.version === version && isSame(now.rows, rows) ? now : { version, rows }));
    need(...indexes(column.rowsBetween(edge, edge + seen)));
  }, [own, column, total, need, place]);

  useLayoutEffect(() => {
    if (!column) return;
    follow();
    column.resize(total);
    for (const [number, page] of loaded) column.put(number, shapesOf(page));
    look();
  }, [column, total, loaded, follow, look]);
  useEffect(() => {
    const scroller = own.current && scrollerOf(own.current);
    if (!scroller) return;
    const onChange = () => {
      follow();
      look();
    };
    const watcher = new ResizeObserver(onChange);
    scroller.addEventListener("scroll", onChange, { passive: true });
    watcher.observe(scroller);
    return () => {
      scroller.removeEventListener("scroll", onChange);
      watcher.disconnect();
    };
  }, [own, follow, look]);

  const reveal = useCallback(
    (index: number) => {
      const element = own.current;
      const scroller = element && scrollerOf(element);
      if (!element || !scroller || !column) return;
      follow();
      const edge = scroller.scrollTop - element.offsetTop;
      const [top, high] = [column.topOf(index), column.rowOf(index)?.height ?? 0];
      const [hidden, seen] = [Math.min(element.offsetTop, scroller.clientHeight / 3), scroller.clientHeight];
      if (top < edge + hidden) anchor.current = { index, above: -hidden };
      else if (top + high > edge + seen) anchor.current = { index, above: high - seen };
      else return;
      look();
    },
    [own, column, follow, look],
  );
  const height = useCallback(() => (own.current && scrollerOf(own.current)?.clientHeight) || 600, [own]);
  return { column, rows: sight.rows, reveal, height };
}

/** The focus goes to what one moved to, and again whenever its row is made anew, until it goes elsewhere. */
export function useFocus(own: RefObject<HTMLElement | null>, files: Pages, rows: Placed[]): (index: number) => void {
  const wanted = useRef<number | null>(null);
  const go = useCallback(() => {
    if (wanted.current === null) return;
    const now = document.activeElement;
    if (now && now !== document.body && !own.current?.contains(now)) wanted.current = null; // it has gone elsewhere
    const found = own.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"]`);
    if (!found || wanted.current === null) return;
    if (found !== now) found.focus({ preventScroll: true });
  }, [own]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: other rows may hold it, and what is in them comes later
  useLayoutEffect(go, [go, rows, files.loaded]);
  useEffect(() => {
    const forget = () => {
      wanted.current = null;
    };
    document.addEventListener("pointerdown", forget);
    return () => document.removeEventListener("pointerdown", forget);
  }, []);
  return useCallback(
    (index) => {
      wanted.current = index;
      requestAnimationFrame(go);
    },
    [go],
  );
}

export function useWidth(own: RefObject<HTMLElement | null>): number {
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

/** The first file of these rows: the tab stop while the active one is out of sight. */
export function stopIn(rows: Placed[], active: number): number {
  let first = -1;
  for (const { base, row } of rows) {
    if (row.kind !== "cells") continue;
    for (const cell of row.cells) if (base + cell.at === active) return active;
    if (first < 0) first = base + (row.cells[0]?.at ?? 0);
  }
  return Math.max(0, first);
}

function scrollerOf(element: HTMLElement): HTMLElement | null {
  return element.closest<HTMLElement>(".canvas");
}

function indexes(rows: Placed[]): [first: number, last: number] {
  const cells = rows.flatMap(({ base, row }) => (row.kind === "cells" ? row.cells.map((it) => base + it.at) : []));
  return [cells[0] ?? 0, cells.at(-1) ?? 0];
}

function isSame(before: Placed[], rows: Placed[]): boolean {
  return before.length === rows.length && before[0]?.key === rows[0]?.key;
}

function remember(place: string, anchor: Anchor): void {
  PLACES.delete(place);
  PLACES.set(place, { ...anchor });
  if (PLACES.size > MOST_PLACES) PLACES.delete(PLACES.keys().next().value ?? "");
}
