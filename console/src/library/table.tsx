/** The same files as rows: what they are called, how large, when, and how far the server is with them. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { here } from "../api/client";
import { hasFailed, isWorking } from "../api/queries";
import type { UserFile } from "../api/types";
import { bytes, moment } from "../lib/format";
import type { Selection } from "./selection";
import { matchesOf, nameOf, Why } from "./tile";

interface Props {
  files: readonly UserFile[];
  label: string;
  active: number;
  selection: Selection;
  onActive: (index: number) => void;
  onOpen: (index: number) => void;
  onEnd: () => void;
}

const ROW_PX = 52;

export function Table({ files, label, active, selection, onActive, onOpen, onEnd }: Props) {
  const own = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: files.length,
    getScrollElement: () => own.current?.closest<HTMLElement>(".canvas") ?? null,
    estimateSize: () => ROW_PX,
    overscan: 10,
    scrollMargin: own.current?.offsetTop ?? 0,
  });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= files.length - 20) onEnd();
  }, [last, files.length, onEnd]);
  const stop = shown.some((it) => it.index === active) ? active : (shown[0]?.index ?? 0);

  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: 12,
      PageUp: -12,
      Home: -files.length,
      End: files.length,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = Math.max(0, Math.min(files.length - 1, active + step));
      onActive(next);
      virtual.scrollToIndex(next);
      requestAnimationFrame(() =>
        own.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus({ preventScroll: true }),
      );
    } else if (event.key === "Enter") onOpen(active);
    else if (event.key === " ") {
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
      className="table"
      style={{ height: virtual.getTotalSize() }}
      onKeyDown={onKeyDown}
    >
      {shown.map((it) => {
        const file = files[it.index];
        if (!file) return null;
        const reason = matchesOf(file)[0];
        const thumbnail = here(file.thumbnail_url);
        return (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the grid answers its keys
          <div
            key={file.id}
            role="row"
            data-index={it.index}
            tabIndex={it.index === stop ? 0 : -1}
            aria-selected={selection.ids.has(file.id)}
            style={{ transform: `translateY(${it.start - virtual.options.scrollMargin}px)`, height: ROW_PX }}
            onFocus={() => onActive(it.index)}
            onClick={(event) =>
              event.shiftKey || event.ctrlKey || event.metaKey
                ? selection.toggle(it.index, event.shiftKey)
                : onOpen(it.index)
            }
          >
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
          </div>
        );
      })}
    </div>
  );
}
