/** What stands above a library: search with its filters as chips, sort, density, and what can be done with what is selected. */

import { Bookmark, LayoutGrid, PanelRight, Rows3, Search, X } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { Ask } from "../ui/ask";
import { active, changed, type Filters } from "./filters";
import { saveSearch } from "./saved";

export type Density = "small" | "medium" | "large";

interface Props {
  title: string;
  total: ReactNode;
  filters: Filters;
  density: Density;
  isTable: boolean;
  isInspecting: boolean;
  onDensity: (next: Density) => void;
  onTable: (next: boolean) => void;
  onInspect: () => void;
}

export function Toolbar({
  title,
  total,
  filters,
  density,
  isTable,
  isInspecting,
  onDensity,
  onTable,
  onInspect,
}: Props) {
  const search = useSearch();
  const [path, go] = useLocation();
  const [isSaving, setSaving] = useState(false);
  const put = (changes: Record<string, string | string[] | null>) =>
    go(path + changed(search, changes), { replace: true });
  const chips = active(filters);
  return (
    <header className="toolbar">
      <div className="row">
        <h1>
          {title} <small className="quiet">{total}</small>
        </h1>
        <SearchBox query={filters.query} onSearch={(q) => put({ q })} />
        {filters.query ? (
          <label className="inline">
            <span className="hidden">Search by</span>
            <select value={filters.mode} onChange={(event) => put({ mode: event.target.value })}>
              <option value="hybrid">Words and meaning</option>
              <option value="words">Words</option>
              <option value="semantic">Meaning</option>
            </select>
          </label>
        ) : (
          <label className="inline">
            <span className="hidden">Sort by</span>
            <select
              value={`${filters.sort} ${filters.ascending ? "asc" : ""}`.trim()}
              onChange={(event) => {
                const [sort = "", order = null] = event.target.value.split(" ");
                put({ sort, order });
              }}
            >
              <option value="content_created_at">Newest first</option>
              <option value="content_created_at asc">Oldest first</option>
              <option value="created_at">Last uploaded</option>
              <option value="title asc">Title</option>
              <option value="size_bytes">Largest first</option>
            </select>
          </label>
        )}
        <label className="inline">
          <span className="hidden">Size of the pictures</span>
          <select value={density} onChange={(event) => onDensity(event.target.value as Density)} disabled={isTable}>
            <option value="small">Small</option>
            <option value="medium">Medium</option>
            <option value="large">Large</option>
          </select>
        </label>
        <button
          type="button"
          className="icon"
          aria-pressed={isTable}
          aria-label="Table"
          title="Table"
          onClick={() => onTable(!isTable)}
        >
          {isTable ? <LayoutGrid size={18} /> : <Rows3 size={18} />}
        </button>
        <button
          type="button"
          className="icon"
          aria-pressed={isInspecting}
          aria-label="Inspector"
          title="Inspector (i)"
          onClick={onInspect}
        >
          <PanelRight size={18} />
        </button>
      </div>
      {chips.length ? (
        <div className="row chips">
          {chips.map((it) => (
            <button
              key={it.label}
              type="button"
              className="chip"
              onClick={() => put(it.without)}
              aria-label={`Remove filter ${it.label}`}
            >
              {it.label} <X size={13} aria-hidden />
            </button>
          ))}
          <button type="button" className="chip" onClick={() => setSaving(true)}>
            <Bookmark size={13} aria-hidden /> Save this search
          </button>
        </div>
      ) : null}
      {isSaving ? (
        <Ask
          title="Save this search"
          label="Name"
          does="Save"
          initial={filters.query}
          onAnswer={async (name) => saveSearch(name, search)}
          onClose={() => setSaving(false)}
        />
      ) : null}
    </header>
  );
}

function SearchBox({ query, onSearch }: { query: string; onSearch: (text: string) => void }) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current && document.activeElement !== box.current) box.current.value = query;
  }, [query]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSearch(box.current?.value.trim() ?? "");
  };
  return (
    <form role="search" className="search" onSubmit={submit}>
      <Search size={16} aria-hidden />
      <input
        ref={box}
        type="search"
        defaultValue={query}
        placeholder="Search words, meanings, text in pictures"
        aria-label="Search"
        onInput={(event) => event.currentTarget.value === "" && onSearch("")}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
      />
      <kbd aria-hidden>/</kbd>
    </form>
  );
}
