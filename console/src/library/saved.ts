/** Searches that a person keeps. The APIs have no place for them, so they stay in this browser. */

import { useSyncExternalStore } from "react";

interface Saved {
  name: string;
  search: string;
}

const NAME = "mediatheque.searches";
const listeners = new Set<() => void>();
let all: Saved[] = JSON.parse(localStorage.getItem(NAME) ?? "[]");

export function useSavedSearches(): Saved[] {
  return useSyncExternalStore(
    (listen) => (listeners.add(listen), () => listeners.delete(listen)),
    () => all,
  );
}

export function saveSearch(name: string, search: string): void {
  put([...all.filter((it) => it.search !== search), { name, search }]);
}

export function forgetSearch(search: string): void {
  put(all.filter((it) => it.search !== search));
}

function put(next: Saved[]): void {
  all = next;
  localStorage.setItem(NAME, JSON.stringify(next));
  for (const listen of listeners) listen();
}
