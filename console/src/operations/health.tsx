/** Whether every part of the server answers, and what the library holds. */

import { useQuery } from "@tanstack/react-query";
import { api, open, told } from "../api/client";
import { bytes, count, words } from "../lib/format";
import { Failure, Skeleton } from "../ui/states";

export function Health() {
  return (
    <>
      <Parts />
      <Usage />
    </>
  );
}

function Parts() {
  const found = useQuery({
    queryKey: ["health"],
    queryFn: async () => {
      const { data, error } = await open.GET("/health/ready");
      return data ?? (error as { status: string; parts: Record<string, string> });
    },
    refetchInterval: 10_000,
  });
  if (found.isPending) return <Skeleton rows={2} />;
  if (found.isError) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  return (
    <ul className="row">
      {Object.entries(found.data.parts).map(([part, state]) => (
        <li key={part} className={state === "ok" ? "tag good" : "tag bad"}>
          {words(part)}: {state}
        </li>
      ))}
    </ul>
  );
}

function Usage() {
  const found = useQuery({
    queryKey: ["usage"],
    queryFn: async () => (await told(api.GET("/api/v1/assets/usage-stats"))).data,
  });
  const quota = useQuery({
    queryKey: ["quota"],
    queryFn: () => told(api.GET("/api/v2/uploads/quota-check", { params: { query: { file_count: 1 } } })),
  });
  if (found.isPending) return <Skeleton rows={4} />;
  if (found.isError) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  const { totalAssets, totalBytes, totalDerivatives, contentTypeBreakdown, mostActiveSkill } = found.data;
  const most = Math.max(1, ...contentTypeBreakdown.map((it) => it.totalBytes));
  return (
    <>
      <dl className="figures">
        <div>
          <dt>Pictures</dt>
          <dd>{totalAssets.toLocaleString("en")}</dd>
        </div>
        <div>
          <dt>Their bytes</dt>
          <dd>{bytes(totalBytes)}</dd>
        </div>
        <div>
          <dt>Variants made</dt>
          <dd>{totalDerivatives.toLocaleString("en")}</dd>
        </div>
        {mostActiveSkill ? (
          <div>
            <dt>runs of {words(mostActiveSkill.skillName)}</dt>
            <dd>{mostActiveSkill.runCount.toLocaleString("en")}</dd>
          </div>
        ) : null}
      </dl>
      <h3>By type</h3>
      <ul className="bars">
        {contentTypeBreakdown.map((it) => (
          <li key={it.contentType}>
            <span>{it.contentType}</span>
            <span>
              <span className="bar" style={{ width: `${(it.totalBytes / most) * 100}%`, display: "block" }} />
            </span>
            <span className="quiet">
              {count(it.count, "file")} · {bytes(it.totalBytes)}
            </span>
          </li>
        ))}
      </ul>
      {quota.data && !quota.data.can_proceed ? <p className="problem">{quota.data.message}</p> : null}
      <p className="note">
        The same for machines, with how long jobs have waited: <a href="/metrics">/metrics</a>.
      </p>
    </>
  );
}
