/** Labels of a recording as a file: cuboids in a dataset's format, or the windows of one of its signals. */

import React, { useEffect, useMemo, useRef, useState } from "react";
import { type Client } from "../api/client";
import { recordingPath } from "../api/early";
import { keep } from "./downloads";
import { useLoaded } from "./use_loaded";

interface Formats {
  readonly cuboids: readonly string[];
  readonly windows: readonly string[];
  readonly signals: readonly string[];
}

interface Props {
  readonly client: Client;
  readonly project: string;
  readonly recording: string;
}

export function ExportChoice({ client, project, recording }: Props) {
  const path = recordingPath(project, recording);
  const formats = useLoaded(useMemo(() => () => client.get<Formats>(`${path}/export-formats`), [client, path]));
  const { cuboids, windows, signals } = formats.value ?? { cuboids: [], windows: [], signals: [] };
  if (formats.failure) return <p role="alert" className="ll-doubt">{formats.failure}</p>;
  return (
    <>
      {cuboids.length > 0 && <Choice client={client} what="cuboids" formats={cuboids} address={(format, all) => `${path}/export?format=${format}&proposed=${all}`} />}
      {signals.map((signal) => <Choice key={signal} client={client} what={`windows of ${signal}`} formats={windows}
        address={(format, all) => `${path}/signals/${encodeURIComponent(signal)}/windows?form=${format}&proposals=${all}`} />)}
    </>
  );
}

interface ChoiceProps {
  readonly client: Client;
  readonly what: string;
  readonly formats: readonly string[];
  readonly address: (format: string, all: boolean) => string;
}

function Choice({ client, what, formats, address }: ChoiceProps) {
  const [format, setFormat] = useState(formats[0]), [all, setAll] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [running, setRunning] = useState<AbortController | null>(null);
  const last = useRef<AbortController | null>(null);
  useEffect(() => () => last.current?.abort(), []);

  async function fetchFile(event: React.FormEvent): Promise<void> {
    event.preventDefault();
    const control = last.current = new AbortController();
    setRunning(control);
    setFailure(null);
    try {
      keep(await client.request(address(format, all), { signal: control.signal }));
    } catch (error) {
      if (!control.signal.aborted) setFailure(error instanceof Error ? error.message : String(error));
    } finally {
      setRunning(null);
    }
  }

  return (
    <form className="ll-inline" style={{ marginTop: 12 }} aria-label={`Export ${what}`} onSubmit={(event) => void fetchFile(event)}>
      <label>{what} as <select value={format} aria-label={`Format of ${what}`} onChange={(event) => setFormat(event.target.value)}>
        {formats.map((name) => <option key={name}>{name}</option>)}
      </select></label>
      <label><input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} /> proposals too</label>
      <button type="submit" disabled={running !== null}>Export</button>
      {running && <><span role="status">writing it …</span> <button type="button" onClick={() => running.abort()}>Cancel</button></>}
      {failure && <p role="alert" className="ll-doubt">{failure}</p>}
    </form>
  );
}
