/** The four states that every list has: loading, empty, no results, error. */

import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { Copy } from "./copy";

export function Skeleton({ rows = 6, height = 56 }: { rows?: number; height?: number }) {
  return (
    <div className="skeletons" role="status">
      <span className="hidden">Loading</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <div key={row} className="skeleton" style={{ height }} />
      ))}
    </div>
  );
}

export function Empty({
  title,
  children,
  action,
  curl,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  curl?: string;
}) {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children ? <p>{children}</p> : null}
      {action}
      {curl ? <Code text={curl} label="The same by API" /> : null}
    </div>
  );
}

export function NoResults({ what, onClear }: { what: string; onClear: () => void }) {
  return (
    <div className="state">
      <h2>Nothing matches</h2>
      <p>{what}</p>
      <button type="button" className="button" onClick={onClear}>
        Clear all filters
      </button>
    </div>
  );
}

export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const known = error instanceof ApiError ? error : null;
  return (
    <div className="state" role="alert">
      <h2>{known?.status === 403 ? "Your role may not see this" : "That did not work"}</h2>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      {known ? (
        <p className="quiet">
          <code>{known.code}</code>
          {known.requestId ? (
            <>
              {" "}
              · request <code>{known.requestId}</code>
            </>
          ) : null}
        </p>
      ) : null}
      {onRetry ? (
        <button type="button" className="button" onClick={onRetry}>
          Try again
        </button>
      ) : null}
    </div>
  );
}

export function Code({ text, label }: { text: string; label: string }) {
  return (
    <figure className="code">
      <figcaption>
        <span>{label}</span>
        <Copy text={text} what={label} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <pre tabIndex={0}>{text}</pre>
    </figure>
  );
}
