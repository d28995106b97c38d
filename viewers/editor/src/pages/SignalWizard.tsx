/** Makes a recording of a file of signals: what the reader sees in it, and what a person says otherwise. */

import React, { useEffect, useState } from "react";
import type { Client } from "../api/client";

interface Column {
  readonly name: string;
  readonly numeric: boolean;
  readonly examples: readonly string[];
}

interface Preview {
  readonly columns: readonly Column[];
  readonly problem: string;
  readonly channels: readonly { readonly name: string; readonly unit: string; readonly values: readonly (number | null)[] }[];
  readonly notes: readonly string[];
  readonly samples: number;
  readonly rate_hz: number;
  readonly from_ns: string;
  readonly to_ns: string;
  readonly gaps: number;
}

interface Said {
  readonly time_column: string | null;
  readonly time_unit: string | null;
  readonly time_zone: string | null;
  readonly rate_hz: number | null;
  readonly channels: readonly string[];
  readonly units: Readonly<Record<string, string>>;
}

const NOTHING: Said = { time_column: null, time_unit: null, time_zone: null, rate_hz: null, channels: [], units: {} };
const UNITS = ["m/s²", "g", "rad/s", "deg/s", "µT", "hPa", "V"];
const ERA_NS = 100_000_000n * 1_000_000_000n;

interface Props {
  readonly client: Client;
  readonly project: string;
  readonly upload: string;
  readonly file: string;
  readonly onDone: (recording: number | null) => void;
}

