/** Short words about what has just happened, also for those who cannot see them. */

import { X } from "lucide-react";
import { useSyncExternalStore } from "react";

interface Toast {
  id: number;
  text: string;
  action?: { label: string; act: () => void } | undefined;
  isTrouble: boolean;
}

const SECONDS = 6;
let toasts: Toast[] = [];
let said = "";
let number = 0;
const listeners = new Set<() => void>();
const listen = (listener: () => void) => (listeners.add(listener), () => listeners.delete(listener));

/** Only for screen readers. */
export function announce(text: string): void {
  said = text;
  tell();
}

export function toast(text: string, action?: Toast["action"]): void {
  show({ id: ++number, text, action, isTrouble: false });
}

export function trouble(error: unknown): void {
  show({ id: ++number, text: error instanceof Error ? error.message : String(error), isTrouble: true });
}

export function Toasts() {
  const shown = useSyncExternalStore(listen, () => toasts);
  const spoken = useSyncExternalStore(listen, () => said);
  return (
    <>
      <div className="hidden" aria-live="polite" role="status">
        {spoken}
      </div>
      <section className="toasts" aria-label="Notices">
        {shown.map((it) => (
          <div
            key={it.id}
            className={it.isTrouble ? "toast trouble" : "toast"}
            role={it.isTrouble ? "alert" : "status"}
          >
            <span>{it.text}</span>
            {it.action ? (
              <button type="button" className="button small" onClick={() => (it.action?.act(), dismiss(it.id))}>
                {it.action.label}
              </button>
            ) : null}
            <button type="button" className="icon small" aria-label="Dismiss" onClick={() => dismiss(it.id)}>
              <X size={15} />
            </button>
          </div>
        ))}
      </section>
    </>
  );
}

function show(one: Toast): void {
  toasts = [...toasts.slice(-3), one];
  tell();
  setTimeout(() => dismiss(one.id), (one.isTrouble ? 2 : 1) * SECONDS * 1000);
}

function dismiss(id: number): void {
  toasts = toasts.filter((it) => it.id !== id);
  tell();
}

function tell(): void {
  for (const listener of listeners) listener();
}
