/** Somebody else was faster: both texts, and a choice that loses neither. */

import type { ArtifactWhole } from "../api/types";
import { Dialog } from "../ui/dialog";

export interface Conflict {
  wanted: { title: string; content: string; change_description: string | null };
  theirs: ArtifactWhole;
}

export function ConflictDialog({
  conflict,
  onClose,
  onOver,
}: {
  conflict: Conflict;
  onClose: () => void;
  onOver: (wanted: Conflict["wanted"]) => void;
}) {
  const { wanted, theirs } = conflict;
  return (
    <Dialog title={`Version ${theirs.version} was made while you wrote`} onClose={onClose} className="wide">
      <div className="content">
        <p>Keep editing to bring both together, or put yours on top: theirs stays in the list of versions.</p>
        <div className="sides">
          <section>
            <h3>Theirs</h3>
            <pre className="text">{theirs.content}</pre>
          </section>
          <section>
            <h3>Yours</h3>
            <pre className="text">{wanted.content}</pre>
          </section>
        </div>
      </div>
      <footer>
        <button type="button" className="button" onClick={onClose}>
          Keep editing
        </button>
        <button type="button" className="button primary" onClick={() => onOver(wanted)}>
          Save mine as version {theirs.version + 1}
        </button>
      </footer>
    </Dialog>
  );
}
