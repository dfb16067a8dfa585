/** The grid: only what is seen is in the page, it is one tab stop, and it keeps its place on the way back. */

import { type KeyboardEvent, memo, useMemo, useRef } from "react";
import type { LayOut, Placed } from "../lib/column";
import { dayNamed } from "../lib/format";
import { GAP, justified, supposed } from "../lib/layout";
import { moves } from "./moves";
import type { Pages } from "./pages";
import { stopIn, useColumn, useFocus, useWidth } from "./scrolling";
import type { Selection } from "./selection";
import { Tile, Waiting } from "./tile";

interface Props {
  files: Pages;
  label: string;
  target: number;
  byDay: boolean;
  active: number;
  place: string;
  selection: Selection;
  onActive: (index: number) => void;
  onOpen: (index: number) => void;
}

export function Grid({ files, label, target, byDay, active, place, selection, onActive, onOpen }: Props) {
  const own = useRef<HTMLDivElement>(null);
  const width = useWidth(own);
  const layOut = useMemo<LayOut | null>(() => {
    const measures = { width, target, byDay };
    if (!width) return null;
    return (count, shapes, dayBefore, isLast) =>
      shapes ? justified(shapes, measures, dayBefore, isLast) : supposed(count, measures, isLast);
  }, [width, target, byDay]);
  const { column, rows, reveal, height } = useColumn(own, files, place, layOut);
  const focus = useFocus(own, files, rows);
  const stop = stopIn(rows, active);

  const onKeyDown = (event: KeyboardEvent) => {
    const next = column ? moves(column, active, files.total, height())[event.key]?.() : undefined;
    if (next !== undefined) {
      event.preventDefault();
      if (event.shiftKey) selection.toggle(next, true);
      onActive(next);
      reveal(next);
      focus(next);
    } else if (event.key === "Enter") {
      event.preventDefault();
      onOpen(active);
    } else if (event.key === " ") {
      event.preventDefault();
      selection.toggle(active, event.shiftKey);
    }
  };

  return (
    <div
      ref={own}
      role="grid"
      aria-label={label}
      aria-multiselectable="true"
      aria-rowcount={column?.rowCount ?? -1}
      className={selection.ids.size ? "grid picking" : "grid"}
      onKeyDown={onKeyDown}
    >
      {rows.map((it) => (
        <Row
          key={it.key}
          row={it.row}
          base={it.base}
          top={it.top}
          number={it.number}
          at={files.at}
          stop={isIn(it, stop) ? stop : -1}
          selected={selection.ids}
          onOpen={onOpen}
          onActive={onActive}
          onSelect={selection.toggle}
        />
      ))}
    </div>
  );
}

function isIn({ row, base }: Placed, index: number): boolean {
  return row.kind === "cells" && row.cells.some((it) => base + it.at === index);
}

type RowProps = Omit<Placed, "key"> & {
  at: Pages["at"];
  stop: number;
  selected: ReadonlySet<string>;
  onOpen: (index: number) => void;
  onActive: (index: number) => void;
  onSelect: (index: number, isRange: boolean) => void;
};

const Row = memo(function Row({ row, base, top, number, at, stop, selected, onOpen, onActive, onSelect }: RowProps) {
  const style = { transform: `translateY(${top}px)`, height: row.height };
  if (row.kind === "day")
    return (
      <div role="row" aria-rowindex={number + 1} className="day" style={style}>
        <span role="rowheader">{dayNamed(row.day)}</span>
      </div>
    );
  return (
    <div role="row" aria-rowindex={number + 1} className="cells" style={style}>
      {row.cells.map((cell, place) => {
        const index = base + cell.at;
        const file = at(index);
        const shape = { index, column: place + 1, width: cell.width, height: row.height - GAP };
        return file ? (
          <Tile
            key={index}
            {...shape}
            file={file}
            isActive={index === stop}
            isSelected={selected.has(file.id)}
            onOpen={onOpen}
            onFocus={onActive}
            onSelect={onSelect}
          />
        ) : (
          <Waiting key={index} {...shape} isActive={index === stop} onFocus={onActive} />
        );
      })}
    </div>
  );
});
