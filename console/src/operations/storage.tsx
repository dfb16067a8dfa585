/** Where bytes can lie: folders, buckets and repositories of the tenant's own; each can be tried before it is trusted. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, told } from "../api/client";
import { queries } from "../api/queries";
import { words } from "../lib/format";
import { Confirm } from "../ui/dialog";
import { Empty, Failure, Skeleton } from "../ui/states";
import { toast, trouble } from "../ui/toasts";
import { Form } from "./form";

const FIELDS: Record<string, { open: [string, string, boolean][]; secret: [string, string][] }> = {
  local: { open: [["rootPath", "photos", true]], secret: [] },
  s3: {
    open: [
      ["endpoint", "https://s3.example.com", false],
      ["bucket", "library", true],
      ["region", "us-east-1", false],
    ],
    secret: [
      ["accessKey", "Access key"],
      ["secretKey", "Secret key"],
    ],
  },
  "github-repo": {
    open: [
      ["owner", "octo", true],
      ["repo", "media", true],
      ["ref", "main", false],
      ["basePath", "library", false],
    ],
    secret: [["token", "Token"]],
  },
};

interface Checked {
  name: string;
  succeeded: boolean;
  message: string | null;
  durationMs: number;
}

/** `rootPath` as words. */
const spoken = (name: string) => words(name.replace(/([A-Z])/g, " $1").toLowerCase());
const fresh = () => queries.invalidateQueries({ queryKey: ["storage"] });

export function Storage() {
  const [isAdding, setAdding] = useState(false);
  const [checks, setChecks] = useState<Record<string, Checked[]>>({});
  const [removed, remove] = useState<string | null>(null);
  const found = useQuery({
    queryKey: ["storage"],
    queryFn: async () => (await told(api.GET("/api/v1/system/storage/providers"))).data,
  });
  if (found.isPending) return <Skeleton rows={3} />;
  if (found.isError) return <Failure error={found.error} onRetry={() => void found.refetch()} />;

  const at = (id: string) => ({ params: { path: { profile_id: id } } });
  const test = (id: string) =>
    told(api.POST("/api/v1/system/storage/providers/{profile_id}/test", at(id)))
      .then(({ data }) => setChecks((known) => ({ ...known, [id]: data.checks })))
      .catch(trouble);
  const makeDefault = (id: string) =>
    told(api.POST("/api/v1/system/storage/providers/{profile_id}/set-default", at(id)))
      .then(() => toast("New uploads go there now"))
      .then(fresh)
      .catch(trouble);
  const forget = (id: string) =>
    told(api.DELETE("/api/v1/system/storage/providers/{profile_id}", at(id)))
      .then(fresh)
      .catch(trouble);
  return (
    <>
      <p className="quiet">{found.data.alignment.message}</p>
      {found.data.profiles.length ? (
        <ul className="profiles">
          {found.data.profiles.map((it) => (
            <li key={it.id}>
              <div className="row">
                <b>{it.displayName || it.name}</b>
                <span className="tag">{it.providerType}</span>
                {it.isDefault ? <span className="tag good">default</span> : null}
                {it.isEnabled ? null : <span className="tag bad">disabled</span>}
                <span className="spring" />
                <button type="button" className="button small" onClick={() => test(it.id)}>
                  Test
                </button>
                {it.isDefault ? null : (
                  <button type="button" className="button small" onClick={() => makeDefault(it.id)}>
                    Make default
                  </button>
                )}
                <button type="button" className="button small" onClick={() => remove(it.id)}>
                  Remove
                </button>
              </div>
              <p className="quiet">
                {Object.entries(it.configurationSummary ?? {})
                  .filter(([, value]) => value !== null)
                  .map(([name, value]) => `${spoken(name)}: ${value}`)
                  .join(" · ")}
              </p>
              {checks[it.id] ? (
                <ul className="row" aria-label="Checks">
                  {checks[it.id]?.map((check) => (
                    <li key={check.name} className={check.succeeded ? "tag good" : "tag bad"}>
                      {words(check.name)}
                      {check.message ? `: ${check.message}` : ` ${check.durationMs} ms`}
                    </li>
                  ))}
                </ul>
              ) : null}
            </li>
          ))}
        </ul>
      ) : (
        <Empty title="No profile yet">Uploads go to the server's own store until there is one.</Empty>
      )}
      {isAdding ? (
        <NewProfile onClose={() => setAdding(false)} />
      ) : (
        <div>
          <button type="button" className="button primary" onClick={() => setAdding(true)}>
            Add a profile
          </button>
        </div>
      )}
      {removed ? (
        <Confirm
          title="Remove this profile?"
          does="Remove"
          isDanger
          onYes={() => forget(removed)}
          onClose={() => remove(null)}
        >
          A profile that files lie in is only disabled: they can still be read.
        </Confirm>
      ) : null}
    </>
  );
}

function NewProfile({ onClose }: { onClose: () => void }) {
  const [type, setType] = useState("s3");
  const fields = FIELDS[type] ?? { open: [], secret: [] };
  const send = async (said: Record<string, string>) => {
    const pick = (names: string[]) =>
      Object.fromEntries(names.filter((name) => said[name]).map((name) => [name, said[name]]));
    await told(
      api.POST("/api/v1/system/storage/providers", {
        body: {
          name: said.name ?? "",
          providerType: type,
          isEnabled: true,
          isDefault: said.isDefault === "on",
          configuration: pick(fields.open.map(([name]) => name)),
          secretConfiguration: pick(fields.secret.map(([name]) => name)),
        },
      }),
    );
    await fresh();
    onClose();
  };
  return (
    <Form does="Add the profile" onSend={send} onCancel={onClose}>
      <div className="two">
        <label>
          Name
          <input name="name" required maxLength={64} />
        </label>
        <label>
          Kind
          <select value={type} onChange={(event) => setType(event.target.value)}>
            <option value="s3">S3-compatible bucket</option>
            <option value="local">Folder of the server</option>
            <option value="github-repo">GitHub repository</option>
          </select>
        </label>
        {fields.open.map(([name, example, isNeeded]) => (
          <label key={type + name}>
            {spoken(name)}
            <input name={name} placeholder={example} required={isNeeded} spellCheck={false} />
          </label>
        ))}
        {fields.secret.map(([name, label]) => (
          <label key={type + name}>
            {label}
            <input name={name} type="password" autoComplete="off" required />
          </label>
        ))}
      </div>
      <label className="check">
        <input type="checkbox" name="isDefault" /> New uploads go there
      </label>
      <p className="quiet">Secrets are sealed when they are kept, and never shown again.</p>
    </Form>
  );
}
