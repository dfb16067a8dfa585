/** The models that put pictures into words: any OpenAI-compatible endpoint, tried with one caption. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, told } from "../api/client";
import { queries } from "../api/queries";
import { Confirm } from "../ui/dialog";
import { Empty, Failure, Skeleton } from "../ui/states";
import { toast, trouble } from "../ui/toasts";
import { Form } from "./form";

const fresh = () => queries.invalidateQueries({ queryKey: ["ai"] });

export function Providers() {
  const [isAdding, setAdding] = useState(false);
  const [removed, remove] = useState<string | null>(null);
  const [tried, setTried] = useState<Record<string, string>>({});
  const found = useQuery({
    queryKey: ["ai"],
    queryFn: async () => (await told(api.GET("/api/v1/system/ai/providers"))).data,
  });
  if (found.isPending) return <Skeleton rows={3} />;
  if (found.isError) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  const test = (id: string) =>
    told(api.POST("/api/v1/system/ai/providers/test", { body: { profileId: id } }))
      .then(({ data }) =>
        setTried((known) => ({
          ...known,
          [id]: data.succeeded ? `It answers: “${data.caption}”` : (data.errorMessage ?? "It does not answer"),
        })),
      )
      .catch(trouble);
  const activate = (id: string) =>
    told(
      api.PATCH("/api/v1/system/ai/providers/{provider_id}", {
        params: { path: { provider_id: id } },
        body: { isActive: true },
      }),
    )
      .then(() => toast("It is asked from now on"))
      .then(fresh)
      .catch(trouble);
  const forget = (id: string) =>
    told(api.DELETE("/api/v1/system/ai/providers/{provider_id}", { params: { path: { provider_id: id } } }))
      .then(fresh)
      .catch(trouble);
  return (
    <>
      {found.data.length ? (
        <ul className="profiles">
          {found.data.map((it) => (
            <li key={it.id}>
              <div className="row">
                <b>{it.name}</b>
                <span className="tag">{it.modelName}</span>
                {it.isActive ? <span className="tag good">active</span> : null}
                <span className="spring" />
                <button type="button" className="button small" onClick={() => test(it.id)}>
                  Test
                </button>
                {it.isActive ? null : (
                  <button type="button" className="button small" onClick={() => activate(it.id)}>
                    Make active
                  </button>
                )}
                <button type="button" className="button small" onClick={() => remove(it.id)}>
                  Remove
                </button>
              </div>
              <p className="quiet">
                {it.apiBaseUrl} · key <code>{it.apiKey}</code>
              </p>
              {tried[it.id] ? <p role="status">{tried[it.id]}</p> : null}
            </li>
          ))}
        </ul>
      ) : (
        <Empty title="No provider yet">
          Pictures are described offline by the built-in describer until there is one.
        </Empty>
      )}
      {isAdding ? (
        <Form
          does="Add the provider"
          onCancel={() => setAdding(false)}
          onSend={async (said) => {
            await told(api.POST("/api/v1/system/ai/providers", { body: said }));
            await fresh();
            setAdding(false);
          }}
        >
          <div className="two">
            <label>
              Name
              <input name="name" required />
            </label>
            <label>
              Address
              <input name="apiBaseUrl" type="url" required placeholder="https://api.example.com/v1" />
            </label>
            <label>
              API key
              <input name="apiKey" type="password" autoComplete="off" required />
            </label>
            <label>
              Model
              <input name="modelName" required spellCheck={false} />
            </label>
          </div>
          <label>
            What it is told first
            <textarea name="defaultSystemPrompt" rows={3} defaultValue="Describe the picture in one sentence." />
          </label>
        </Form>
      ) : (
        <div>
          <button type="button" className="button primary" onClick={() => setAdding(true)}>
            Add a provider
          </button>
        </div>
      )}
      {removed ? (
        <Confirm
          title="Forget this provider and its key?"
          does="Forget"
          isDanger
          onYes={() => forget(removed)}
          onClose={() => remove(null)}
        >
          Pictures are described by the next one, or offline.
        </Confirm>
      ) : null}
    </>
  );
}
