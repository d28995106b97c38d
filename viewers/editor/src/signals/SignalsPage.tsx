/** The signals page: a signal of a recording, its activity windows, what the machine proposes and asks. */

import React, { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { Client, RecordingClient, type RecordingInfo } from "../api/client";
import { type OntologyJson, readClasses } from "../api/ontology_json";
import { loadSettings } from "../state/settings";
import { colourOf } from "./drawing";
import { COMMANDS, type Command, keysOf } from "./keymap";
import { listenToKeys } from "./keyboard";
import { ACTIONS, acceptSure, setClass } from "./operations";
import { KeysDialog } from "./KeysDialog";
import { leaving } from "./nesting";
import { MediaBeside } from "./MediaBeside";
import { SceneBeside } from "./SceneBeside";
import { SignalCanvas } from "./SignalCanvas";
import { SignalsClient } from "./signals_client";
import { SignalsSession, wordsOf } from "./session";
import { rowAt } from "./signal_view";
import { SECOND, duration, exactTime } from "./time_axis";
import { Comments, WindowAttributes } from "./WindowDetails";
import { TIERS, isEvent, listed, sureProposals, unknownStretches } from "./windows";

interface Props {
  readonly id?: string;
  readonly api: string;
  readonly project: string;
  readonly recording: string;
  readonly home?: string;
}

interface Opened {
  readonly session: SignalsSession;
  readonly info: RecordingInfo;
  readonly source: RecordingClient;
}

export function SignalsPage({ id, api, project, recording, home = "/" }: Props) {
  const [sensor, setSensor] = useState<string | null>(new URLSearchParams(window.location.search).get("sensor"));
  const [opened, setOpened] = useState<Opened | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    let ready: Opened | null = null, gone = false;
    open(api, project, recording, sensor).then((made) => {
      if (gone) return made.session.close();
      ready = made;
      setOpened(made);
    }).catch((error: unknown) => setFailure(wordsOf(error)));
    return () => {
      gone = true;
      ready?.session.close();
    };
  }, [api, project, recording, sensor]);
  if (failure) return <div id={id} className="ll-editor ll-dark"><p role="alert" className="ll-failure">{failure} <a href={home}>All projects</a></p></div>;
  if (!opened) return <div id={id} className="ll-editor ll-dark"><p className="ll-failure" role="status">opening the signal …</p></div>;
  return <Workbench id={id} api={api} home={home} project={project} recording={recording} {...opened} onSensor={setSensor} />;
}

async function open(api: string, project: string, recording: string, wanted: string | null): Promise<Opened> {
  const client = new Client(api), source = new RecordingClient(client, project, recording);
  const [session, ontology, info] = await Promise.all([client.session(), client.get<OntologyJson>(`/projects/${encodeURIComponent(project)}/ontology`), source.info()]);
  const signals = info.sensors.filter(({ kind }) => kind === "imu").map(({ name }) => name);
  const sensor = wanted && signals.includes(wanted) ? wanted : signals[0];
  if (!sensor) throw new Error("this recording has no signal; the cuboid editor shows it");
  const readOnly = session.roles?.[project] === "viewer";
  const signal = new SignalsClient(client, project, recording, sensor);
  const key = `lidar-label.windows.${project}/${recording}/${sensor}`;
  const opened = await SignalsSession.open(signal, readClasses(ontology, "window"), key, window.localStorage, readOnly);
  if (info.frames) void opened.loadScene(source, info).then(() => opened.goToFrame(frameAsked())).catch((error: unknown) => opened.notify(wordsOf(error)));
  return { info, source, session: opened };
}

/** The frame that the cuboid editor's link names. */
function frameAsked(): number | null {
  const text = new URLSearchParams(window.location.search).get("frame");
  return text && /^\d+$/.test(text) ? Number(text) : null;
}

type WorkbenchProps = Required<Pick<Props, "api" | "home" | "project" | "recording">> & Opened & { readonly id?: string; readonly onSensor: (name: string) => void };

