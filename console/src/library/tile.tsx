/** One file of the grid: its picture over its blur hash, its state, and what it is where there is no picture. */

import { AlertTriangle, Check, FileText, Link2, Mic, Play } from "lucide-react";
import { memo } from "react";
import { here } from "../api/client";
import { hasFailed, isWorking } from "../api/queries";
import type { LinkFacts, Match, UserFile } from "../api/types";
import { blurred } from "../lib/blur";
import { clock, percent, words } from "../lib/format";

interface Props {
  file: UserFile;
  index: number;
  column: number;
  width: number;
  height: number;
  isActive: boolean;
  isSelected: boolean;
  onOpen: (index: number) => void;
  onFocus: (index: number) => void;
  onSelect: (index: number, isRange: boolean) => void;
}

const SHARP_PX = 300;

export const Tile = memo(function Tile({
  file,
  index,
  column,
  width,
  height,
  isActive,
  isSelected,
  onOpen,
  onFocus,
  onSelect,
}: Props) {
  const name = nameOf(file);
  const source = here(width > SHARP_PX ? (file.medium_url ?? file.thumbnail_url) : file.thumbnail_url);
  const state = hasFailed(file) ? "failed" : isWorking(file) ? "in work" : "";
  const reason = matchesOf(file)[0];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid answers its keys
    <div
      role="gridcell"
      className={isSelected ? "tile selected" : "tile"}
      style={{ width, height }}
      tabIndex={isActive ? 0 : -1}
      data-index={index}
      aria-colindex={column}
      aria-selected={isSelected}
      aria-label={[name, file.media_type, state, reason ? `matches by ${words(reason.field)}` : ""]
        .filter(Boolean)
        .join(", ")}
      onFocus={() => onFocus(index)}
      onClick={(event) =>
        event.shiftKey || event.ctrlKey || event.metaKey ? onSelect(index, event.shiftKey) : onOpen(index)
      }
    >
      <div className="picture" style={{ backgroundImage: url(blurred(file.blur_hash)) }}>
        {source ? <img src={source} alt="" loading="lazy" decoding="async" draggable={false} /> : <Kind file={file} />}
      </div>
      <button
        type="button"
        tabIndex={-1}
        className="pick"
        aria-hidden="true"
        onClick={(event) => (event.stopPropagation(), onSelect(index, event.shiftKey))}
      >
        <Check size={14} />
      </button>
      {state === "failed" ? (
        <span className="dot failed" title={file.description_error ?? "Processing failed"}>
          <AlertTriangle size={12} aria-hidden />
        </span>
      ) : state ? (
        <span className="dot working" title="The server still works on it" />
      ) : null}
      {file.media_type === "video" ? (
        <span className="badge">
          <Play size={11} aria-hidden /> {duration(file)}
        </span>
      ) : null}
      {source && file.media_type === "image" && !reason ? null : (
        <span className="caption">
          <span>{name}</span>
          {reason ? <Why match={reason} /> : null}
        </span>
      )}
    </div>
  );
});

interface WaitingProps {
  index: number;
  column: number;
  width: number;
  height: number;
  isActive: boolean;
  onFocus: (index: number) => void;
}

/** Where a file is on its way. */
export function Waiting({ index, column, width, height, isActive, onFocus }: WaitingProps) {
  return (
    <div
      role="gridcell"
      className="tile waiting"
      style={{ width, height }}
      tabIndex={isActive ? 0 : -1}
      data-index={index}
      aria-colindex={column}
      aria-label="Loading"
      aria-busy="true"
      onFocus={() => onFocus(index)}
    >
      <div className="picture" />
    </div>
  );
}

/** Why a file is among the hits: the field and its words, or how near its meaning is. */
export function Why({ match }: { match: Match }) {
  return (
    <span className="why">
      <b>{match.similarity === null ? words(match.field) : `${percent(match.similarity)} alike`}</b>{" "}
      {plain(match.snippet)}
    </span>
  );
}

export function nameOf(file: UserFile): string {
  return file.title || file.filename || file.source_url || "Untitled";
}

export function matchesOf(file: UserFile): Match[] {
  return "matches" in file ? (file.matches as Match[]) : [];
}

function Kind({ file }: { file: UserFile }) {
  const favicon = here((file as LinkFacts).favicon_url);
  if (favicon) return <img className="favicon" src={favicon} alt="" />;
  const Icon = file.media_type === "link" ? Link2 : file.media_type === "audio" ? Mic : FileText;
  return <Icon size={34} aria-hidden />;
}

function duration(file: UserFile): string {
  const seconds = Number(file.video_metadata?.duration_seconds);
  return seconds ? clock(seconds) : "";
}

function plain(snippet: string): string {
  return snippet.replace(/<\/?(?:b|mark|em)>/g, "");
}

function url(source: string | undefined): string | undefined {
  return source ? `url(${source})` : undefined;
}
