/** The justified grid, one page of files after the other: rows as wide as the canvas, below a heading for each day. */

/** What a layout knows of a page of files: eight bytes for each, so that it is kept when the files are let go. */
export interface Shapes {
  aspects: Float32Array;
  /** 20261122; one number for all where nothing is grouped. */
  days: Int32Array;
}

export interface Cell {
  /** The file's place within its page. */
  at: number;
  width: number;
}

export type Row = { kind: "day"; day: number; height: number } | { kind: "cells"; cells: Cell[]; height: number };

/** A page of files, laid out. */
export interface Block {
  rows: Row[];
  /** Where each row begins, and where the last one ends. */
  tops: Float64Array;
  /** The row that each file lies in. */
  rowOf: Uint16Array;
}

export interface Measures {
  width: number;
  /** The height in pixels that rows should have about. */
  target: number;
  byDay: boolean;
}

export const GAP = 6;
const DAY_HEIGHT = 44;
const MIN_ASPECT = 0.45;
const MAX_ASPECT = 3.2;
const HIGHEST = 1.35;
const SUPPOSED_ASPECT = 1.4;
/** A row that is emptier than this, although the day goes on in the next page, is not widened to the whole canvas. */
const EMPTIEST = 0.75;

type Stretch = [from: number, to: number, isFull: boolean];

/**
 * `dayBefore`: what the page before ends with, null where that is not known. Rows never lie in two pages: a day that
 * goes on in the next page ends this one with a full row, so that no page waits for its neighbours.
 */
export function justified(shapes: Shapes, measures: Measures, dayBefore: number | null, isLast: boolean): Block {
  const aspects = shapes.aspects.map((it) => Math.min(MAX_ASPECT, Math.max(MIN_ASPECT, it || SUPPOSED_ASPECT)));
  const rows: Row[] = [];
  let day = dayBefore;
  for (let from = 0, to = 0; from < aspects.length; from = to) {
    to = measures.byDay ? endOfDay(shapes.days, from) : aspects.length;
    const today = shapes.days[from] ?? 0;
    if (measures.byDay && today !== day) rows.push({ kind: "day", day: today, height: DAY_HEIGHT });
    day = today;
    const goesOn = to === aspects.length && !isLast;
    for (const stretch of goesOn ? evened(aspects, from, to, measures) : filled(aspects, from, to, measures))
      rows.push(cellsOf(aspects, stretch, measures));
  }
  return blockOf(rows, aspects.length);
}

/** The same of files that nothing is known of yet. */
export function supposed(count: number, measures: Measures, isLast: boolean): Block {
  const shapes = { aspects: new Float32Array(count), days: new Int32Array(count) };
  return justified(shapes, measures, 0, isLast);
}

/** Each file in a row of its own, as a table has them. */
export function listed(count: number, height: number): Block {
  const rows = Array.from({ length: count }, (_, at): Row => ({ kind: "cells", cells: [{ at, width: 0 }], height }));
  return blockOf(rows, count);
}

export function blockOf(rows: Row[], count: number): Block {
  const tops = new Float64Array(rows.length + 1);
  const rowOf = new Uint16Array(count);
  for (const [number, row] of rows.entries()) {
    tops[number + 1] = (tops[number] ?? 0) + row.height;
    if (row.kind === "cells") for (const cell of row.cells) rowOf[cell.at] = number;
  }
  return { rows, tops, rowOf };
}

function endOfDay(days: Int32Array, from: number): number {
  let to = from + 1;
  while (to < days.length && days[to] === days[from]) to++;
  return to;
}

/** Rows as full as they become, and one with what is left. */
function* filled(aspects: Float32Array, from: number, to: number, { width, target }: Measures): Generator<Stretch> {
  let first = from;
  let total = 0;
  for (let at = from; at < to; at++) {
    total += aspects[at] ?? 0;
    if (total * target + GAP * (at - first) < width) continue;
    yield [first, at + 1, true];
    first = at + 1;
    total = 0;
  }
  if (first < to) yield [first, to, false];
}

/** Full rows of about the same height, the last one too. */
function* evened(aspects: Float32Array, from: number, to: number, { width, target }: Measures): Generator<Stretch> {
  let whole = 0;
  for (let at = from; at < to; at++) whole += aspects[at] ?? 0;
  const filling = (whole * target + GAP * (to - from - 1)) / width;
  const count = Math.max(1, Math.round(filling));
  let first = from;
  let before = 0;
  for (let at = from, row = 1; at < to - 1; at++) {
    before += aspects[at] ?? 0;
    if (row === count || before + (aspects[at + 1] ?? 0) / 2 < (row * whole) / count) continue;
    yield [first, at + 1, true];
    first = at + 1;
    row++;
  }
  yield [first, to, filling >= EMPTIEST];
}

function cellsOf(aspects: Float32Array, [from, to, isFull]: Stretch, { width, target }: Measures): Row {
  let total = 0;
  for (let at = from; at < to; at++) total += aspects[at] ?? 0;
  const fitting = (width - GAP * (to - from - 1)) / total;
  const height = Math.min(fitting, isFull ? target * HIGHEST : target);
  const cells = Array.from({ length: to - from }, (_, number) => ({
    at: from + number,
    width: (aspects[from + number] ?? 0) * height,
  }));
  return { kind: "cells", cells, height: height + GAP };
}

/** Where the middle of a file's cell lies, from the left. */
export function centre(row: Row, at: number): number {
  let left = 0;
  for (const cell of row.kind === "cells" ? row.cells : []) {
    if (cell.at === at) return left + cell.width / 2;
    left += cell.width + GAP;
  }
  return left;
}

/** The file of a row whose middle is nearest. */
export function nearest(row: Row, middle: number): number {
  let best = 0;
  let distance = Number.POSITIVE_INFINITY;
  for (const cell of row.kind === "cells" ? row.cells : []) {
    const away = Math.abs(centre(row, cell.at) - middle);
    if (away >= distance) continue;
    best = cell.at;
    distance = away;
  }
  return best;
}
