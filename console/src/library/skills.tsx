/** The catalogue of skills that a picture can be given to, and what came of the last one. */

import { useQuery } from "@tanstack/react-query";
import { Play } from "lucide-react";
import { useState } from "react";
import { api, told } from "../api/client";
import { queries, useMayWrite } from "../api/queries";
import type { FileDetail } from "../api/types";
import { words } from "../lib/format";
import { Failure, Skeleton } from "../ui/states";
import { toast, trouble } from "../ui/toasts";

interface Outcome {
  skill: string;
  steps: { name: string; succeeded: boolean; errorMessage: string | null }[];
}

export function Skills({ file }: { file: FileDetail }) {
  const mayWrite = useMayWrite();
  const [busy, setBusy] = useState<string | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const found = useQuery({
    queryKey: ["skills"],
    queryFn: async () => (await told(api.GET("/api/v1/assets/skills"))).data,
    staleTime: 600_000,
  });
  if (file.media_type !== "image") return null;
  const run = async (skill: string) => {
    setBusy(skill);
    try {
      const { data } = await told(
        api.POST("/api/v1/assets/{asset_id}/skills/{skill_name}/run", {
          params: { path: { asset_id: file.id, skill_name: skill } },
        }),
      );
      setOutcome({ skill, steps: data.steps });
      toast(`${words(skill)} ${data.succeeded ? "is done" : "has failed"}`);
      await Promise.all(["file", "findings"].map((name) => queries.invalidateQueries({ queryKey: [name, file.id] })));
    } catch (error) {
      trouble(error);
    } finally {
      setBusy(null);
    }
  };
  return (
    <details>
      <summary>Skills</summary>
      {found.isPending ? (
        <Skeleton rows={3} />
      ) : found.isError ? (
        <Failure error={found.error} onRetry={() => void found.refetch()} />
      ) : null}
      <ul className="skills">
        {found.data?.map((it) => (
          <li key={it.skillName}>
            <div>
              <b>{words(it.skillName)}</b>
              <p className="quiet">{it.description}</p>
            </div>
            <button
              type="button"
              className="button small"
              disabled={!mayWrite || busy !== null}
              title={mayWrite ? undefined : "Your role may not run skills"}
              onClick={() => run(it.skillName)}
              aria-label={`Run ${words(it.skillName)}`}
            >
              <Play size={13} aria-hidden /> {busy === it.skillName ? "Running…" : "Run"}
            </button>
          </li>
        ))}
      </ul>
      {outcome ? (
        <ol className="runs" aria-label={`Steps of ${words(outcome.skill)}`}>
          {outcome.steps.map((it) => (
            <li key={it.name}>
              <span className={`dot inline ${it.succeeded ? "completed" : "failed"}`} aria-hidden /> {words(it.name)}
              {it.errorMessage ? <p className="problem">{it.errorMessage}</p> : null}
            </li>
          ))}
        </ol>
      ) : null}
    </details>
  );
}
