/** What a person prefers, kept in this browser. */

import { useCallback, useState } from "react";

export function usePreference<T extends string | boolean>(name: string, initial: T): [T, (next: T) => void] {
  const key = `mediatheque.${name}`;
  const [value, set] = useState<T>(() => {
    const kept = localStorage.getItem(key);
    return kept === null ? initial : (JSON.parse(kept) as T);
  });
  const put = useCallback(
    (next: T) => {
      localStorage.setItem(key, JSON.stringify(next));
      set(next);
    },
    [key],
  );
  return [value, put];
}
