/** Films and sounds beside the signal: they show the cursor's time, play along, and are aligned here. */

import React, { useEffect, useRef } from "react";
import { filmMovement } from "./film_movement";
import { type Medium, mediumTime, shifted } from "./media";
import type { SignalsSession } from "./session";
import { SECOND } from "./time_axis";

/** Farther than this from where it should be, a playing medium is put there. */
const LOOSE_S = 0.12;
const NUDGES_S = [-1, -0.1, -0.01, 0.01, 0.1, 1];

export function MediaBeside({ session, api }: { session: SignalsSession; api: string }) {
  return <>{session.state.media.map((medium) => <Player key={medium.id} session={session} medium={medium} url={session.desk.client.contentUrl(api, medium.id)} />)}</>;
}

function Player({ session, medium, url }: { session: SignalsSession; medium: Medium; url: string }) {
  const element = useRef<HTMLVideoElement & HTMLAudioElement>(null);
  const { cursor, playing } = session.state, wanted = mediumTime(medium, cursor);
  useEffect(() => follow(element.current, wanted, playing, medium));
  const common = {
    ref: element, src: url, preload: "auto", "aria-label": medium.name,
    onLoadedMetadata: () => element.current && Number.isFinite(element.current.duration) && session.desk.knowLength(medium.id, element.current.duration),
    onError: () => session.notify(`${medium.name}: this browser cannot play it; convert it to WebM or H.264 MP4`),
  };
  return (
    <section className="ll-beside-one ll-medium" aria-label={medium.kind === "video" ? "Film" : "Sound"} data-medium={medium.id}>
      {medium.kind === "video" ? <video {...common} className="ll-film" playsInline /> : <audio {...common} />}
      <div className="ll-medium-note">
        <strong>{medium.name}</strong> <output>{wanted.toFixed(2)} s</output>
        <span className="ll-dim" data-start={medium.start / SECOND} data-drift={medium.drift}> begins at {(medium.start / SECOND).toFixed(3)} s, drift {medium.drift.toFixed(1)} ppm{medium.alignedBy ? `, ${medium.alignedBy}` : ", not aligned"}</span>
        <span className="ll-buttons">
          <button type="button" onClick={() => void session.desk.correlate(medium.id, medium.kind === "video" ? () => filmMovement(url) : null)}>align by correlation</button>
          {NUDGES_S.map((by) => <button key={by} type="button" title="Move it on the signal's clock" onClick={() => void session.desk.change(medium.id, shifted(medium, by * SECOND))}>{by > 0 ? "+" : "−"}{Math.abs(by)} s</button>)}
          <button type="button" title="Both clocks run alike" disabled={!medium.drift} onClick={() => void session.desk.change(medium.id, { ...medium, drift: 0 })}>no drift</button>
        </span>
      </div>
    </section>
  );
}

/** The element shows what the medium has at the cursor; while playing it runs by itself as long as it stays near. */
function follow(element: HTMLMediaElement | null, wanted: number, playing: boolean, { drift, length }: Medium): void {
  if (!element || element.readyState < 1) return;
  const inside = wanted >= 0 && wanted < (length ?? element.duration);
  if (!playing || !inside) {
    if (!element.paused) element.pause();
    const still = Math.max(0, Math.min(wanted, element.duration || 0));
    if (!element.seeking && Math.abs(element.currentTime - still) > 0.005) element.currentTime = still;
    return;
  }
  element.playbackRate = 1 / (1 + drift / 1e6);
  if (Math.abs(element.currentTime - wanted) > LOOSE_S && !element.seeking) element.currentTime = wanted;
  if (element.paused) element.play().catch(() => undefined); // the next frame tries again
}
