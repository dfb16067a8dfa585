/** JSON that folds. */

const FOLDED_BELOW = 3;

export function JsonTree({ name, value, depth = 0 }: { name: string; value: unknown; depth?: number }) {
  const label = name ? <span className="json-name">{name}: </span> : null;
  if (value === null || typeof value !== "object") {
    return (
      <div>
        {label}
        <span className={`json-${value === null ? "null" : typeof value}`}>{JSON.stringify(value)}</span>
      </div>
    );
  }
  const entries = Object.entries(value);
  const kind = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <details className="json" open={depth < FOLDED_BELOW}>
      <summary>
        {label}
        <span className="quiet">{kind}</span>
      </summary>
      {entries.map(([key, inner]) => (
        <JsonTree key={key} name={key} value={inner} depth={depth + 1} />
      ))}
    </details>
  );
}