function Workbench({ id, api, home, project, recording, session, info, source, onSensor }: WorkbenchProps) {
  useSyncExternalStore(session.subscribe, () => session.state);
  useEffect(() => listenToKeys(session), [session]);
  useEffect(() => {
    if (!session.state.notice) return undefined;
    const timer = setTimeout(() => session.notify(null), 6000);
    return () => clearTimeout(timer);
  }, [session, session.state.notice]);
  const editor = `/p/${encodeURIComponent(project)}/r/${encodeURIComponent(recording)}/edit`;
  const theme = useMemo(() => loadSettings(window.localStorage).theme, []);
  return (
    <div id={id} className={`ll-editor ll-signals ll-${theme}`} data-status={session.state.status} data-busy={session.state.busy ?? ""}>
      <Bar session={session} info={info} home={home} onSensor={onSensor} />
      <main className="ll-signal-place">
        <div className="ll-signal-canvas"><SignalCanvas session={session} /></div>
        <div className="ll-beside"><SceneBeside session={session} info={info} source={source} api={api} editor={editor} /><MediaBeside session={session} api={api} /></div>
      </main>
      <aside className="ll-right">
        <Readings session={session} />
        <Classes session={session} />
        <Learning session={session} />
        <Candidates session={session} />
        <WindowList session={session} />
        <Comments session={session} />
        <Unknown session={session} />
        <Findings session={session} />
        <AddMedium session={session} />
        <Exports session={session} api={api} />
      </aside>
      <p className="ll-notice" role="status" aria-live="polite">{session.state.notice}</p>
      {session.state.help && <KeysDialog session={session} />}
    </div>
  );
}

interface Part {
  readonly session: SignalsSession;
}

function Act({ session, command, children }: Part & { command: Command; children: React.ReactNode }) {
  return <button type="button" title={`${COMMANDS[command]} (${keysOf(session.state.keys)[command].join(" or ")})`} onClick={() => ACTIONS[command](session)}>{children}</button>;
}

function Bar({ session, info, home, onSensor }: Part & { info: RecordingInfo; home: string; onSensor: (name: string) => void }) {
  const { state } = session, signals = info.sensors.filter(({ kind }) => kind === "imu");
  return (
    <header className="ll-toolbar">
      <a href={home} className="ll-home">Lidar Label</a>
      <span className="ll-recording" title={info.name}>{info.name}</span>
      <select aria-label="Signal" value={session.client.sensor} onChange={(event) => onSensor(event.target.value)}>
        {signals.map(({ name }) => <option key={name}>{name}</option>)}
      </select>
      <select aria-label="Tier" value={state.tier} onChange={(event) => session.update({ tier: event.target.value, chosen: null })}>
        {TIERS.map((tier) => <option key={tier}>{tier}</option>)}
      </select>
      <select aria-label="Channel of new windows" value={state.channel} onChange={(event) => session.update({ channel: event.target.value })}>
        <option value="">all channels</option>{state.overview.channels.map((name) => <option key={name}>{name}</option>)}
      </select>
      <Act session={session} command="undo">↶</Act><Act session={session} command="redo">↷</Act>
      <Act session={session} command="closer">+</Act><Act session={session} command="farther">−</Act><Act session={session} command="whole">whole</Act>
      <button type="button" aria-pressed={state.apart} title={`${COMMANDS.apart} (${keysOf(session.state.keys).apart.join()})`} onClick={() => ACTIONS.apart(session)}>apart</button>
      <button type="button" aria-pressed={state.derived} title={`${COMMANDS.derived} (${keysOf(session.state.keys).derived.join()})`} onClick={() => ACTIONS.derived(session)}>derived</button>
      <select aria-label="Frequencies of" value={state.spectrumOf ?? ""} onChange={(event) => session.showSpectrum(event.target.value || null)}>
        <option value="">no spectrum</option>{state.overview.channels.map((name) => <option key={name}>{name}</option>)}
      </select>
      <label title="Less finds more changes">changes <input type="range" aria-label="How clear a change must be" min={-2} max={3} step={0.25} value={Math.log2(state.penalty)}
        onChange={(event) => void session.findChanges(2 ** Number(event.target.value))} /> <output>{state.changes.length}</output></label>
      <span className="ll-dim">{duration(state.clock.whole.end, 1)}, {state.clock.rate.toFixed(state.clock.rate < 20 ? 1 : 0)} Hz, {state.clock.gaps.length === 1 ? "1 gap" : `${state.clock.gaps.length} gaps`}</span>
      <span className="ll-space" />
      {state.busy && <span role="status" className="ll-dim">{state.busy}</span>}
      <span className={`ll-save ll-save-${state.status}`}>{{ saved: "saved", pending: "saving …", offline: "server away; kept here" }[state.status]}</span>
      <Act session={session} command="help">?</Act>
    </header>
  );
}