export function SignalWizard({ client, project, upload, file, onDone }: Props) {
  const [said, setSaid] = useState(NOTHING);
  const [preview, setPreview] = useState<Preview | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [name, setName] = useState(file.replace(/\.\w+$/, ""));
  const path = `/projects/${encodeURIComponent(project)}/uploads/${upload}`;
  useEffect(() => {
    let gone = false;
    client.post<Preview>(`${path}/signal-preview`, said).then((found) => {
      if (gone) return;
      setPreview(found);
      setFailure(null);
    }).catch((error: unknown) => !gone && setFailure(error instanceof Error ? error.message : String(error)));
    return () => void (gone = true);
  }, [client, path, said]);

  async function make(event: React.FormEvent): Promise<void> {
    event.preventDefault();
    try {
      const { id } = await client.post<{ readonly id: number }>(`${path}/signal`, { ...said, name });
      onDone(id);
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  }

  async function leave(): Promise<void> {
    await client.request(path, { method: "DELETE" }).catch(() => undefined);
    onDone(null);
  }

  const problem = failure ?? preview?.problem;
  return (
    <form onSubmit={(event) => void make(event)} aria-label={`Import ${file}`} className="ll-wizard" data-problem={problem ? "yes" : "no"}>
      <p><label>name <input value={name} required aria-label="Name of the recording" onChange={(event) => setName(event.target.value)} /></label></p>
      {preview && <Time columns={preview.columns} said={said} onSay={(more) => setSaid({ ...said, ...more })} />}
      {preview && <Columns columns={preview.columns} said={said} onSay={(more) => setSaid({ ...said, ...more })} />}
      {problem && <p role="alert" className="ll-doubt">{problem}</p>}
      {preview && !preview.problem && <Found preview={preview} />}
      <button type="submit" disabled={!preview || Boolean(problem)}>Import</button> <button type="button" onClick={() => void leave()}>Cancel</button>
    </form>
  );
}

interface Part {
  readonly columns: readonly Column[];
  readonly said: Said;
  readonly onSay: (more: Partial<Said>) => void;
}

function Time({ columns, said, onSay }: Part) {
  const [rate, setRate] = useState(""), [zone, setZone] = useState("");
  return (
    <p>
      <label>time column <select aria-label="Time column" value={said.time_column ?? "\0"} onChange={(event) => onSay({ time_column: event.target.value === "\0" ? null : event.target.value })}>
        <option value={"\0"}>recognise it</option><option value="">none: evenly spaced</option>
        {columns.map((column) => <option key={column.name} value={column.name}>{column.name}</option>)}
      </select></label>{" "}
      <label>in <select aria-label="Time unit" value={said.time_unit ?? ""} onChange={(event) => onSay({ time_unit: event.target.value || null })}>
        <option value="">recognise it</option>{["s", "ms", "us", "ns"].map((unit) => <option key={unit}>{unit}</option>)}
      </select></label>{" "}
      <label>samples a second <input type="number" min="0.001" step="any" size={6} aria-label="Rate" value={rate} placeholder="if no times" onChange={(event) => setRate(event.target.value)}
        onBlur={() => onSay({ rate_hz: Number(rate) > 0 ? Number(rate) : null })} /></label>{" "}
      <label>dates are of <input list="ll-zones" aria-label="Time zone" value={zone} placeholder="UTC" onChange={(event) => setZone(event.target.value)} onBlur={() => onSay({ time_zone: zone.trim() || null })} /></label>
      <datalist id="ll-zones">{Intl.supportedValuesOf("timeZone").map((one) => <option key={one} value={one} />)}</datalist>
    </p>
  );
}

function Columns({ columns, said, onSay }: Part) {
  if (!columns.length) return null;
  const numeric = columns.filter((column) => column.numeric).map((column) => column.name);
  const toggle = (name: string, on: boolean): void => {
    const now = said.channels.length ? said.channels : numeric.filter((one) => one !== said.time_column);
    onSay({ channels: on ? columns.map((column) => column.name).filter((one) => one === name || now.includes(one)) : now.filter((one) => one !== name) });
  };
  return (
    <table><thead><tr><th>column</th><th>read</th><th>unit</th><th>first values</th></tr></thead><tbody>
      {columns.map(({ name, examples }) => (
        <tr key={name}>
          <td>{name}</td>
          <td><input type="checkbox" aria-label={`Read ${name}`} checked={said.channels.length ? said.channels.includes(name) : numeric.includes(name) && name !== said.time_column} onChange={(event) => toggle(name, event.target.checked)} /></td>
          <td><input list="ll-units" size={7} aria-label={`Unit of ${name}`} placeholder="recognise" defaultValue={said.units[name] ?? ""}
            onBlur={({ target }) => target.value !== (said.units[name] ?? "") && onSay({ units: { ...said.units, [name]: target.value } })} /></td>
          <td className="ll-dim">{examples.join(", ")}</td>
        </tr>
      ))}
    </tbody></table>
  );
}

function Found({ preview }: { preview: Preview }) {
  const first = BigInt(preview.from_ns), seconds = Number(BigInt(preview.to_ns) - first) / 1e9;
  const begins = first > ERA_NS ? new Date(Number(first / 1_000_000n)).toISOString().replace("T", " ").replace("Z", " UTC") : `${Number(first) / 1e9} s`;
  return (
    <section aria-label="What it becomes">
      <p>{preview.samples} samples at {preview.rate_hz.toFixed(2)} Hz, {seconds.toFixed(1)} s from {begins}, {preview.gaps} gaps. <span className="ll-dim">{preview.notes.join("; ")}</span></p>
      <datalist id="ll-units">{UNITS.map((unit) => <option key={unit} value={unit} />)}</datalist>
      <div className="ll-previews">{preview.channels.map(({ name, unit, values }) => <figure key={name}><Line values={values} /><figcaption>{name} {unit && <span className="ll-dim">({unit})</span>}</figcaption></figure>)}</div>
    </section>
  );
}

function Line({ values }: { values: readonly (number | null)[] }) {
  const known = values.filter((value): value is number => value !== null), low = Math.min(...known), size = Math.max(...known) - low || 1;
  const points = values.flatMap((value, i) => (value === null ? [] : [`${((i / Math.max(values.length - 1, 1)) * 160).toFixed(1)},${(38 - ((value - low) / size) * 36).toFixed(1)}`]));
  return <svg viewBox="0 0 160 40" width={160} height={40} role="img" aria-label={`from ${low.toPrecision(4)} to ${(low + size).toPrecision(4)}`}><polyline points={points.join(" ")} fill="none" stroke="var(--ll-accent)" /></svg>;
}
