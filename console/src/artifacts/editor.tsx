/** An editor for the whole text, with what it will look like beside it; leaving with unsaved words asks first. */

import { useDeferredValue, useEffect, useState } from "react";
import type { ArtifactWhole } from "../api/types";
import { Content } from "./content";

interface Props {
  artifact: ArtifactWhole;
  onSave: (
    wanted: { title: string; content: string; change_description: string | null },
    expected: number,
  ) => Promise<void>;
  onCancel: () => void;
}

export function Editor({ artifact, onSave, onCancel }: Props) {
  const [began] = useState(artifact); // a version that somebody makes meanwhile must not slip in below
  const [title, setTitle] = useState(artifact.title);
  const [content, setContent] = useState(artifact.content);
  const [why, setWhy] = useState("");
  const preview = useDeferredValue(content);
  const isChanged = title !== began.title || content !== began.content;
  useEffect(() => {
    if (!isChanged) return;
    const hold = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", hold);
    return () => window.removeEventListener("beforeunload", hold);
  }, [isChanged]);
  return (
    <form
      className="editor"
      onSubmit={(event) => (
        event.preventDefault(), void onSave({ title, content, change_description: why || null }, began.version)
      )}
    >
      {artifact.version > began.version ? (
        <p className="note">Somebody has made version {artifact.version} meanwhile. Saving will show you both.</p>
      ) : null}
      <div className="row">
        <label className="grow">
          Title
          <input value={title} required maxLength={255} onChange={(event) => setTitle(event.target.value)} />
        </label>
        <label className="grow">
          What changes
          <input
            value={why}
            maxLength={2000}
            placeholder="for the list of versions"
            onChange={(event) => setWhy(event.target.value)}
          />
        </label>
        <button type="button" className="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" className="button primary" disabled={!isChanged}>
          Save version
        </button>
      </div>
      <div className="sides fill">
        <textarea
          aria-label="Content"
          value={content}
          spellCheck={artifact.kind === "markdown"}
          onChange={(event) => setContent(event.target.value)}
        />
        <div className="preview">
          <Content kind={artifact.kind} language={artifact.language} text={preview} references={artifact.references} />
        </div>
      </div>
    </form>
  );
}