function Readings({ session }: Part) {
  const { state } = session, signal = session.drawn(), row = rowAt(signal, state.cursor), width = signal.channels.length;
  const away = row < 0 ? Infinity : Math.abs(signal.time[row] - state.cursor);
  const known = away <= Math.max((2 * signal.block * SECOND) / Math.max(state.clock.rate, 1e-9), 1);
  return (
    <section className="ll-readings" aria-label="Values at the cursor">
      <output className="ll-exact">{exactTime(state.clock.origin, state.cursor)}</output>
      <dl>{signal.channels.map((name, i) => {
        const low = signal.low[row * width + i], high = signal.high[row * width + i];
        const value = !known || Number.isNaN(low) ? "no sample" : signal.block === 1 || low === high ? low.toPrecision(5) : `${low.toPrecision(3)} … ${high.toPrecision(3)}`;
        return <div key={name}><dt>{name}</dt><dd>{value} <span className="ll-dim">{known ? signal.units[i] : ""}</span></dd></div>;
      })}</dl>
    </section>
  );
}

function Classes({ session }: Part) {
  const { state } = session, chosen = session.chosen(), now = chosen?.category ?? state.category;
  return (
    <section className="ll-object">
      <h2>{chosen ? isEvent(chosen) ? `Event ${duration(chosen.start, 0.01)}` : `Window ${duration(chosen.start, 0.01)} – ${duration(chosen.end, 0.01)}` : "Class of new windows"}</h2>
      <div className="ll-classes" role="radiogroup" aria-label="Class">
        {state.classes.map(({ name, key, colour, guideline }) => (
          <button key={name} type="button" role="radio" aria-checked={name === now} title={guideline} onClick={() => setClass(session, name)}>
            <span className="ll-swatch" style={{ background: colour }} />{name}{key && <kbd>{key}</kbd>}
          </button>
        ))}
      </div>
      {chosen && <WindowAttributes session={session} window={chosen} />}
      {chosen?.reason && <p className="ll-guideline">{chosen.reason}</p>}
      {chosen && (
        <div className="ll-buttons">
          {chosen.state === "proposed" && <><Act session={session} command="accept">accept</Act><Act session={session} command="reject">reject</Act></>}
          <Act session={session} command="split">split</Act><Act session={session} command="merge">merge</Act><Act session={session} command="remove">delete</Act>
        </div>
      )}
    </section>
  );
}

function Learning({ session }: Part) {
  const { state } = session, sure = sureProposals(state.windows, state.least);
  return (
    <section className="ll-object">
      <h2>Learning</h2>
      <div className="ll-buttons">
        <Act session={session} command="suggest">tag this next</Act><Act session={session} command="similar">more like this</Act><Act session={session} command="propose">propose</Act>
      </div>
      <label className="ll-check"><input type="checkbox" checked={state.live} onChange={(event) => session.update({ live: event.target.checked })} /> propose again after every tag</label>
      <label className="ll-check">sure by <input type="range" aria-label="Least confidence" min={0.5} max={1} step={0.01} value={state.least} onChange={(event) => session.update({ least: Number(event.target.value) })} /> {Math.round(state.least * 100)} %
        <button type="button" className="ll-accept" disabled={!sure.length} title={`${COMMANDS.accept_sure} (${keysOf(session.state.keys).accept_sure.join()})`} onClick={() => acceptSure(session)}>accept {sure.length}</button></label>
    </section>
  );
}

