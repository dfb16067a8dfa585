/**
 * Pages of files below one another: those that came into sight are laid out, the others are supposed to be as high as
 * a usual one. A look at it costs what is seen; only a page that turns out higher or lower costs a sum over all pages.
 */

import { type Block, centre, nearest, type Row, type Shapes } from "./layout";

/** `shapes` undefined: of files that nothing is known of yet. */
export type LayOut = (count: number, shapes: Shapes | undefined, dayBefore: number | null, isLast: boolean) => Block;

/** A row where it lies: pixels from the top of all, and its number among all rows. */
export interface Placed {
  row: Row;
  /** The index of the first file of its page. */
  base: number;
  top: number;
  number: number;
  key: string;
}

/** What stays where it is while pages above it turn out higher or lower: a file, and how far its row is above the edge. */
export interface Anchor {
  index: number;
  above: number;
}

const KEPT_BLOCKS = 40;

export class Column {
  /** Another one for each layout that differs from the one before. */
  version = 0;
  private total = 0;
  private readonly shapes = new Map<number, Shapes>();
  private readonly blocks = new Map<number, Block>();
  private readonly usual: Block;
  private heights = new Float64Array(0);
  private counts = new Int32Array(0);
  private tops = new Float64Array(1);
  private numbers = new Int32Array(1);

  constructor(
    private readonly layOut: LayOut,
    private readonly size: number,
  ) {
    this.usual = layOut(size, undefined, 0, false);
  }

  get pages(): number {
    return this.heights.length;
  }

  get height(): number {
    return this.tops[this.pages] ?? 0;
  }

  get rowCount(): number {
    return this.numbers[this.pages] ?? 0;
  }

  /** How many files there are; what is known of them stays. */
  resize(total: number): void {
    if (total === this.total) return;
    const pages = Math.ceil(total / this.size);
    const [heights, counts] = [new Float64Array(pages), new Int32Array(pages)];
    heights.fill(heightOf(this.usual)).set(this.heights.subarray(0, pages));
    counts.fill(this.usual.rows.length).set(this.counts.subarray(0, pages));
    for (const page of [this.pages - 1, pages - 1]) this.blocks.delete(page);
    [this.total, this.heights, this.counts] = [total, heights, counts];
    this.tops = new Float64Array(pages + 1);
    this.numbers = new Int32Array(pages + 1);
    this.sum(0);
  }

  /** What is known now of the files of a page. */
  put(page: number, shapes: Shapes): void {
    const before = this.shapes.get(page);
    if (before === shapes) return;
    this.shapes.set(page, shapes);
    this.blocks.delete(page);
    if (before?.days.at(-1) !== shapes.days.at(-1)) this.blocks.delete(page + 1);
  }

  /** Lay out what lies around the anchor; where the upper edge is then. */
  settle(anchor: Anchor, before: number, after: number): number {
    let first = this.pageOf(anchor.index);
    let last = first;
    this.block(first);
    let edge = this.topOf(anchor.index) + anchor.above;
    while (first > 0 && (this.tops[first] ?? 0) > edge - before) {
      this.block(--first);
      edge = this.topOf(anchor.index) + anchor.above;
    }
    while (last + 1 < this.pages && (this.tops[last + 1] ?? 0) < edge + after) this.block(++last);
    return edge;
  }

  anchorAt(edge: number): Anchor {
    const { page, row } = this.rowAt(edge);
    const index = this.base(page) + this.firstIn(page, row);
    return { index, above: edge - this.topOf(index) };
  }

  topOf(index: number): number {
    const page = this.pageOf(index);
    const block = this.block(page);
    return (this.tops[page] ?? 0) + (block.tops[block.rowOf[index % this.size] ?? 0] ?? 0);
  }

  rowOf(index: number): Row | undefined {
    const block = this.block(this.pageOf(index));
    return block.rows[block.rowOf[index % this.size] ?? 0];
  }

  rowsBetween(from: number, to: number): Placed[] {
    const found: Placed[] = [];
    let { page, row } = this.rowAt(from);
    for (; page < this.pages && (this.tops[page] ?? 0) < to; page++, row = 0) {
      const block = this.block(page);
      for (; row < block.rows.length; row++) {
        const top = (this.tops[page] ?? 0) + (block.tops[row] ?? 0);
        if (top >= to) break;
        const number = (this.numbers[page] ?? 0) + row;
        found.push({ row: block.rows[row] as Row, base: this.base(page), top, number, key: `${page}.${row}` });
      }
    }
    return found;
  }

