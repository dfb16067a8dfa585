/** Which files are selected: one by one, or a range from the last one. */

import { useCallback, useMemo, useState } from "react";
import { announce } from "../ui/toasts";

export interface Selection {
  ids: ReadonlySet<string>;
  toggle: (index: number, isRange: boolean) => void;
  all: () => void;
  clear: () => void;
}

export function useSelection(order: readonly { id: string }[]): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const [anchor, setAnchor] = useState(0);

  const put = useCallback((next: Set<string>) => {
    setIds(next);
    announce(next.size ? `${next.size} selected` : "Nothing selected");
  }, []);
  const toggle = useCallback(
    (index: number, isRange: boolean) => {
      const next = new Set(ids);
      const [first, last] = isRange ? [Math.min(anchor, index), Math.max(anchor, index)] : [index, index];
      const isOn = isRange || !next.has(order[index]?.id ?? "");
      for (const it of order.slice(first, last + 1)) {
        if (isOn) next.add(it.id);
        else next.delete(it.id);
      }
      setAnchor(index);
      put(next);
    },
    [ids, anchor, order, put],
  );
  const all = useCallback(() => put(new Set(order.map((it) => it.id))), [order, put]);
  const clear = useCallback(() => put(new Set()), [put]);
  return useMemo(() => ({ ids, toggle, all, clear }), [ids, toggle, all, clear]);
}
