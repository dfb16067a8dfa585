/** API keys: one's own, and for administrators everybody's; a secret is shown once, a revoked key is refused at once. */

import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { api, told } from "../api/client";
import { queries, useMe } from "../api/queries";
import { useCredential } from "../api/session";
import type { ApiKey } from "../api/types";
import { ago, count, moment } from "../lib/format";
import { Confirm, Dialog } from "../ui/dialog";
import { Code, Empty, Failure, Skeleton } from "../ui/states";
import { toast, trouble } from "../ui/toasts";
import { Wide } from "../ui/wide";
import { Form } from "./form";

type Role = ApiKey["role"];

const ROLES: Record<Role, string> = {
  viewer: "Read everything",
  editor: "Read, create, change and delete",
  admin: "Everything, also users and settings",
};
const LIVES = { "30": "30 days", "90": "90 days", "365": "A year", "": "Until it is revoked" };

const fresh = () => queries.invalidateQueries({ queryKey: ["keys"] });

export function Keys() {
  const { data: me } = useMe();
  const isLogin = useCredential()?.kind === "login";
  const why =
    isLogin || me?.permissions.includes("users.update")
      ? undefined
      : "Sign in with a password to manage keys: a key does it only with the scope users.update";
  const seesAll = me?.permissions.includes("users.read") ?? false;
  const [isAdding, setAdding] = useState(false);
  const [secret, show] = useState<string | null>(null);
  const [revoked, revoke] = useState<ApiKey | null>(null);
  const found = useQuery({
    queryKey: ["keys", seesAll],
    queryFn: async () => (await told(api.GET("/api/v1/keys", { params: { query: { everybody: seesAll } } }))).data,
  });
  if (found.isPending) return <Skeleton rows={3} />;
  if (found.isError) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  const end = (key: ApiKey) =>
    told(api.DELETE("/api/v1/keys/{key_id}", { params: { path: { key_id: key.id } } }))
      .then(() => toast("Revoked; it is refused from now on"))
      .then(fresh)
      .catch(trouble);
  return (
    <>
      {found.data.length ? (
        <List keys={found.data} isOwned={seesAll} why={why} onRevoke={revoke} />
      ) : (
        <Empty
          title="No key yet"
          curl={`curl -X POST -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n  -d '{"name": "laptop", "role": "viewer"}' ${location.origin}/api/v1/keys`}
        >
          A key opens every API of this server, as far as you may go yourself.
        </Empty>
      )}
      {isAdding ? (
        <NewKey
          onClose={() => setAdding(false)}
          onMade={(key) => {
            setAdding(false);
            show(key);
          }}
        />
      ) : (
        <div className="row">
          <button
            type="button"
            className="button primary"
            disabled={why !== undefined}
            title={why}
            onClick={() => setAdding(true)}
          >
            <KeyRound size={15} aria-hidden /> Make a key
          </button>
          {why ? <span className="quiet">{why}.</span> : null}
        </div>
      )}
      {secret ? (
        <Dialog title="Your new key" onClose={() => show(null)}>
          <div className="content">
            <p>Copy it now: only a hash of it is kept, and nobody can show it again.</p>
            <Code label="API key" text={secret} />
          </div>
          <footer>
            <button type="button" className="button primary" onClick={() => show(null)}>
              I have copied it
            </button>
          </footer>
        </Dialog>
      ) : null}
      {revoked ? (
        <Confirm
          title={`Revoke ${revoked.name ?? `${revoked.prefix}…`}?`}
          does="Revoke"
          isDanger
          onYes={() => end(revoked)}
          onClose={() => revoke(null)}
        >
          Whatever uses it is refused at once, and there is no way back.
          {revoked.isCurrent ? " It is the key that you are signed in with." : ""}
        </Confirm>
      ) : null}
    </>
  );
}

interface Listed {
  keys: ApiKey[];
  isOwned: boolean;
  why: string | undefined;
  onRevoke: (key: ApiKey) => void;
}

function List({ keys, isOwned, why, onRevoke }: Listed) {
  return (
    <Wide label="Table of keys">
      <table className="plain">
        <thead>
          <tr>
            <th>Key</th>
            {isOwned ? <th>Of</th> : null}
            <th>May</th>
            <th>Last used</th>
            <th>Expires</th>
            <th>
              <span className="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((it) => (
            <tr key={it.id} className={stateOf(it) ? "spent" : undefined}>
              <td>
                {it.name ? <b>{it.name}</b> : null} <code>{it.prefix}…</code>{" "}
                {it.isCurrent ? <span className="tag good">in use here</span> : null}
              </td>
              {isOwned ? <td className="quiet">{it.username}</td> : null}
              <td title={it.scopes.join(", ")}>
                {it.role} <span className="quiet">· {count(it.scopes.length, "scope")}</span>
              </td>
              <td className="quiet" title={moment(it.lastUsedAtUtc)}>
                {it.lastUsedAtUtc ? ago(it.lastUsedAtUtc) : "never"}
              </td>
              <td className="quiet">{it.expiresAtUtc ? moment(it.expiresAtUtc) : "never"}</td>
              <td>
                {stateOf(it) ? (
                  <span className="tag bad">{stateOf(it)}</span>
                ) : (
                  <button
                    type="button"
                    className="button small"
                    disabled={why !== undefined}
                    title={why}
                    aria-label={`Revoke ${it.name ?? it.prefix}`}
                    onClick={() => onRevoke(it)}
                  >
                    Revoke
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function NewKey({ onClose, onMade }: { onClose: () => void; onMade: (secret: string) => void }) {
  return (
    <Form
      does="Make the key"
      onCancel={onClose}
      onSend={async (said) => {
        const body = {
          name: said.name || null,
          role: said.role as Role,
          expiresInDays: said.days ? Number(said.days) : null,
        };
        const { data } = await told(api.POST("/api/v1/keys", { body }));
        await fresh();
        onMade(data.key);
      }}
    >
      <div className="two">
        <label>
          What it is for
          <input name="name" maxLength={100} placeholder="laptop, nightly import …" autoComplete="off" />
        </label>
        <label>
          May
          <select name="role" defaultValue="viewer">
            {Object.entries(ROLES).map(([role, does]) => (
              <option key={role} value={role}>
                {does}
              </option>
            ))}
          </select>
        </label>
        <label>
          Lives
          <select name="days" defaultValue="90">
            {Object.entries(LIVES).map(([days, label]) => (
              <option key={label} value={days}>
                {label}
              </option>
            ))}
          </select>
        </label>
      </div>
      <p className="quiet">
        It acts in your name and never holds more than you do. Narrower ones, scope by scope, are made by API.
      </p>
    </Form>
  );
}

function stateOf(it: ApiKey): string {
  if (it.revokedAtUtc) return "revoked";
  return it.expiresAtUtc && Date.parse(it.expiresAtUtc) <= Date.now() ? "expired" : "";
}
