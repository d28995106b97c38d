/** Adds a recording to a project: from a place on the server, or a file dropped here. */

import React, { useState } from "react";
import type { Client } from "../api/client";
import { uploadFile } from "./uploads";

export function ImportWizard({ client, project, onDone }: { client: Client; project: string; onDone: () => void }) {
  const [over, setOver] = useState(false);
  const [text, setText] = useState<string | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const recordings = `/projects/${encodeURIComponent(project)}/recordings`;

  async function run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      setText("added");
      onDone();
    } catch (error) {
      setText(error instanceof Error ? error.message : String(error));
    } finally {
      setShare(null);
    }
  }

  function register(event: React.FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setText("reading …");
    void run(() => client.post(recordings, { uri: form.get("uri") }));
  }

  function drop(event: React.DragEvent): void {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) void run(() => uploadFile(client, project, file, setShare));
  }

  return (
    <section aria-label="Add a recording">
      <h2>Add a recording</h2>
      <form onSubmit={register} className="ll-inline">
        <input name="uri" required size={44} placeholder="path or URL of a recording (.h5) that the server reaches" aria-label="Path or URL of the recording" />
        <button type="submit">Add</button>
      </form>
      <label className={over ? "ll-drop ll-over" : "ll-drop"} style={{ display: "block", marginTop: 10 }}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }} onDragLeave={() => setOver(false)} onDrop={drop}>
        Drop a recording (.h5) here, or choose one: <input type="file" accept=".h5" onChange={(event) => event.target.files?.[0] && void run(() => uploadFile(client, project, event.target.files![0], setShare))} />
        {share !== null && <progress value={share} max={1} aria-label="Upload" />}
      </label>
      {text && <p role="status">{text}</p>}
    </section>
  );
}
