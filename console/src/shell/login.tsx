/** The way in: a name and a password, or an API key. */

import { type FormEvent, useState } from "react";
import { open, told } from "../api/client";
import { fromTokens, signIn } from "../api/session";
import mark from "../mark.svg";

type Way = "password" | "key";

export function Login() {
  const [way, setWay] = useState<Way>("password");
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const said = (name: string) => String(form.get(name) ?? "").trim();
    setBusy(true);
    setProblem("");
    try {
      await (way === "password"
        ? enterByPassword(said("username"), String(form.get("password")), form.has("stay"))
        : enterByKey(said("key"), form.has("stay")));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <main className="login">
      <form className="card" onSubmit={submit} aria-describedby="problem">
        <img src={mark} alt="" width={44} height={44} />
        <h1>Mediatheque</h1>
        <div className="tabs" role="group" aria-label="Sign in with">
          <button type="button" aria-pressed={way === "password"} onClick={() => setWay("password")}>
            Password
          </button>
          <button type="button" aria-pressed={way === "key"} onClick={() => setWay("key")}>
            API key
          </button>
        </div>
        {way === "password" ? (
          <>
            <label>
              Name
              <input name="username" autoComplete="username" required placeholder="admin, or tenant/name" />
            </label>
            <label>
              Password
              <input name="password" type="password" autoComplete="current-password" required />
            </label>
          </>
        ) : (
          <label>
            API key
            <input name="key" type="password" autoComplete="off" required placeholder="mt_live_…" spellCheck={false} />
          </label>
        )}
        <label className="check">
          <input type="checkbox" name="stay" /> Stay signed in on this browser
        </label>
        <p id="problem" role="alert" className="problem">
          {problem}
        </p>
        <button type="submit" className="button primary wide" disabled={isBusy}>
          {isBusy ? "Signing in…" : "Sign in"}
        </button>
        <p className="quiet">
          The first start of the server printed both. The API is described at <a href="/docs">/docs</a>.
        </p>
      </form>
    </main>
  );
}

async function enterByPassword(username: string, password: string, stay: boolean): Promise<void> {
  const { data } = await told(open.POST("/api/v1/auth/login", { body: { username, password } }));
  signIn(fromTokens(data), stay);
}

async function enterByKey(key: string, stay: boolean): Promise<void> {
  const headers = { Authorization: `Bearer ${key}` };
  await told(open.GET("/api/v2/user-files", { params: { query: { limit: 1 } }, headers }));
  signIn({ kind: "key", key }, stay);
}
