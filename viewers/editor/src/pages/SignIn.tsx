/** Name and password, where the server keeps accounts. */

import React, { useState } from "react";
import type { Client } from "../api/client";

export function SignIn({ client, onDone }: { client: Client; onDone: () => void }) {
  const [failure, setFailure] = useState<string | null>(null);
  function submit(event: React.FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    client.post("/login", { name: form.get("name"), password: form.get("password") })
      .then(onDone, (error: unknown) => setFailure(error instanceof Error ? error.message : String(error)));
  }
  return (
    <form onSubmit={submit} className="ll-card ll-form" aria-label="Sign in">
      <h1>Sign in</h1>
      <label>name <input name="name" autoComplete="username" required /></label>
      <label>password <input name="password" type="password" autoComplete="current-password" required /></label>
      {failure && <p role="alert" className="ll-doubt">{failure}</p>}
      <button type="submit">Sign in</button>
    </form>
  );
}
