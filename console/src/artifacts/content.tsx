/** What an artifact says: Markdown made safe, code in colours, JSON as a tree. */

import DOMPurify from "dompurify";
import hljs from "highlight.js/lib/common";
import { marked } from "marked";
import { useMemo } from "react";
import { here } from "../api/client";
import { JsonTree } from "./json-tree";

interface Props {
  kind: string;
  language: string | null;
  text: string;
  references: readonly { file_id: string; url: string }[];
}

export function Content({ kind, language, text, references }: Props) {
  if (kind === "json") return <Json text={text} />;
  if (kind === "code") return <Coloured text={text} language={language} />;
  return <Markdown text={text} references={references} />;
}

function Json({ text }: { text: string }) {
  const parsed = useMemo(() => {
    try {
      return { value: JSON.parse(text) as unknown };
    } catch {
      return null;
    }
  }, [text]);
  return parsed ? <JsonTree name="" value={parsed.value} /> : <Coloured text={text} language="json" />;
}

function Coloured({ text, language }: { text: string; language: string | null }) {
  const html = useMemo(() => coloured(text, language), [text, language]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <pre className="source" tabIndex={0}>
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: highlight.js has escaped it */}
      <code dangerouslySetInnerHTML={{ __html: html }} />
    </pre>
  );
}

function Markdown({ text, references }: { text: string; references: Props["references"] }) {
  const html = useMemo(() => safe(text, new Map(references.map((it) => [it.file_id, it.url]))), [text, references]);
  // biome-ignore lint/security/noDangerouslySetInnerHtml: DOMPurify has let through what is harmless
  return <article className="prose" dangerouslySetInnerHTML={{ __html: html }} />;
}

function coloured(text: string, language: string | null): string {
  const known = language && hljs.getLanguage(language) ? language : null;
  return known ? hljs.highlight(text, { language: known }).value : hljs.highlightAuto(text).value;
}

/** Pictures come from our own files only: an address elsewhere would tell a stranger who reads this. */
function safe(text: string, urls: ReadonlyMap<string, string>): string {
  const page = new DOMParser().parseFromString(
    DOMPurify.sanitize(marked.parse(text, { async: false, gfm: true }), {
      ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|asset:|#)/i,
      FORBID_TAGS: [
        "style",
        "form",
        "input",
        "button",
        "textarea",
        "select",
        "iframe",
        "video",
        "audio",
        "svg",
        "math",
      ],
      FORBID_ATTR: ["style", "id", "name", "srcset"],
    }),
    "text/html",
  );
  for (const image of page.querySelectorAll("img")) {
    const own = urls.get((image.getAttribute("src") ?? "").replace(/^asset:/, "").split(/[/?#]/)[0] ?? "");
    if (own) image.src = here(own);
    else image.replaceWith(`[picture: ${image.alt || image.getAttribute("src")}]`);
  }
  for (const link of page.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noreferrer noopener";
  }
  for (const block of page.querySelectorAll("pre > code")) {
    block.innerHTML = coloured(block.textContent ?? "", /language-(\w+)/.exec(block.className)?.[1] ?? null);
    block.parentElement?.setAttribute("tabindex", "0");
  }
  return page.body.innerHTML;
}
