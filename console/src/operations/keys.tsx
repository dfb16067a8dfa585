/** API keys. No public route makes or revokes them yet, so this screen says how it is done. */

import { Code } from "../ui/states";

export function Keys() {
  return (
    <>
      <p>
        Keys are made, listed and revoked on the command line of the server; no API does it yet, so this console cannot.
        A key is shown once, when it is made, and a revoked one is refused at once.
      </p>
      <Code label="Make a key for an editor" text="mediatheque keys create --tenant default --role editor --json" />
      <Code label="List the keys" text="mediatheque keys list --tenant default --json" />
      <Code label="Revoke one" text="mediatheque keys revoke KEY_ID" />
      <p className="quiet">Every use of them is in the audit log.</p>
    </>
  );
}
