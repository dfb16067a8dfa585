/** The same files as rows: what they are called, how large, when, and how far the server is with them. */

import { type KeyboardEvent, memo, useRef } from "react";
import { here } from "../api/client";
import { hasFailed, isWorking } from "../api/queries";
import type { UserFile } from "../api/types";
import type { LayOut } from "../lib/column";
import { bytes, moment } from "../lib/format";
import { listed } from "../lib/layout";
import { moves } from "./moves";
import type { Pages } from "./pages";
import { stopIn, useColumn, useFocus } from "./scrolling";
import type { Selection } from "./selection";
import { matchesOf, nameOf, Why } from "./tile";

interface Props {
  files: Pages;
  label: string;
  active: number;
  place: string;
  selection: Selection;
  onActive: (index: number) => void;
  onOpen: (index: number) => void;
}

const ROW_PX = 52;
const rowByRow: LayOut = (count) => listed(count, ROW_PX);

export function Table({ files, label, active, place, selection, onActive, onOpen }: Props) {
  const own = useRef<HTMLDivElement>(null);
  const { column, rows, reveal, height } = useColumn(own, files, place, rowByRow);
  const focus = useFocus(own, files, rows);
  const stop = stopIn(rows, active);

  const onKeyDown = (event: KeyboardEvent) => {
    const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
    const next = column && !sideways ? moves(column, active, files.total, height())[event.key]?.() : undefined;
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
      aria-rowcount={files.total}
      className="table"
      onKeyDown={onKeyDown}
    >
      {rows.map(({ base, row, top }) => {
        const index = base + (row.kind === "cells" ? (row.cells[0]?.at ?? 0) : 0);
        const file = files.at(index);
        return (
          <Line
            key={index}
            file={file}
            index={index}
            top={top}
            isActive={index === stop}
            isSelected={!!file && selection.ids.has(file.id)}
            onOpen={onOpen}
            onActive={onActive}
            onSelect={selection.toggle}
          />
        );
      })}
    </div>
  );
}

interface LineProps {
  file: UserFile | undefined;
  index: number;
  top: number;
  isActive: boolean;
  isSelected: boolean;
  onOpen: (index: number) => void;
  onActive: (index: number) => void;
  onSelect: (index: number, isRange: boolean) => void;
}

const Line = memo(function Line({ file, index, top, isActive, isSelected, onOpen, onActive, onSelect }: LineProps) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid answers its keys
    <div
      role="row"
      data-index={index}
      tabIndex={isActive ? 0 : -1}
      aria-rowindex={index + 1}
      aria-selected={isSelected}
      aria-busy={!file}
      style={{ transform: `translateY(${top}px)`, height: ROW_PX }}
      onFocus={() => onActive(index)}
      onClick={(event) =>
        event.shiftKey || event.ctrlKey || event.metaKey ? onSelect(index, event.shiftKey) : onOpen(index)
      }
    >
      {file ? (
        <Facts file={file} />
      ) : (
        <>
          <span role="gridcell" className="thumb" />
          <span role="gridcell" className="quiet">
            Loading
          </span>
        </>
      )}
    </div>
  );
});

function Facts({ file }: { file: UserFile }) {
  const reason = matchesOf(file)[0];
  const thumbnail = here(file.thumbnail_url);
  return (
    <>
      <span role="gridcell" className="thumb">
        {thumbnail ? <img src={thumbnail} alt="" loading="lazy" /> : null}
      </span>
      <span role="gridcell" className="name">
        {nameOf(file)} {reason ? <Why match={reason} /> : null}
      </span>
      <span role="gridcell">{file.media_type}</span>
      <span role="gridcell">{bytes(file.size_bytes)}</span>
      <span role="gridcell">{moment(file.content_created_at ?? file.created_at)}</span>
      <span role="gridcell">{hasFailed(file) ? "failed" : isWorking(file) ? "in work" : "ready"}</span>
    </>
  );
}
