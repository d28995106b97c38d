/** Adds a recording to a project: dropped, chosen or on the server; recognised, looked at, imported, opened. */

import React, { useCallback, useMemo, useState } from "react";
import { type Client, Unreachable } from "../api/client";
import { type DroppedFile, chosenFiles, droppedFiles } from "./dropped_files";
import { ImportPreview } from "./ImportPreview";
import { Imports, type Source } from "./imports";
import { holdsSignals } from "./signal_files";
import { SignalWizard } from "./SignalWizard";
import { sizeWords } from "./transfer";
import { type Upload, Uploads } from "./uploads";
import { useLoaded } from "./use_loaded";

interface Props {
  readonly client: Client;
  readonly api: string;
  readonly project: string;
  readonly onDone: () => void;
}

interface Busy {
  readonly share: number | null;
  readonly text: string;
  readonly cancel: (() => void) | null;
}

export function ImportWizard({ client, api, project, onDone }: Props) {
  const imports = useMemo(() => new Imports(client, project), [client, project]);
  const uploads = useMemo(() => new Uploads(client, project), [client, project]);
  const waiting = useLoaded(useCallback(() => uploads.waiting(), [uploads]));
  const [source, setSource] = useState<Source | null>(null);
  const [signal, setSignal] = useState<{ readonly upload: string; readonly file: string } | null>(null);
  const [busy, setBusy] = useState<Busy | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [done, setDone] = useState<string | null>(null);

  async function run(text: string, work: () => Promise<void>): Promise<void> {
    setBusy({ share: null, text, cancel: null });
    setFailure(null);
    setDone(null);
    try {
      await work();
    } catch (error) {
      setFailure(error instanceof Unreachable ? `${error.message}; try again` : error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(null);
      waiting.reload();
    }
  }

  /** The ids of the uploads; null if it was called off, when what has come stays for another time. */
  async function send(files: readonly DroppedFile[]): Promise<(string | null)[] | null> {
    const control = new AbortController(), cancel = (): void => control.abort();
    try {
      return await uploads.send(files, ({ share, words }) => setBusy({ share, text: words, cancel }), control.signal);
    } catch (error) {
      if (control.signal.aborted) return null;
      throw error;
    }
  }

  const added = (): void => {
    setDone("added");
    onDone();
  };

  const take = (files: Promise<DroppedFile[]>): void => void run("looking …", async () => {
    const found = await files, [first] = found, alone = found.length === 1 && first.file.size > 0;
    const toSignals = alone && !first.file.name.endsWith(".h5") && await holdsSignals(first.file);
    const sent = await send(found);
    if (!sent) return undefined;
    if (toSignals) return setSignal({ upload: String(sent[0]), file: first.file.name });
    if (!alone || !first.file.name.endsWith(".h5")) return setSource(await imports.gather(found, sent));
    await uploads.complete(String(sent[0]));
    return added();
  });

  const pointAt = (path: string): void => void run("looking …", async () => {
    if (!path.endsWith(".h5")) return setSource(await imports.pointAt(path));
    await client.post(`/projects/${encodeURIComponent(project)}/recordings`, { uri: path });
    added();
  });

  const close = (): void => {
    if (source) void imports.drop(source).catch(() => undefined); // the server forgets it in a week
    setSource(null);
  };

  const signalDone = (recording: number | null): void => {
    setSignal(null);
    if (recording !== null) added();
  };

  return (
    <section aria-label="Add a recording">
      <h2>Add a recording</h2>
      {signal ? <SignalWizard key={signal.upload} client={client} project={project} {...signal} onDone={signalDone} />
        : source ? <ImportPreview key={source.id} api={api} imports={imports} source={source} project={project} onClose={close} />
          : <Door onFiles={take} onPath={pointAt} disabled={busy !== null} />}
      {busy && <p role="status">{busy.text} {busy.share !== null && <progress value={busy.share} max={1} aria-label="Upload" />} {busy.cancel && <button type="button" onClick={busy.cancel}>Cancel</button>}</p>}
      {!busy && !signal && !source && waiting.value && waiting.value.length > 0
        && <Waiting uploads={waiting.value} onDrop={() => void run("discarding …", () => uploads.drop(waiting.value ?? []))} />}
      {done && <p role="status">{done}</p>}
      {failure && <p role="alert" className="ll-doubt">{failure}</p>}
    </section>
  );
}

/** What came of files whose sending was broken off. */
function Waiting({ uploads, onDrop }: { uploads: readonly Upload[]; onDrop: () => void }) {
  const came = uploads.reduce((sum, { offset }) => sum + offset, 0), all = uploads.reduce((sum, { size }) => sum + size, 0);
  const what = uploads.length > 3 ? `${uploads.length} files` : uploads.map(({ name }) => name).join(", ");
  return (
    <p role="note">
      {sizeWords(came)} of {sizeWords(all)} of {what} came before sending was broken off; choose the same again and it goes on from there.{" "}
      <button type="button" onClick={onDrop}>Discard</button>
    </p>
  );
}

function Door({ onFiles, onPath, disabled }: { onFiles: (files: Promise<DroppedFile[]>) => void; onPath: (path: string) => void; disabled: boolean }) {
  const [over, setOver] = useState(false);
  const choose = (event: React.ChangeEvent<HTMLInputElement>): void => {
    if (event.target.files?.length) onFiles(Promise.resolve(chosenFiles(event.target.files)));
    event.target.value = "";
  };
  return (
    <fieldset disabled={disabled} className="ll-door">
      <div className={over ? "ll-drop ll-over" : "ll-drop"} onDragLeave={() => setOver(false)}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          onFiles(droppedFiles(event.dataTransfer.items));
        }}>
        <p>Drop a folder of a data set here, a .zip of one, files of points (.pcd .ply .las .bin …), signals (.csv .txt .parquet .wav), or a recording (.h5)</p>
        <p className="ll-inline" style={{ justifyContent: "center" }}>
          <label>or choose files <input type="file" multiple onChange={choose} aria-label="Files to import" /></label>
          <label>or a folder <input type="file" onChange={choose} aria-label="Folder to import" {...{ webkitdirectory: "" }} /></label>
        </p>
      </div>
      <form className="ll-inline" onSubmit={(event) => {
        event.preventDefault();
        onPath(String(new FormData(event.currentTarget).get("uri")).trim());
      }}>
        <input name="uri" required size={52} placeholder="or a path that the server reaches: a recording (.h5), a file or folder" aria-label="Path or URL of the recording" />
        <button type="submit">Add</button>
      </form>
    </fieldset>
  );
}
