/** Links by which anybody can read an artifact for a while: made, copied, taken back. */

import { useQuery } from "@tanstack/react-query";
import { api, told } from "../api/client";
import { queries } from "../api/queries";
import { moment } from "../lib/format";
import { Form } from "../operations/form";
import { Copy } from "../ui/copy";
import { Dialog } from "../ui/dialog";
import { Failure, Skeleton } from "../ui/states";
import { toast, trouble } from "../ui/toasts";

const LIVES = { "3600": "An hour", "86400": "A day", "604800": "A week" };

interface Props {
  path: { room_id: string; artifact_id: string };
  version: number;
  onClose: () => void;
}

export function Shares({ path, version, onClose }: Props) {
  const key = ["shares", path.artifact_id];
  const fresh = () => queries.invalidateQueries({ queryKey: key });
  const found = useQuery({
    queryKey: key,
    queryFn: async () =>
      (await told(api.GET("/v1/rooms/{room_id}/artifacts/{artifact_id}/shares", { params: { path } }))).data,
  });
  const make = async (said: Record<string, string>) => {
    const body = { expires_in_seconds: Number(said.seconds), version: said.what === "newest" ? null : version };
    await told(api.POST("/v1/rooms/{room_id}/artifacts/{artifact_id}/shares", { params: { path }, body }));
    await fresh();
    toast("The link is made");
  };
  const revoke = (id: string) =>
    told(
      api.DELETE("/v1/rooms/{room_id}/artifacts/{artifact_id}/shares/{share_id}", {
        params: { path: { ...path, share_id: id } },
      }),
    )
      .then(fresh)
      .catch(trouble);
  return (
    <Dialog title="Links to share" onClose={onClose} className="wide">
      <div className="content">
        <p className="quiet">Whoever has a link can read the document, without signing in, until it ends.</p>
        {found.isPending ? (
          <Skeleton rows={2} height={44} />
        ) : found.isError ? (
          <Failure error={found.error} onRetry={() => void found.refetch()} />
        ) : found.data.length ? (
          <ul className="members" aria-label="Links">
            {found.data.map((it) => (
              <li key={it.id}>
                <span className="name">
                  <code className="cut">{it.url}</code>
                  <span className="quiet">
                    {it.version === null ? "always the newest" : `version ${it.version}`} · until{" "}
                    {moment(it.expires_at)}
                  </span>
                </span>
                <Copy text={it.url} what="link">
                  Copy
                </Copy>
                <button type="button" className="button small" onClick={() => revoke(it.id)}>
                  Take back
                </button>
              </li>
            ))}
          </ul>
        ) : (
          <p>No link leads here yet.</p>
        )}
        <Form does="Make a link" onSend={make}>
          <div className="two">
            <label>
              Shows
              <select name="what">
                <option value="newest">Always the newest version</option>
                <option value="this">Version {version}, whatever comes</option>
              </select>
            </label>
            <label>
              Good for
              <select name="seconds" defaultValue="86400">
                {Object.entries(LIVES).map(([seconds, label]) => (
                  <option key={seconds} value={seconds}>
                    {label}
                  </option>
                ))}
              </select>
            </label>
          </div>
        </Form>
      </div>
    </Dialog>
  );
}
