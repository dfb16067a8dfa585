/** A form that is sent as one object, and says in itself what the server refused. */

import { type FormEvent, type ReactNode, useState } from "react";

interface Props {
  does: string;
  onSend: (said: Record<string, string>) => Promise<unknown>;
  onCancel?: () => void;
  children: ReactNode;
}

export function Form({ does, onSend, onCancel, children }: Props) {
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    setProblem("");
    try {
      await onSend(Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).trim()])));
      form.reset();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={send} className="card">
      {children}
      <p role="alert" className="problem">
        {problem}
      </p>
      <div className="row">
        <button type="submit" className="button primary" disabled={isBusy}>
          {isBusy ? "One moment…" : does}
        </button>
        {onCancel ? (
          <button type="button" className="button" onClick={onCancel}>
            Cancel
          </button>
        ) : null}
      </div>
    </form>
  );
}
