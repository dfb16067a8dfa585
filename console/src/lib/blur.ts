/** Blur hashes as small pictures, made once each. */

import { decodeBlurHash } from "fast-blurhash";

const SIDE = 24;
const MOST = 2000;
const made = new Map<string, string>();

export function blurred(hash: string | null | undefined): string | undefined {
  if (!hash) return undefined;
  const known = made.get(hash);
  if (known) return known;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext("2d");
  if (!context) return undefined;
  const image = context.createImageData(SIDE, SIDE);
  try {
    image.data.set(decodeBlurHash(hash, SIDE, SIDE));
  } catch {
    return undefined; // what cannot be drawn is left blank
  }
  context.putImageData(image, 0, 0);
  const url = canvas.toDataURL();
  if (made.size >= MOST) made.delete(made.keys().next().value ?? "");
  made.set(hash, url);
  return url;
}
