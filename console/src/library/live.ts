/** Files that the server still works on, asked for again until it is done: all of a screen in one request. */

import { type InfiniteData, type Query, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, told } from "../api/client";
import { type FilePage, isWorking, queries } from "../api/queries";
import type { UserFile } from "../api/types";

const EVERY_MS = 1500;
const MOST = 100;

export function useLive(items: readonly UserFile[]): void {
  const ids = items
    .filter(isWorking)
    .slice(0, MOST)
    .map((it) => it.id);
  const { data } = useQuery({
    queryKey: ["live", ids],
    enabled: ids.length > 0,
    queryFn: () =>
      told(api.GET("/api/v2/user-files", { params: { query: { ids, limit: MOST } } })) as Promise<FilePage>,
    refetchInterval: EVERY_MS,
    staleTime: 0,
    gcTime: 0,
  });
  useEffect(() => {
    if (data) put(data.files);
  }, [data]);
}

type Kept = InfiniteData<FilePage> | FilePage;

/** Fresh words about files, into every list that shows them. */
export function put(fresh: readonly UserFile[]): void {
  const known = new Map(fresh.map((it) => [it.id, it]));
  change((page) =>
    page.files.some((it) => known.has(it.id))
      ? { ...page, files: page.files.map((it) => (known.has(it.id) ? { ...it, ...known.get(it.id) } : it)) }
      : page,
  );
}

/** Files that are not in the lists any more; the counts follow, and what came after them moves up. */
export function take(gone: ReadonlySet<string>): void {
  queries.removeQueries({ queryKey: ["files"], type: "inactive", predicate: isPage });
  change((page) => ({
    ...page,
    files: page.files.filter((it) => !gone.has(it.id)),
    total_count: page.total_count - gone.size,
  }));
  void queries.invalidateQueries({ queryKey: ["files"], predicate: isPage });
}

function change(page: (before: FilePage) => FilePage): void {
  queries.setQueriesData<Kept>({ queryKey: ["files"] }, (data) => {
    if (!data) return data;
    return "pages" in data ? { ...data, pages: data.pages.map(page) } : page(data);
  });
}

/** Of a list that is kept page by page; the others are kept as one. */
function isPage(query: Query): boolean {
  return query.queryKey.length === 3;
}
