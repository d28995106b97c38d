/** Adds a recording to a project: from a place on the server, or a file dropped here. */

import React, { useState } from "react";
import type { Client } from "../api/client";
import { SignalWizard } from "./SignalWizard";
import { sendFile, uploadFile } from "./uploads";

const SIGNALS = /\.(csv|tsv|txt|parquet|wav)$/i;

export function ImportWizard({ client, project, onDone }: { client: Client; project: string; onDone: () => void }) {
  const [over, setOver] = useState(false);
  const [text, setText] = useState<string | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const [signal, setSignal] = useState<{ readonly upload: string; readonly file: string } | null>(null);
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

  /** A recording is added at once; of a file of signals a person says first what it holds. */
  function take(file: File | undefined): void {
    if (!file) return;
    if (!SIGNALS.test(file.name)) return void run(() => uploadFile(client, project, file, setShare));
    setText(null);
    sendFile(client, project, file, file.name, setShare).then((upload) => setSignal({ upload, file: file.name }))
      .catch((error: unknown) => setText(error instanceof Error ? error.message : String(error))).finally(() => setShare(null));
  }

  function signalDone(recording: number | null): void {
    setSignal(null);
    if (recording === null) return;
    setText("added");
    onDone();
  }

  function drop(event: React.DragEvent): void {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
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
        Drop a recording (.h5) or a file of signals (CSV, text, Parquet, WAV) here, or choose one: <input type="file" aria-label="Recording or signals" accept=".h5,.csv,.tsv,.txt,.parquet,.wav" onChange={(event) => take(event.target.files?.[0])} />
        {share !== null && <progress value={share} max={1} aria-label="Upload" />}
      </label>
      {signal && <SignalWizard key={signal.upload} client={client} project={project} {...signal} onDone={signalDone} />}
      {text && <p role="status">{text}</p>}
    </section>
  );
}
