/** One file over everything: arrows to the next, zoom, the recognised text over the picture to be selected, its sizes. */

import { ChevronLeft, ChevronRight, Info, ScanText, X, ZoomIn, ZoomOut } from "lucide-react";
import { type CSSProperties, useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { here } from "../api/client";
import { useDetail, useFindings } from "../api/queries";
import type { FileDetail } from "../api/types";
import { useKeys } from "../lib/keys";
import { Failure } from "../ui/states";
import { Facts } from "./inspector";
import type { Pages } from "./pages";
import { nameOf } from "./tile";

interface Props {
  id: string;
  files: Pages;
  /** Where the file stands in the list; -1 where that is not known. */
  at: number;
  onClose: () => void;
  onMove: (id: string) => void;
  onActive: (index: number) => void;
}

const ZOOMS = [1, 1.5, 2, 3, 4, 6];

export function Viewer({ id, files, at, onClose, onMove, onActive }: Props) {
  const own = useRef<HTMLDivElement>(null);
  const listed = files.at(at);
  const detail = useDetail(id);
  const file = detail.data?.id === id ? detail.data : undefined;
  const [zoom, setZoom] = useState(0);
  const [isTelling, setTelling] = useState(false);
  const [hasText, setText] = useState(true);
  const move = (step: number) => {
    const next = at < 0 ? undefined : files.at(at + step);
    if (next) onMove(next.id);
  };
  const scale = (step: number) => setZoom((now) => Math.max(0, Math.min(ZOOMS.length - 1, now + step)));
  useKeys("Viewer", [
    { key: "ArrowRight", does: "Next file", act: () => move(1) },
    { key: "ArrowLeft", does: "Previous file", act: () => move(-1) },
    { key: "+", does: "Larger", act: () => scale(1) },
    { key: "-", does: "Smaller", act: () => scale(-1) },
    { key: "0", does: "Fit", act: () => setZoom(0) },
    { key: "i", does: "Show or hide the facts", act: () => setTelling(!isTelling) },
    { key: "Escape", does: "Back to the library", act: onClose },
  ]);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const behind = document.querySelector(".shell");
    behind?.setAttribute("inert", "");
    own.current?.focus();
    return () => {
      behind?.removeAttribute("inert");
      requestAnimationFrame(() => {
        const tile = document.querySelector<HTMLElement>('[role="grid"] [tabindex="0"]');
        (tile ?? before)?.focus({ preventScroll: true });
      });
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another file begins at its own size
  useEffect(() => {
    setZoom(0);
    if (at >= 0) onActive(at);
  }, [id]);

  const name = listed ? nameOf(listed) : (file?.title ?? file?.original_filename ?? "File");
  return createPortal(
    <div ref={own} className="viewer" role="dialog" aria-modal="true" aria-label={name} tabIndex={-1}>
      <header>
        <button type="button" className="icon" aria-label="Back" onClick={onClose}>
          <X size={20} />
        </button>
        <h2>{name}</h2>
        <span className="spring" />
        {at >= 0 ? (
          <span className="quiet">
            {at + 1} of {files.total}
          </span>
        ) : null}
        <button
          type="button"
          className="icon"
          aria-label="Text over the picture"
          aria-pressed={hasText}
          onClick={() => setText(!hasText)}
        >
          <ScanText size={19} />
        </button>
        <button type="button" className="icon" aria-label="Smaller" disabled={zoom === 0} onClick={() => scale(-1)}>
          <ZoomOut size={19} />
        </button>
        <button
          type="button"
          className="icon"
          aria-label="Larger"
          disabled={zoom === ZOOMS.length - 1}
          onClick={() => scale(1)}
        >
          <ZoomIn size={19} />
        </button>
        <button
          type="button"
          className="icon"
          aria-label="Facts"
          aria-pressed={isTelling}
          onClick={() => setTelling(!isTelling)}
        >
          <Info size={19} />
        </button>
      </header>
      <button
        type="button"
        className="icon side left"
        aria-label="Previous file"
        disabled={at <= 0}
        onClick={() => move(-1)}
      >
        <ChevronLeft size={26} />
      </button>
      <div className="stage" tabIndex={zoom ? 0 : undefined}>
        {detail.isError ? (
          <Failure error={detail.error} onRetry={() => void detail.refetch()} />
        ) : file ? (
          <Stage file={file} zoom={ZOOMS[zoom] ?? 1} hasText={hasText} />
        ) : null}
      </div>
      <button
        type="button"
        className="icon side right"
        aria-label="Next file"
        disabled={at < 0 || at >= files.total - 1}
        onClick={() => move(1)}
      >
        <ChevronRight size={26} />
      </button>
      {isTelling && file ? (
        <aside className="inspector" aria-label="Facts">
          <Facts file={file} />
        </aside>
      ) : null}
    </div>,
    document.body,
  );
}

function Stage({ file, zoom, hasText }: { file: FileDetail; zoom: number; hasText: boolean }) {
  const original = here(file.original_url);
  if (file.media_type === "video" && original) {
    // biome-ignore lint/a11y/useMediaCaption: what is said in it is among its facts
    return <video src={original} poster={here(file.full_url ?? file.thumbnail_url)} controls />;
  }
  if (file.media_type === "audio" && original) {
    // biome-ignore lint/a11y/useMediaCaption: what is said in it is among its facts
    return <audio src={original} controls />;
  }
  const source =
    here((zoom > 1 ? file.original_url : null) ?? file.full_url ?? file.thumbnail_url) ??
    (file.media_type === "image" ? original : undefined);
  if (!source) {
    return (
      <article className="page">
        <p className="quiet">There is no picture of this {file.media_type}.</p>
        <pre className="text">{file.visible_text}</pre>
      </article>
    );
  }
  const { width, height } = file.dimensions;
  const ratio = width && height ? width / height : undefined;
  const style = { "--zoom": zoom, "--ratio": ratio ?? 1, aspectRatio: ratio } as CSSProperties;
  return (
    <div className={ratio ? "sheet sized" : "sheet"} style={style}>
      <img src={source} alt={file.upload_description ?? file.title ?? ""} />
      {hasText ? <RecognisedText id={file.id} /> : null}
    </div>
  );
}

interface Line {
  text: string;
  box: [number, number][];
}

/** Each line where it was read, invisible until it is selected. */
function RecognisedText({ id }: { id: string }) {
  const { data } = useFindings(id);
  const found = data?.find((it) => it.kind === "text_lines" && it.state !== "rejected")?.value as
    | { lines?: Line[] }
    | undefined;
  return (
    <div className="ocr">
      {found?.lines?.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines of one reading
        <span key={index} style={boxOf(line)}>
          {line.text}
        </span>
      ))}
    </div>
  );
}

function boxOf(line: Line): CSSProperties {
  const xs = line.box.map(([x]) => x * 100);
  const ys = line.box.map(([, y]) => y * 100);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const height = Math.max(...ys) - top;
  return {
    left: `${left}%`,
    top: `${top}%`,
    width: `${Math.max(...xs) - left}%`,
    height: `${height}%`,
    fontSize: `${height * 0.82}cqh`,
  };
}
