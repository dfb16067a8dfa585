/** The justified grid: rows of one height, as wide as the canvas, below a heading for each day. */

export interface Shape {
  id: string;
  aspect: number;
  day: string;
}

export interface Cell {
  index: number;
  width: number;
}

export type Row = { kind: "day"; label: string; height: number } | { kind: "cells"; cells: Cell[]; height: number };

export interface Grid {
  rows: Row[];
  /** The row that each item lies in. */
  rowOf: number[];
}

export const GAP = 6;
const DAY_HEIGHT = 44;
const MIN_ASPECT = 0.45;
const MAX_ASPECT = 3.2;

/** `target`: the height in pixels that rows should have about; a last row of a day is never stretched beyond it. */
export function justified(shapes: readonly Shape[], width: number, target: number, byDay: boolean): Grid {
  const rows: Row[] = [];
  const rowOf: number[] = [];
  let open: { index: number; aspect: number }[] = [];
  let total = 0;
  let day: string | null = null;

  const close = (isFull: boolean) => {
    if (!open.length) return;
    const free = width - GAP * (open.length - 1);
    const height = isFull ? Math.min(free / total, target * 1.35) : Math.min(target, free / total);
    for (const one of open) rowOf[one.index] = rows.length;
    rows.push({
      kind: "cells",
      height: height + GAP,
      cells: open.map((one) => ({ index: one.index, width: one.aspect * height })),
    });
    open = [];
    total = 0;
  };

  for (const [index, shape] of shapes.entries()) {
    if (byDay && shape.day !== day) {
      close(false);
      day = shape.day;
      rows.push({ kind: "day", label: day, height: DAY_HEIGHT });
    }
    const aspect = Math.min(MAX_ASPECT, Math.max(MIN_ASPECT, shape.aspect || 1));
    open.push({ index, aspect });
    total += aspect;
    if (total * target + GAP * (open.length - 1) >= width) close(true);
  }
  close(false);
  return { rows, rowOf };
}

/** The item that lies above or below another, about in the same place of its row. */
export function neighbour(grid: Grid, index: number, step: 1 | -1): number {
  const at = grid.rowOf[index];
  if (at === undefined) return index;
  const middle = centre(grid, at, index);
  for (let next = at + step; next >= 0 && next < grid.rows.length; next += step) {
    const row = grid.rows[next];
    if (row?.kind !== "cells") continue;
    const found = row.cells.reduce((best, cell) =>
      Math.abs(centre(grid, next, cell.index) - middle) < Math.abs(centre(grid, next, best.index) - middle)
        ? cell
        : best,
    );
    return found.index;
  }
  return index;
}

function centre(grid: Grid, at: number, index: number): number {
  const row = grid.rows[at];
  if (row?.kind !== "cells") return 0;
  let left = 0;
  for (const cell of row.cells) {
    if (cell.index === index) return left + cell.width / 2;
    left += cell.width + GAP;
  }
  return left;
}