  /** The file that lies above or below another, about in the same place of its row. */
  neighbour(index: number, step: 1 | -1): number {
    let page = this.pageOf(index);
    let row = (this.block(page).rowOf[index % this.size] ?? 0) + step;
    while (page >= 0 && page < this.pages) {
      const rows = this.block(page).rows;
      for (; row >= 0 && row < rows.length; row += step) {
        const found = rows[row];
        if (found?.kind === "cells") return this.base(page) + nearest(found, this.middleOf(index));
      }
      page += step;
      row = step > 0 ? 0 : page >= 0 ? this.block(page).rows.length - 1 : 0;
    }
    return index;
  }

  /** The file that lies so many pixels below another (above it where they are negative). */
  away(index: number, pixels: number): number {
    const { page, row } = this.rowAt(Math.min(this.height - 1, this.topOf(index) + pixels));
    const block = this.block(page);
    const found = block.rows[row]?.kind === "cells" ? block.rows[row] : block.rows[row + 1];
    const there = found ? this.base(page) + nearest(found, this.middleOf(index)) : index;
    return there === index ? this.neighbour(index, pixels > 0 ? 1 : -1) : there;
  }

  private middleOf(index: number): number {
    const row = this.rowOf(index);
    return row ? centre(row, index % this.size) : 0;
  }

  private base(page: number): number {
    return page * this.size;
  }

  private pageOf(index: number): number {
    return Math.floor(index / this.size);
  }

  /** The page and the row in it at that height, or the nearest. */
  private rowAt(height: number): { page: number; row: number } {
    const page = lastUpTo(this.tops, this.pages, height);
    const block = this.block(page);
    return { page, row: lastUpTo(block.tops, block.rows.length, height - (this.tops[page] ?? 0)) };
  }

  private firstIn(page: number, row: number): number {
    const { rows } = this.block(page);
    const found = rows[row]?.kind === "cells" ? rows[row] : rows[row + 1];
    return found?.kind === "cells" ? (found.cells[0]?.at ?? 0) : 0;
  }

  private block(page: number): Block {
    const known = this.blocks.get(page);
    if (known) return known;
    const isLast = page === this.pages - 1;
    const [shapes, count] = [this.shapes.get(page), Math.min(this.size, this.total - this.base(page))];
    const isUsual = !shapes && count === this.size && !isLast;
    const made = isUsual ? this.usual : this.layOut(count, fitted(shapes, count), this.dayBefore(page), isLast);
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size < KEPT_BLOCKS) break;
      this.blocks.delete(oldest);
    }
    this.blocks.set(page, made);
    this.version++;
    if (this.heights[page] !== heightOf(made) || this.counts[page] !== made.rows.length) {
      this.heights[page] = heightOf(made);
      this.counts[page] = made.rows.length;
      this.sum(page);
    }
    return made;
  }

  private dayBefore(page: number): number | null {
    return this.shapes.get(page - 1)?.days.at(-1) ?? null;
  }

  private sum(from: number): void {
    this.version++;
    for (let page = from; page < this.pages; page++) {
      this.tops[page + 1] = (this.tops[page] ?? 0) + (this.heights[page] ?? 0);
      this.numbers[page + 1] = (this.numbers[page] ?? 0) + (this.counts[page] ?? 0);
    }
  }
}

function heightOf(block: Block): number {
  return block.tops.at(-1) ?? 0;
}

/** As many as there are: a page that came before the list grew or shrank has more or fewer. */
function fitted(shapes: Shapes | undefined, count: number): Shapes | undefined {
  if (!shapes || shapes.aspects.length === count) return shapes;
  const [aspects, days] = [new Float32Array(count), new Int32Array(count).fill(shapes.days.at(-1) ?? 0)];
  aspects.set(shapes.aspects.subarray(0, count));
  days.set(shapes.days.subarray(0, count));
  return { aspects, days };
}

/** The last of the ascending `tops` that is not beyond `height`, among the first `count`. */
function lastUpTo(tops: Float64Array, count: number, height: number): number {
  let [low, high] = [0, Math.max(0, count - 1)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] ?? 0) <= height) low = middle;
    else high = middle - 1;
  }
  return low;
}
