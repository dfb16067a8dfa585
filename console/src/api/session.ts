/** Who is signed in: an API key, or the tokens of a password login, kept in this tab or, when asked to, in this browser. */

import { useSyncExternalStore } from "react";

export type Credential =
  | { kind: "key"; key: string }
  | { kind: "login"; access: string; refresh: string; expiresAt: number };

const NAME = "mediatheque.credential";
const EARLY_MS = 30_000;
const listeners = new Set<() => void>();
let current = stored();

export function credential(): Credential | null {
  return current;
}

export function useCredential(): Credential | null {
  return useSyncExternalStore((listen) => (listeners.add(listen), () => listeners.delete(listen)), credential);
}

export function signIn(next: Credential, stay: boolean): void {
  forget();
  (stay ? localStorage : sessionStorage).setItem(NAME, JSON.stringify(next));
  put(next);
}

export function signOut(): void {
  const was = current;
  forget();
  put(null);
  if (was?.kind === "login") {
    void post("/api/v1/auth/logout", { refreshToken: was.refresh }).catch(() => undefined);
  }
}

/** The secret to send now; a token that is about to end is exchanged first, by one tab at a time. */
export async function secret(): Promise<string | null> {
  if (!current) return null;
  if (current.kind === "key") return current.key;
  if (current.expiresAt - Date.now() > EARLY_MS) return current.access;
  return withLock(async () => {
    const known = stored() ?? current;
    if (known?.kind !== "login") return null;
    if (known.expiresAt - Date.now() > EARLY_MS) {
      put(known);
      return known.access;
    }
    const answer = await post("/api/v1/auth/refresh", { refreshToken: known.refresh });
    if (answer.status === 401) {
      forget();
      put(null);
      return null;
    }
    if (!answer.ok) return known.access;
    const next = fromTokens((await answer.json()).data);
    (localStorage.getItem(NAME) ? localStorage : sessionStorage).setItem(NAME, JSON.stringify(next));
    put(next);
    return next.access;
  });
}

export function fromTokens(tokens: {
  accessToken: string;
  refreshToken: string;
  accessTokenExpiresAtUtc: string;
}): Extract<Credential, { kind: "login" }> {
  return {
    kind: "login",
    access: tokens.accessToken,
    refresh: tokens.refreshToken,
    expiresAt: Date.parse(tokens.accessTokenExpiresAtUtc),
  };
}

function stored(): Credential | null {
  const text = sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME);
  return text ? (JSON.parse(text) as Credential) : null;
}

function forget(): void {
  sessionStorage.removeItem(NAME);
  localStorage.removeItem(NAME);
}

function put(next: Credential | null): void {
  current = next;
  for (const listen of listeners) listen();
}

function post(path: string, body: unknown): Promise<Response> {
  return fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

function withLock<T>(act: () => Promise<T>): Promise<T> {
  // navigator.locks needs a secure context; on plain http in a network each tab is on its own
  return navigator.locks ? (navigator.locks.request(NAME, act) as Promise<T>) : act();
}
