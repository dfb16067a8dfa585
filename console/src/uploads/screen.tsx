/** Uploads: choose files, a folder or an address; what is under way; and the batches that API clients have sent. */

import { useQuery } from "@tanstack/react-query";
import { FolderUp, Link2, Upload } from "lucide-react";
import { type FormEvent, useEffect } from "react";
import { api, told } from "../api/client";
import { queries, useMayWrite } from "../api/queries";
import { moment, words } from "../lib/format";
import { watchBatches } from "../lib/sockets";
import { Empty, Failure, Skeleton } from "../ui/states";
import { trouble } from "../ui/toasts";
import { saveLink } from "./drop";
import { UploadList } from "./list";
import { pickFiles } from "./pick";
import { useUploads } from "./state";

export default function Uploads() {
  const { files, held } = useUploads();
  const mayWrite = useMayWrite();
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    saveLink(String(new FormData(form).get("url")))
      .then(() => form.reset())
      .catch(trouble);
  };
  return (
    <div className="screen">
      <header className="toolbar">
        <h1>Uploads</h1>
      </header>
      {mayWrite ? (
        <section className="card stack">
          <p>
            Drop files or folders anywhere in this window, or paste a picture. Uploads go on after a broken connection
            and after a reload.
          </p>
          <div className="row">
            <button type="button" className="button primary" onClick={() => pickFiles()}>
              <Upload size={16} aria-hidden /> Choose files
            </button>
            <button type="button" className="button" onClick={() => pickFiles(true)}>
              <FolderUp size={16} aria-hidden /> Choose a folder
            </button>
          </div>
          <form className="row" onSubmit={add}>
            <label className="grow">
              <span className="hidden">Address of a page</span>
              <input name="url" type="url" required placeholder="https://… of a page to keep" />
            </label>
            <button type="submit" className="button">
              <Link2 size={16} aria-hidden /> Save the link
            </button>
          </form>
        </section>
      ) : (
        <p className="note">
          Your role may only read: uploads need the scope <code>files.write</code>.
        </p>
      )}
      <h2>From this page</h2>
      {files.length || held.length ? <UploadList files={files} held={held} /> : <p className="quiet">Nothing yet.</p>}
      <h2>Batches by API</h2>
      <Batches />
    </div>
  );
}

function Batches() {
  const found = useQuery({
    queryKey: ["sessions"],
    queryFn: () => told(api.GET("/api/v2/uploads/sessions", { params: { query: { limit: 50 } } })),
  });
  const open =
    found.data?.sessions
      .filter((it) => it.status === "processing" || it.status === "pending")
      .map((it) => it.session_id) ?? [];
  const channels = open.join();
  useEffect(() => {
    if (!channels) return;
    return watchBatches(channels.split(","), () => {
      void queries.invalidateQueries({ queryKey: ["sessions"] });
      void queries.invalidateQueries({ queryKey: ["files"] });
    });
  }, [channels]);
  if (found.isPending) return <Skeleton rows={3} />;
  if (found.isError) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  if (!found.data.sessions.length) {
    return (
      <Empty
        title="No batch yet"
        curl={`curl -H "Authorization: Bearer $KEY" -F files=@one.jpg -F files=@two.jpg \\\n  ${location.origin}/api/v2/user-files/upload/stream-batch`}
      >
        Clients that send many files at once make a batch, and can follow it live.
      </Empty>
    );
  }
  return (
    <table className="plain">
      <thead>
        <tr>
          <th>Begun</th>
          <th>State</th>
          <th>Files</th>
          <th>Failed</th>
        </tr>
      </thead>
      <tbody>
        {found.data.sessions.map((it) => (
          <tr key={it.session_id}>
            <td>{moment(it.created_at)}</td>
            <td>{words(it.status)}</td>
            <td>
              {it.completed_files} of {it.total_files}
            </td>
            <td>{it.failed_files}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
