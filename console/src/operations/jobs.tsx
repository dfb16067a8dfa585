/** How much is still to be done, what has failed and why, and another try. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Pause, Play, RotateCw } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { api, told } from "../api/client";
import { queries, READ_ONLY, useMayWrite, useMe } from "../api/queries";
import type { Job } from "../api/types";
import { ago, count, moment, words } from "../lib/format";
import { Empty, Failure, Skeleton } from "../ui/states";
import { toast, trouble } from "../ui/toasts";

const SIZE = 20;
const EVERY_MS = 3000;
const ADMINISTRATORS = "Administrators pause and resume the work";

export function Jobs() {
  const [page, setPage] = useState(1);
  const mayWrite = useMayWrite();
  const { data: me } = useMe();
  const mayPause = !me || me.permissions.includes("settings.update");
  const found = useQuery({
    queryKey: ["jobs", page],
    placeholderData: keepPreviousData,
    refetchInterval: EVERY_MS,
    queryFn: async () =>
      (await told(api.GET("/api/v1/system/jobs", { params: { query: { page, pageSize: SIZE } } }))).data,
  });
  if (found.isPending) return <Skeleton rows={4} />;
  if (found.isError) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  const { waiting, running, failed, unfinished, failures, pausedAtUtc } = found.data;
  const retry = (jobs: Job[]) =>
    Promise.all(
      jobs.map((it) => told(api.POST("/api/v1/system/jobs/{job_id}/retry", { params: { path: { job_id: it.id } } }))),
    )
      .then(() => toast(`${count(jobs.length, "job")} will run again`))
      .catch(trouble)
      .finally(() => void queries.invalidateQueries({ queryKey: ["jobs"] }));
  const turn = () =>
    told(pausedAtUtc ? api.POST("/api/v1/system/jobs/resume") : api.POST("/api/v1/system/jobs/pause"))
      .then(() => toast(pausedAtUtc ? "The work goes on" : "The work is paused"))
      .catch(trouble)
      .finally(() => void queries.invalidateQueries({ queryKey: ["jobs"] }));
  const retriable = failures.filter((it) => it.canRetry);
  const why = mayWrite ? undefined : READ_ONLY;
  return (
    <>
      <dl className="figures">
        <Figure label="Waiting" value={waiting} />
        <Figure label="Running" value={running} />
        <Figure label="Failed" value={failed} />
      </dl>
      <div className="row">
        <button
          type="button"
          className="button"
          disabled={!mayPause}
          title={mayPause ? undefined : ADMINISTRATORS}
          onClick={turn}
        >
          {pausedAtUtc ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
          {pausedAtUtc ? "Resume" : "Pause"}
        </button>
        {mayPause ? null : <span className="quiet">{ADMINISTRATORS}.</span>}
      </div>
      {pausedAtUtc ? (
        <p className="note" role="status">
          Paused <span title={moment(pausedAtUtc)}>{ago(pausedAtUtc)}</span>: uploads become ready as ever;
          descriptions, texts and crawls wait until the work is resumed.
        </p>
      ) : null}
      {unfinished.length ? (
        <>
          <h3>Under way</h3>
          <ul className="jobs">
            {unfinished.map((it) => (
              <Row key={it.id} job={it} />
            ))}
          </ul>
          {waiting + running > unfinished.length ? (
            <p className="quiet">…and {count(waiting + running - unfinished.length, "more job", "more jobs")}.</p>
          ) : null}
        </>
      ) : null}
      <div className="heading">
        <h3>Failed</h3>
        {retriable.length > 1 ? (
          <button
            type="button"
            className="button small"
            disabled={!mayWrite}
            title={why}
            onClick={() => retry(retriable)}
          >
            <RotateCw size={14} aria-hidden /> Retry these {retriable.length}
          </button>
        ) : null}
      </div>
      {failures.length ? (
        <ul className="jobs">
          {failures.map((it) => (
            <Row key={it.id} job={it}>
              <button
                type="button"
                className="button small"
                disabled={!mayWrite || !it.canRetry}
                title={why ?? (it.canRetry ? undefined : "The file itself is broken: upload it again")}
                aria-label={`Retry ${words(it.skillName)} of ${it.assetName}`}
                onClick={() => retry([it])}
              >
                <RotateCw size={14} aria-hidden /> Retry
              </button>
            </Row>
          ))}
        </ul>
      ) : (
        <Empty
          title="Nothing has failed"
          curl={`curl -H "Authorization: Bearer $KEY" ${location.origin}/api/v1/system/jobs`}
        >
          What does fail stays here with its reason, until it has been run again or its file is gone.
        </Empty>
      )}
      {why && failures.length ? <p className="quiet">{why}.</p> : null}
      {failed > SIZE || page > 1 ? (
        <div className="row">
          <button type="button" className="button" disabled={page === 1} onClick={() => setPage(page - 1)}>
            Newer
          </button>
          <button type="button" className="button" disabled={page * SIZE >= failed} onClick={() => setPage(page + 1)}>
            Older
          </button>
        </div>
      ) : null}
    </>
  );
}

function Figure({ label, value }: { label: string; value: number }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value.toLocaleString("en")}</dd>
    </div>
  );
}

function Row({ job, children }: { job: Job; children?: React.ReactNode }) {
  const at = job.finishedAtUtc ?? job.startedAtUtc ?? job.createdAtUtc;
  return (
    <li>
      <span className={`dot inline ${job.state === "failed" ? "failed" : "working"}`} aria-hidden />
      <span className="what">
        <span>
          <b>{words(job.skillName)}</b> of <Link href={`/library?file=${job.assetId}`}>{job.assetName}</Link>
        </span>
        <span className="quiet" title={moment(at)}>
          {job.state} · {count(job.attempts, "attempt")} · {ago(at)}
        </span>
        {job.errorMessage ? <span className="problem">{job.errorMessage}</span> : null}
      </span>
      {children}
    </li>
  );
}
