/** The sizes of a picture, each with its address and the HTML that shows it. */

import { here } from "../api/client";
import type { FileDetail } from "../api/types";
import { Copy } from "../ui/copy";

const SIZES = [
  ["thumbnail_url", "256"],
  ["medium_url", "750"],
  ["full_url", "1024"],
  ["original_url", "Original"],
] as const;

export function Variants({ file }: { file: FileDetail }) {
  const there = SIZES.filter(([key]) => file[key]);
  if (!there.length) return null;
  const alt = (file.upload_description ?? file.title ?? "").replace(/"/g, "&quot;");
  return (
    <section>
      <h3>Variants</h3>
      <p className="quiet">These addresses need no credential and are good for an hour.</p>
      <ul className="variants">
        {there.map(([key, label]) => {
          const url = file[key] ?? "";
          return (
            <li key={key}>
              <a href={here(url)} target="_blank" rel="noreferrer">
                {label}
              </a>
              <span className="spring" />
              <Copy text={url} what={`address of ${label}`}>
                URL
              </Copy>
              <Copy text={`<img src="${url}" alt="${alt}">`} what={`HTML of ${label}`}>
                HTML
              </Copy>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
