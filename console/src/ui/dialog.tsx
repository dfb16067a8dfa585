/** A modal dialog on the browser's own: it begins at its first field, traps the focus, closes with Escape and gives it back. */

import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  className?: string;
}

export function Dialog({ title, onClose, children, className = "" }: Props) {
  const own = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const dialog = own.current;
    if (dialog?.open) return;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>(".content :is(input, select, textarea)")?.focus();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it
    <dialog
      ref={own}
      className={`dialog ${className}`}
      aria-labelledby={name}
      onClose={onClose}
      onClick={(event) => event.target === own.current && own.current?.close()}
    >
      <header>
        <h2 id={name}>{title}</h2>
        <button type="button" className="icon" aria-label="Close" onClick={() => own.current?.close()}>
          <X size={18} />
        </button>
      </header>
      {children}
    </dialog>
  );
}

interface Question {
  title: string;
  children: ReactNode;
  does: string;
  isDanger?: boolean;
  onYes: () => void;
  onClose: () => void;
}

export function Confirm({ title, children, does, isDanger = false, onYes, onClose }: Question) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="content">{children}</div>
      <footer>
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          className={isDanger ? "button danger" : "button primary"}
          onClick={() => (onYes(), onClose())}
        >
          {does}
        </button>
      </footer>
    </Dialog>
  );
}
