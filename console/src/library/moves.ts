/** Where the keys of a grid lead, over the whole list and not only what is at hand of it. */

import type { Column } from "../lib/column";

/** `height`: of what is in sight, in pixels. */
export function moves(column: Column, active: number, total: number, height: number): Record<string, () => number> {
  const within = (index: number) => Math.max(0, Math.min(total - 1, index));
  const at = within(active);
  return {
    ArrowRight: () => within(at + 1),
    ArrowLeft: () => within(at - 1),
    ArrowDown: () => column.neighbour(at, 1),
    ArrowUp: () => column.neighbour(at, -1),
    PageDown: () => column.away(at, height),
    PageUp: () => column.away(at, -height),
    Home: () => 0,
    End: () => total - 1,
  };
}