function Candidates({ session }: Part) {
  const { candidates, candidate } = session.state;
  if (!candidates.length) return null;
  return (
    <section className="ll-object ll-offered" aria-label="Stretches to tag">
      <h2>Press a class key, Enter for the guess, Backspace to skip</h2>
      <ol>{candidates.map((one, i) => (
        <li key={one.start}><button type="button" aria-current={i === candidate} data-span={`${one.start} ${one.end}`} onClick={() => session.goToCandidate(i)}>
          {duration(one.start)} · {one.guess} <span className="ll-dim">{one.reason}</span>
        </button></li>
      ))}</ol>
    </section>
  );
}

const MOST_LISTED = 300;

function WindowList({ session }: Part) {
  const { state } = session, windows = listed(state.windows).filter(({ tier }) => tier === state.tier);
  const from = Math.max(windows.findIndex(({ id }) => id === state.chosen) - MOST_LISTED / 2, 0);
  const accepted = windows.filter((window) => window.state === "accepted").length;
  return (
    <section className="ll-object" aria-label="Windows">
      <h2>{accepted} accepted, {windows.length - accepted} proposed</h2>
      <div className="ll-windows" role="listbox" aria-label="Windows in order of time">
        {windows.slice(from, from + MOST_LISTED).map((window) => (
          <div key={window.id} role="option" aria-selected={window.id === state.chosen} data-state={window.state} data-window={window.id} onClick={() => session.choose(window.id)}>
            <span className="ll-swatch" style={{ background: colourOf(state, window.category) }} />{window.category}
            <span className="ll-dim"> {duration(window.start)}, {isEvent(window) ? "event" : duration(window.end - window.start)}{window.channel ? `, ${window.channel}` : ""}{window.state === "proposed" && window.score !== null ? `, ${Math.round(window.score * 100)} %` : ""}</span>
          </div>
        ))}
      </div>
    </section>
  );
}

function Unknown({ session }: Part) {
  const { windows, tier, clock } = session.state;
  const stretches = useMemo(() => unknownStretches(windows, tier, clock.whole, clock.gaps, SECOND), [windows, tier, clock]);
  const seconds = stretches.reduce((sum, { start, end }) => sum + end - start, 0);
  return (
    <section className="ll-object" aria-label="Unknown stretches">
      <h2>Unknown: {duration(seconds, 1)} in {stretches.length}</h2>
      <div className="ll-buttons">{stretches.slice(0, 8).map((span) => (
        <button key={span.start} type="button" onClick={() => {
          session.update({ candidates: [{ ...span, guess: "unknown", reason: "no window has a class here" }] });
          session.goToCandidate(0);
        }}>{duration(span.start)} · {duration(span.end - span.start)}</button>
      ))}</div>
    </section>
  );
}

/** Windows that leave the window they lie in, as imports and other pages may have made them. */
function Findings({ session }: Part) {
  const { windows } = session.state, found = useMemo(() => leaving(windows), [windows]);
  if (!found.length) return null;
  return (
    <section className="ll-object" aria-label="Findings">
      <h2>{found.length === 1 ? "1 window leaves" : `${found.length} windows leave`} the one it lies in</h2>
      <div className="ll-buttons">{found.slice(0, 8).map(({ window, parent, by }) => (
        <button key={window.id} type="button" onClick={() => session.choose(window.id)}>{duration(window.start)} · {window.category} leaves {parent.category} by {duration(by)}</button>
      ))}</div>
    </section>
  );
}

function AddMedium({ session }: Part) {
  return (
    <section className="ll-object">
      <h2>Films and sounds</h2>
      <label className="ll-check">add MP4, WebM or WAV <input type="file" aria-label="Film or sound" accept=".mp4,.webm,.wav" onChange={(event) => event.target.files?.[0] && void session.desk.add(event.target.files[0])} /></label>
    </section>
  );
}

function Exports({ session, api }: Part & { api: string }) {
  const forms = ["csv", "parquet", "audacity", "elan", "label-studio"];
  return (
    <section className="ll-object">
      <h2>Export accepted windows</h2>
      <div className="ll-buttons">{forms.map((form) => <a key={form} href={session.client.exportUrl(api, form, false)} download>{form}</a>)}</div>
    </section>
  );
}
