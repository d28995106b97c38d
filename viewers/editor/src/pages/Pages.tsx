/** The Dash component of all pages: which one is told by the path in the address. */

import React, { useMemo } from "react";
import { Client } from "../api/client";
import { SignalsPage } from "../signals/SignalsPage";
import { CuboidEditor } from "../ui/CuboidEditor";
import { ProjectPage } from "./ProjectPage";
import { Projects } from "./Projects";
import { RecordingPage } from "./RecordingPage";
import { SignIn } from "./SignIn";
import { useLoaded } from "./use_loaded";

export function Pages({ id, api }: { id?: string; api: string }) {
  const [, first, project, second, recording, last] = window.location.pathname.split("/").map(decodeURIComponent);
  if (first === "p" && second === "r" && last === "edit")
    return <CuboidEditor id={id} api={api} project={project} recording={recording} home="/" />;
  if (first === "p" && second === "r" && last === "signals")
    return <SignalsPage id={id} api={api} project={project} recording={recording} home="/" />;
  return <Page id={id} api={api} project={first === "p" ? project : undefined} recording={second === "r" ? recording : undefined} />;
}

function Page({ id, api, project, recording }: { id?: string; api: string; project?: string; recording?: string }) {
  const client = useMemo(() => new Client(api), [api]);
  const session = useLoaded(useMemo(() => () => client.session(), [client]));
  return (
    <div id={id} className="ll-page">
      <header className="ll-top">
        <a href="/" className="ll-home">Lidar Label</a>
        {project && <a href={`/p/${encodeURIComponent(project)}`}>project {project}</a>}
        <span className="ll-space" />
        {session.value?.user && <span className="ll-dim">{session.value.user}</span>}
      </header>
      <main>
        {session.failure && <p role="alert" className="ll-doubt">{session.failure}</p>}
        {session.signIn || (session.value && !session.value.user) ? <SignIn client={client} onDone={session.reload} />
          : !session.value ? null
          : recording && project ? <RecordingPage client={client} api={api} project={project} recording={recording} />
          : project ? <ProjectPage client={client} api={api} project={project} />
          : <Projects client={client} />}
      </main>
    </div>
  );
}
