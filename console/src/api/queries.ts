/** What the console asks, by the keys under which the answers are kept. */

import { keepPreviousData, QueryClient, queryOptions, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { Filters } from "../library/filters";
import { ApiError, api, told } from "./client";
import type { FoundFile, UserFile } from "./types";

export const PAGE = 100;
const PAGES_KEPT_MS = 5 * 60_000;

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      gcTime: 30 * 60_000,
      retry: (count, error) => count < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 502),
    },
  },
});

export interface FilePage {
  files: (UserFile | FoundFile)[];
  total_count: number;
  has_more: boolean;
  note?: string | null;
}

/** One page of a list, wherever it lies; given up when nobody looks at it any more. */
export function pageQuery(filters: Filters, number: number) {
  return queryOptions({
    queryKey: ["files", filters, number],
    queryFn: ({ signal }): Promise<FilePage> => ask(filters, number * PAGE, signal),
    gcTime: PAGES_KEPT_MS,
  });
}

/** The first pages of a list, one after the other. */
export function useFiles(filters: Filters) {
  return useInfiniteQuery({
    queryKey: ["files", filters],
    queryFn: ({ pageParam, signal }) => ask(filters, pageParam, signal),
    initialPageParam: 0,
    getNextPageParam: (last, all) =>
      last.has_more ? all.reduce((sum, page) => sum + page.files.length, 0) : undefined,
  });
}

/** The files with these ids that are still there, wherever lists show them. */
export async function filesWith(ids: readonly string[], deleted: boolean): Promise<UserFile[]> {
  const found: UserFile[] = [];
  for (let at = 0; at < ids.length; at += PAGE) {
    const query = { ids: ids.slice(at, at + PAGE), limit: PAGE, deleted };
    found.push(...((await told(api.GET("/api/v2/user-files", { params: { query } }))) as FilePage).files);
  }
  return found;
}

function ask(filters: Filters, offset: number, signal: AbortSignal): Promise<FilePage> {
  return filters.query ? search(filters, offset, signal) : list(filters, offset, signal);
}

function list(filters: Filters, offset: number, signal: AbortSignal): Promise<FilePage> {
  return told(
    api.GET("/api/v2/user-files", {
      signal,
      params: {
        query: {
          limit: PAGE,
          offset,
          sort_by: filters.sort,
          sort_order: filters.ascending ? "asc" : "desc",
          deleted: filters.trash,
          ...(filters.kind ? { media_types: [filters.kind] } : {}),
          ...(filters.tags.length ? { tags: filters.tags } : {}),
          ...(filters.folder ? { folder_id: filters.folder } : {}),
          ...(filters.from ? { date_from: filters.from } : {}),
          ...(filters.to ? { date_to: filters.to } : {}),
        },
      },
    }),
  ) as Promise<FilePage>;
}

function search(filters: Filters, offset: number, signal: AbortSignal): Promise<FilePage> {
  const body = {
    query: filters.query,
    mode: filters.mode,
    tags: filters.tags,
    media_types: filters.kind ? [filters.kind] : [],
    folder_id: filters.folder || null,
    date_from: filters.from || null,
    date_to: filters.to || null,
    ids: [],
    limit: PAGE,
    offset,
  };
  return told(api.POST("/api/v2/search", { body, signal }));
}

export function useMe() {
  return useQuery({
    queryKey: ["me"],
    queryFn: async () =>
      (
        await told(api.GET("/api/v1/auth/me")).catch((error) => {
          if (error instanceof ApiError && error.status === 401) return { data: null };
          throw error;
        })
      ).data,
    staleTime: 300_000,
  });
}

/** Said of whatever is greyed out. */
export const READ_ONLY = "Your role may only read";

/** Whether the account may change files; what the console greys out says so. */
export function useMayWrite(): boolean {
  const { data } = useMe();
  return data?.role !== "user" || data.permissions.includes("assets.update");
}

export function useDetail(id: string | null) {
  return useQuery({
    queryKey: ["file", id],
    enabled: id !== null,
    placeholderData: keepPreviousData,
    queryFn: () => told(api.GET("/api/v2/user-files/{file_id}", { params: { path: { file_id: id ?? "" } } })),
    refetchInterval: (query) => (isWorking(query.state.data) ? 2_000 : false),
  });
}

export function useFindings(id: string | null) {
  return useQuery({
    queryKey: ["findings", id],
    enabled: id !== null,
    queryFn: async () =>
      (await told(api.GET("/api/v2/user-files/{file_id}/findings", { params: { path: { file_id: id ?? "" } } })))
        .findings,
  });
}

export function useFolders() {
  return useQuery({
    queryKey: ["folders"],
    queryFn: async () => (await told(api.GET("/api/v2/folders"))).folders,
    staleTime: 30_000,
  });
}

const ONGOING = new Set(["pending", "queued", "processing"]);

/** Whether the server still works on a file. */
export function isWorking(
  file: { variant_status?: string | null; description_status?: string | null } | undefined,
): boolean {
  return !!file && (ONGOING.has(file.variant_status ?? "") || ONGOING.has(file.description_status ?? ""));
}

export function hasFailed(file: { variant_status?: string | null; description_status?: string | null }): boolean {
  return file.variant_status === "failed" || file.description_status === "failed";
}
