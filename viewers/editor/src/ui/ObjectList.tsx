/** The tracks, most in doubt first, and the clusters of the frame that no cuboid covers. */

import React, { useEffect, useMemo, useRef, useState } from "react";
import { colourOf } from "../session/state";
import { fitAt, findUncovered } from "../session/operations";
import { SORTS, type Sort, listed, progress, seenOnce } from "../state/doubt";
import type { Track } from "../state/labels";
import { useEditor, useEditorState } from "./use_editor";

const ROW_PX = 40;
const SPARE_ROWS = 4;

export function ObjectList() {
  const editor = useEditor();
  const labels = useEditorState((state) => state.labels);
  const list = useEditorState((state) => state.list);
  const frame = useEditorState((state) => state.frame);
  const doubts = useEditorState((state) => state.doubts);
  const tracks = useMemo(() => listed(labels, list, doubts), [labels, list, doubts]);
  const once = useMemo(() => seenOnce(labels).size, [labels]);
  const { judged, all } = useMemo(() => progress(labels), [labels]);
  const set = (changes: Partial<typeof list>) => editor.update({ list: { ...list, ...changes } });
  return (
    <section className="ll-objects" aria-label="Objects">
      <header>
        <strong>Objects</strong> <span className="ll-dim">{judged} of {all} judged</span>
        <progress value={judged} max={Math.max(all, 1)} aria-label="Judged tracks" />
      </header>
      <div className="ll-filter">
        <input type="search" placeholder="find id, class, reason" aria-label="Find objects" value={list.text} onChange={(event) => set({ text: event.target.value })} />
        <select aria-label="Order of objects" value={list.sort} onChange={(event) => set({ sort: event.target.value as Sort })}>
          {SORTS.map((sort) => <option key={sort} value={sort}>by {sort}</option>)}
        </select>
        <label><input type="checkbox" checked={list.open} onChange={(event) => set({ open: event.target.checked })} /> open only</label>
        {once > 0 && <label title="What the machine saw in a single frame"><input type="checkbox" checked={list.once} onChange={(event) => set({ once: event.target.checked })} /> {once} seen once</label>}
      </div>
      <Rows tracks={tracks} frame={frame} />
      <Uncovered />
    </section>
  );
}

/** Only the rows in sight are made, so that a thousand tracks scroll as well as ten. */
function Rows({ tracks, frame }: { tracks: readonly Track[]; frame: number }) {
  const editor = useEditor();
  const chosen = useEditorState((state) => state.chosen);
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const place = tracks.findIndex((track) => track.id === chosen);
  const height = box.current?.clientHeight ?? 400;
  const first = Math.max(0, Math.floor(top / ROW_PX) - SPARE_ROWS);
  const last = Math.min(tracks.length, Math.ceil((top + height) / ROW_PX) + SPARE_ROWS);

  useEffect(() => {
    const element = box.current;
    if (!element || place < 0) return;
    const y = place * ROW_PX;
    if (y < element.scrollTop) element.scrollTop = y;
    else if (y + ROW_PX > element.scrollTop + element.clientHeight) element.scrollTop = y + ROW_PX - element.clientHeight;
  }, [place]);

  return (
    <div ref={box} className="ll-list" role="listbox" tabIndex={0} aria-label="Tracks" aria-activedescendant={place >= 0 ? `ll-track-${chosen}` : undefined}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      <div style={{ height: tracks.length * ROW_PX, position: "relative" }}>
        {tracks.slice(first, last).map((track, i) => (
          <Row key={track.id} track={track} top={(first + i) * ROW_PX} chosen={track.id === chosen} here={track.cuboids.has(frame)} onChoose={() => editor.visit(track.id)} />
        ))}
      </div>
      {!tracks.length && <p className="ll-hint">no tracks; draw with Ctrl + drag, or start the automatic annotation on the recording's page</p>}
    </div>
  );
}

interface RowProps {
  readonly track: Track;
  readonly top: number;
  readonly chosen: boolean;
  readonly here: boolean;
  readonly onChoose: () => void;
}

function Row({ track, top, chosen, here, onChoose }: RowProps) {
  const editor = useEditor();
  const doubt = useEditorState((state) => state.doubts.get(track.id));
  const marks = { proposed: "?", accepted: "✓", rejected: "✕" } as const;
  return (
    <div id={`ll-track-${track.id}`} role="option" aria-selected={chosen} className={`ll-row${here ? "" : " ll-away"}`} style={{ top, height: ROW_PX }} onClick={onChoose}>
      <span className="ll-swatch" style={{ background: colourOf(editor.state, track.category) }} />
      <span className="ll-row-name">{track.id} {track.category} <span className="ll-dim">{track.cuboids.size}×</span></span>
      <span className={`ll-state ll-${track.state}`} title={track.state}>{marks[track.state]}</span>
      <span className="ll-reasons">{doubt && doubt.score > 0 ? `${doubt.score.toFixed(2)} ${doubt.reasons.join(", ")}` : ""}</span>
    </div>
  );
}

function Uncovered() {
  const editor = useEditor();
  const clusters = useEditorState((state) => state.uncovered);
  return (
    <details className="ll-uncovered" onToggle={(event) => event.currentTarget.open && void findUncovered(editor)}>
      <summary>Clusters without a cuboid{clusters ? ` (${clusters.length})` : ""}</summary>
      {clusters?.length === 0 && <p className="ll-hint">every cluster of this frame is covered</p>}
      <ul>
        {clusters?.map(({ box, points }, i) => (
          <li key={i}>
            <button type="button" onClick={() => editor.update({ orbit: { ...editor.state.orbit, target: [box.x, box.y, box.z], distance: 16 } })}>
              {Math.hypot(box.x, box.y).toFixed(0)} m, {points} points
            </button>
            <button type="button" onClick={() => void fitAt(editor, [box.x, box.y, box.z])} aria-label={`Make a cuboid of cluster ${i + 1}`}>+</button>
          </li>
        ))}
      </ul>
    </details>
  );
}
