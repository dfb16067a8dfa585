/** A dialog that asks for one text, and says in itself what went wrong. */

import { type FormEvent, useState } from "react";
import { Dialog } from "./dialog";

interface Props {
  title: string;
  label: string;
  does: string;
  initial?: string;
  type?: string;
  onAnswer: (text: string) => Promise<unknown>;
  onClose: () => void;
}

export function Ask({ title, label, does, initial = "", type = "text", onAnswer, onClose }: Props) {
  const [problem, setProblem] = useState("");
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    try {
      await onAnswer(String(new FormData(event.currentTarget).get("answer")));
      onClose();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <div className="content">
          <label>
            {label}
            <input name="answer" type={type} defaultValue={initial} required />
          </label>
          <p role="alert" className="problem">
            {problem}
          </p>
        </div>
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary">
            {does}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
