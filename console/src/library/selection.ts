/** Which files are selected, by their ids, whatever is at hand of the list: one by one, or a range from the last one. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { count } from "../lib/format";
import { announce, toast, trouble } from "../ui/toasts";
import type { Pages } from "./pages";

export interface Selection {
  ids: ReadonlySet<string>;
  toggle: (index: number, isRange: boolean) => void;
  all: () => void;
  clear: () => void;
}

/** What is done to them is done to each by itself. */
const MOST = 5000;

export function useSelection(files: Pages): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const anchor = useRef(0);
  const list = useRef(files);
  list.current = files;

  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) announce(ids.size ? `${ids.size} selected` : "Nothing selected");
    isFirst.current = false;
  }, [ids]);
  const add = useCallback((first: number, last: number) => {
    const end = Math.min(last, first + MOST - 1);
    if (end < last) toast(`Only ${count(MOST, "file")} can be selected at once`);
    list.current
      .between(first, end)
      .then((more) => setIds((now) => new Set([...now, ...more])))
      .catch(trouble);
  }, []);
  const toggle = useCallback(
    (index: number, isRange: boolean) => {
      if (isRange) add(Math.min(anchor.current, index), Math.max(anchor.current, index));
      else {
        const id = list.current.at(index)?.id;
        if (id) setIds((now) => (now.has(id) ? new Set([...now].filter((it) => it !== id)) : new Set([...now, id])));
      }
      anchor.current = index;
    },
    [add],
  );
  const all = useCallback(() => add(0, list.current.total - 1), [add]);
  const clear = useCallback(() => setIds(new Set()), []);
  return useMemo(() => ({ ids, toggle, all, clear }), [ids, toggle, all, clear]);
}
