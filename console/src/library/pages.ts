/**
 * The files of a list, a page at a time: those in sight are asked for, those nearest to them are kept, all others are
 * let go and asked for again. So memory and requests do not grow with the list.
 */

import { type Query, type UseQueryResult, useQueries } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type FilePage, PAGE, pageQuery, queries } from "../api/queries";
import type { UserFile } from "../api/types";
import type { Filters } from "./filters";

export interface Pages {
  /** How many files there are; 0 until that is known. */
  total: number;
  note: string | null;
  isPending: boolean;
  error: Error | null;
  /** Those at hand, by their numbers. */
  loaded: ReadonlyMap<number, FilePage>;
  /** Undefined while it is on its way. */
  at: (index: number) => UserFile | undefined;
  /** Among those at hand; -1 for others. */
  indexOf: (id: string) => number;
  /** Files of these indexes are looked at now. */
  need: (first: number, last: number) => void;
  /** Ids of all files from one index to another, wherever they are. */
  between: (first: number, last: number) => Promise<string[]>;
  retry: () => void;
}

interface Span {
  of: string;
  first: number;
  last: number;
}

const KEPT = 24;
/** Files beyond those in sight that are asked for, too. */
const AHEAD = 60;
const BESIDE = 5;
const PAUSE_MS = 100;
const AT_ONCE = 4;

/** `start`: the file that is looked at first; `active`: one that stays at hand with those beside it. */
export function usePages(filters: Filters, start: number, active: number): Pages {
  const of = JSON.stringify(filters);
  const [kept, setSpan] = useState<Span>(() => ({ of, ...span(start, start) }));
  const { first, last } = kept.of === of ? kept : span(start, start);
  const known = useRef({ of, total: 0, note: null as string | null });
  const end = known.current.of === of ? Math.max(active, known.current.total - 1) : active;
  const beside = span(Math.max(0, active - BESIDE), Math.min(end, active + BESIDE));
  const wanted = [first, last, beside.first, beside.last].join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: all of it is in the text
  const numbers = useMemo(() => {
    const spans = [...range(first, last), ...range(beside.first, beside.last)];
    return [...new Set(spans)];
  }, [wanted]);
  const combine = useCallback(
    (results: UseQueryResult<FilePage, Error>[]) => {
      const loaded = new Map<number, FilePage>();
      let newest = 0;
      let head: FilePage | undefined;
      for (const [place, { data, dataUpdatedAt }] of results.entries()) {
        if (!data) continue;
        loaded.set(numbers[place] ?? 0, data);
        if (dataUpdatedAt < newest) continue;
        newest = dataUpdatedAt;
        head = data;
      }
      return { loaded, head, error: results.find((it) => it.error)?.error ?? null };
    },
    [numbers],
  );
  const { loaded, head, error } = useQueries({ queries: numbers.map((number) => pageQuery(filters, number)), combine });
  if (known.current.of !== of) known.current = { of, total: 0, note: null };
  if (head) known.current = { of, total: head.total_count, note: head.note ?? null };
  const { total, note } = known.current;

  useEffect(() => letGo(filters, (first + last) / 2), [filters, first, last]);
  const need = useNeed(of, total, setSpan);
  const at = useCallback((index: number) => loaded.get(Math.floor(index / PAGE))?.files[index % PAGE], [loaded]);
  const indexOf = useCallback(
    (id: string) => {
      for (const [number, { files }] of loaded) {
        const place = files.findIndex((it) => it.id === id);
        if (place >= 0) return number * PAGE + place;
      }
      return -1;
    },
    [loaded],
  );
  const between = useCallback((from: number, to: number) => idsBetween(filters, from, to), [filters]);
  const retry = useCallback(() => void queries.refetchQueries({ queryKey: ["files", filters] }), [filters]);
  const isPending = !head && !total && !error;
  return { total, note, isPending, error, loaded, at, indexOf, need, between, retry };
}

/** Not more often than the pause: who scrolls by is not served every page on the way. */
function useNeed(of: string, total: number, setSpan: (change: (now: Span) => Span) => void) {
  const gate = useRef({ until: 0, timer: 0 });
  // biome-ignore lint/correctness/useExhaustiveDependencies: what waits is about the list before
  useEffect(() => () => clearTimeout(gate.current.timer), [of]);
  return useCallback(
    (first: number, last: number) => {
      const next = { of, ...span(Math.max(0, first - AHEAD), Math.min(Math.max(0, total - 1), last + AHEAD)) };
      const put = () => {
        gate.current.until = performance.now() + PAUSE_MS;
        setSpan((now) => (now.of === of && now.first === next.first && now.last === next.last ? now : next));
      };
      clearTimeout(gate.current.timer);
      const wait = gate.current.until - performance.now();
      if (wait > 0) gate.current.timer = window.setTimeout(put, wait);
      else put();
    },
    [of, total, setSpan],
  );
}

function span(first: number, last: number): { first: number; last: number } {
  return { first: Math.floor(first / PAGE), last: Math.floor(last / PAGE) };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, step) => first + step);
}

/** Forget the pages that are farthest from the middle, but for those that nobody has let go. */
function letGo(filters: Filters, middle: number): void {
  const idle = queries.getQueryCache().findAll({ queryKey: ["files", filters], type: "inactive" });
  const far = (it: Query) => Math.abs(Number(it.queryKey[2]) - middle);
  const pages = idle.filter((it) => it.queryKey.length === 3).sort((one, other) => far(one) - far(other));
  for (const it of pages.slice(KEPT)) queries.getQueryCache().remove(it);
}

async function idsBetween(filters: Filters, first: number, last: number): Promise<string[]> {
  const { first: from, last: to } = span(first, last);
  const numbers = range(from, to);
  const ids: string[] = [];
  for (let done = 0; done < numbers.length; done += AT_ONCE) {
    const some = numbers.slice(done, done + AT_ONCE);
    const pages = await Promise.all(
      some.map((number) => queries.fetchQuery({ ...pageQuery(filters, number), staleTime: Number.POSITIVE_INFINITY })),
    );
    for (const [place, { files }] of pages.entries()) {
      const base = (some[place] ?? 0) * PAGE;
      for (const [at, file] of files.entries()) if (base + at >= first && base + at <= last) ids.push(file.id);
    }
    letGo(filters, from);
  }
  return ids;
}
