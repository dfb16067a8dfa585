/** What a layout knows of a page of files, made once of each. */

import type { FilePage } from "../api/queries";
import type { UserFile } from "../api/types";
import type { Shapes } from "../lib/layout";

const LINK_ASPECT = 1.5;
const PAPER_ASPECT = 0.8;
const made = new WeakMap<FilePage, Shapes>();

export function shapesOf(page: FilePage): Shapes {
  const known = made.get(page);
  if (known) return known;
  const shapes = { aspects: Float32Array.from(page.files, aspectOf), days: Int32Array.from(page.files, dayOf) };
  made.set(page, shapes);
  return shapes;
}

function aspectOf(file: UserFile): number {
  const size = file.dimensions;
  return size ? size.width / size.height : file.media_type === "link" ? LINK_ASPECT : PAPER_ASPECT;
}

/** The day here, as a number: 20261122. */
function dayOf(file: UserFile): number {
  const at = new Date(file.content_created_at ?? file.created_at);
  return (at.getFullYear() * 100 + at.getMonth() + 1) * 100 + at.getDate();
}
