/** What administrators look after: health and usage, jobs, storage, AI providers, users, keys, the audit log. */

import { Link, useParams } from "wouter";
import { Audit } from "./audit";
import { Health } from "./health";
import { Jobs } from "./jobs";
import { Keys } from "./keys";
import { Providers } from "./providers";
import { Storage } from "./storage";
import { Users } from "./users";

const PARTS = {
  health: ["Health and usage", Health],
  jobs: ["Jobs", Jobs],
  storage: ["Storage", Storage],
  providers: ["AI providers", Providers],
  users: ["Users", Users],
  keys: ["API keys", Keys],
  audit: ["Audit log", Audit],
} as const;

export default function Operations() {
  const { part = "health" } = useParams();
  const [title, Shown] = PARTS[part as keyof typeof PARTS] ?? PARTS.health;
  return (
    <div className="screen">
      <header className="toolbar">
        <h1>Operations</h1>
      </header>
      <nav aria-label="Operations" className="parts">
        {Object.entries(PARTS).map(([path, [label]]) => (
          <Link
            key={path}
            href={`/operations/${path}`}
            className="place"
            aria-current={label === title ? "page" : undefined}
          >
            <span>{label}</span>
          </Link>
        ))}
      </nav>
      <section className="panel" aria-label={title}>
        <h2>{title}</h2>
        <Shown />
      </section>
    </div>
  );
}
