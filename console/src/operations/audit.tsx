/** Who changed what, newest first. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, told } from "../api/client";
import { count, moment } from "../lib/format";
import { Empty, Failure, Skeleton } from "../ui/states";
import { Wide } from "../ui/wide";

const SIZE = 50;

export function Audit() {
  const [page, setPage] = useState(1);
  const found = useQuery({
    queryKey: ["audit", page],
    placeholderData: keepPreviousData,
    queryFn: async () =>
      (await told(api.GET("/api/v1/system/audit", { params: { query: { page, pageSize: SIZE } } }))).data,
  });
  if (found.isPending) return <Skeleton rows={8} height={36} />;
  if (found.isError) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  const { items, total } = found.data;
  if (!items.length) return <Empty title="Nothing has been changed yet" />;
  return (
    <>
      <Wide label="Table of changes">
        <table className="plain">
          <thead>
            <tr>
              <th>When</th>
              <th>Who</th>
              <th>Did what</th>
              <th>To</th>
              <th>Details</th>
            </tr>
          </thead>
          <tbody>
            {items.map((it) => (
              <tr key={it.id}>
                <td className="quiet">{moment(it.createdAtUtc)}</td>
                <td>
                  {it.username ?? "command line or stranger"}
                  {it.credential ? <span className="quiet"> · {it.credential}</span> : null}
                </td>
                <td className="whole">{it.action}</td>
                <td>{it.subject}</td>
                <td className="quiet">
                  {Object.entries(it.details)
                    .filter(([, value]) => value !== null)
                    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
                    .join(", ")}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <div className="row">
        <button type="button" className="button" disabled={page === 1} onClick={() => setPage(page - 1)}>
          Newer
        </button>
        <button type="button" className="button" disabled={page * SIZE >= total} onClick={() => setPage(page + 1)}>
          Older
        </button>
        <span className="quiet">{count(total, "entry", "entries")}</span>
      </div>
    </>
  );
}
