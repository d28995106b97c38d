/** All projects, and a form for a new one. */

import React, { useMemo, useState } from "react";
import type { Client } from "../api/client";
import { useLoaded } from "./use_loaded";

interface ProjectItem {
  readonly id: number;
  readonly name: string;
  readonly recordings: number;
}

export function Projects({ client }: { client: Client }) {
  const projects = useLoaded(useMemo(() => () => client.get<readonly ProjectItem[]>("/projects"), [client]));
  const [failure, setFailure] = useState<string | null>(null);
  const list = projects.value;
  function create(event: React.FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name"));
    client.post("/projects", { name }).then(projects.reload, (error: Error) => setFailure(error.message));
  }
  return (
    <>
      <h1>Projects</h1>
      {(projects.failure ?? failure) && <p role="alert" className="ll-doubt">{projects.failure ?? failure}</p>}
      <ul className="ll-cards">
        {list?.map(({ id, name, recordings }) => (
          <li key={id} className="ll-card"><a href={`/p/${id}`}><strong>{name}</strong></a>
            <span className="ll-dim">{recordings} recordings</span></li>
        ))}
      </ul>
      {list?.length === 0 && <p className="ll-hint">no projects yet</p>}
      <form onSubmit={create} className="ll-inline"><input name="name" required placeholder="new project" aria-label="Name of the new project" /><button type="submit">Create</button></form>
    </>
  );
}
