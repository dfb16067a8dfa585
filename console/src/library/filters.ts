/** Which files a screen shows, as its address says it. */

export type Sort = "content_created_at" | "created_at" | "title" | "size_bytes";
export type Mode = "hybrid" | "words" | "semantic";

export interface Filters {
  query: string;
  mode: Mode;
  kind: string;
  tags: string[];
  folder: string;
  from: string;
  to: string;
  sort: Sort;
  ascending: boolean;
  trash: boolean;
}

export const NONE: Filters = {
  query: "",
  mode: "hybrid",
  kind: "",
  tags: [],
  folder: "",
  from: "",
  to: "",
  sort: "content_created_at",
  ascending: false,
  trash: false,
};

export function filtersIn(search: string, fixed: Partial<Filters>): Filters {
  const given = new URLSearchParams(search);
  return {
    ...NONE,
    query: given.get("q") ?? "",
    mode: (given.get("mode") as Mode | null) ?? NONE.mode,
    kind: given.get("kind") ?? "",
    tags: given.getAll("tag"),
    folder: given.get("folder") ?? "",
    from: given.get("from") ?? "",
    to: given.get("to") ?? "",
    sort: (given.get("sort") as Sort | null) ?? NONE.sort,
    ascending: given.get("order") === "asc",
    ...fixed,
  };
}

/** The address's query with some words changed; null takes a word out. */
export function changed(search: string, changes: Record<string, string | string[] | null>): string {
  const next = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const one of Array.isArray(value) ? value : value === null || value === "" ? [] : [value])
      next.append(name, one);
  }
  const text = next.toString();
  return text ? `?${text}` : "";
}

/** The filters that a person has set, in words, with what takes each out of the address. */
export function active(filters: Filters): { label: string; without: Record<string, string | string[] | null> }[] {
  const found = [];
  if (filters.query) found.push({ label: `“${filters.query}”`, without: { q: null, mode: null } });
  for (const tag of filters.tags)
    found.push({ label: `#${tag}`, without: { tag: filters.tags.filter((it) => it !== tag) } });
  if (filters.from) found.push({ label: `from ${filters.from}`, without: { from: null } });
  if (filters.to) found.push({ label: `until ${filters.to}`, without: { to: null } });
  return found;
}
