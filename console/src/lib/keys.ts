/** The keys that work here: screens say which, `?` lists them, and none fires while somebody types. */

import { useEffect, useRef, useSyncExternalStore } from "react";

export interface Shortcut {
  /** As `KeyboardEvent.key` says it; `mod+a` with Ctrl or Cmd. */
  key: string;
  does: string;
  act: (event: KeyboardEvent) => void;
}

let layers: { name: string; shortcuts: Shortcut[] }[] = [];
const listeners = new Set<() => void>();

export function useKeys(name: string, shortcuts: Shortcut[], isOn = true): void {
  const newest = useRef(shortcuts);
  newest.current = shortcuts;
  useEffect(() => {
    if (!isOn) return;
    const layer = {
      name,
      get shortcuts() {
        return newest.current;
      },
    };
    layers = [layer, ...layers];
    for (const listen of listeners) listen();
    return () => {
      layers = layers.filter((it) => it !== layer);
      for (const listen of listeners) listen();
    };
  }, [name, isOn]);
}

export function useLayers() {
  return useSyncExternalStore(
    (listen) => (listeners.add(listen), () => listeners.delete(listen)),
    () => layers,
  );
}

const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]";

document.addEventListener("keydown", (event) => {
  const target = event.target as Element;
  if (event.defaultPrevented || (target.matches?.(TYPING) && event.key !== "Escape")) return;
  if (document.querySelector("dialog[open]")) return;
  const mod = event.ctrlKey || event.metaKey;
  const pressed = mod ? `mod+${event.key.toLowerCase()}` : event.key;
  if (event.altKey) return;
  for (const layer of layers) {
    const found = layer.shortcuts.find((it) => it.key === pressed);
    if (found) {
      event.preventDefault();
      found.act(event);
      return;
    }
  }
});
