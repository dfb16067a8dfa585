/** A button that puts a text on the clipboard, and says so. */

import { Check, Copy as Icon } from "lucide-react";
import { useState } from "react";
import { announce } from "./toasts";

export function Copy({ text, what, children }: { text: string; what: string; children?: string }) {
  const [isDone, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      announce("The browser allows no copying here; select the text instead.");
      return;
    }
    setDone(true);
    announce(`${what} copied`);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button
      type="button"
      className={children ? "button small" : "icon small"}
      onClick={copy}
      aria-label={`Copy ${what}`}
    >
      {isDone ? <Check size={15} /> : <Icon size={15} />}
      {children}
    </button>
  );
}
