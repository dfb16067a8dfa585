/** What the console asks, by the keys under which the answers are kept. */

import { keepPreviousData, QueryClient, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { Filters } from "../library/filters";
import { ApiError, api, told } from "./client";
import type { FoundFile, UserFile } from "./types";

export const PAGE = 100;

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

export function useFiles(filters: Filters) {
  return useInfiniteQuery({
    queryKey: ["files", filters],
    queryFn: ({ pageParam }): Promise<FilePage> =>
      filters.query ? search(filters, pageParam) : list(filters, pageParam),
    initialPageParam: 0,
    getNextPageParam: (last, all) =>
      last.has_more ? all.reduce((sum, page) => sum + page.files.length, 0) : undefined,
  });
}

function list(filters: Filters, offset: number): Promise<FilePage> {
  return told(
    api.GET("/api/v2/user-files", {
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

function search(filters: Filters, offset: number): Promise<FilePage> {
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
  return told(api.POST("/api/v2/search", { body }));
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
