/** A close view of the chosen cuboid with edges, corners, middle and heading to drag. */

import React, { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Axis, Box, Sign } from "../geometry/box";
import {
  CORNER_GRIPS, EDGE_GRIPS, type Grip, PLANES, type PlaneName, type Point2, dragGrip, gripAt, halfHeight, outline, toPlane,
} from "../geometry/plane_view";
import { shrink, snapFace } from "../geometry/snapping";
import { closePoints } from "../session/detail";
import { chosenBox, chosenCuboid, colourOf } from "../session/state";
import { PlanePane } from "../views/plane_pane";
import type { Studio } from "./Views";
import { useEditor, useEditorState } from "./use_editor";

const NAMES: Readonly<Record<PlaneName, string>> = { top: "Top", side: "Side", front: "Rear" };
const MIDDLE: Grip = { kind: "box", right: 0, up: 0 };
const HEADING: Grip = { kind: "heading" };
const SNAP_REACH_M = 0.6;
const DOUBLE_CLICK_MS = 350;

interface Held {
  readonly grip: Grip;
  readonly from: Point2;
  readonly box: Box;
}

export function PlaneView({ plane, studio }: { plane: PlaneName; studio: Studio }) {
  const editor = useEditor();
  const element = useRef<HTMLDivElement>(null);
  const pane = useRef<PlanePane | null>(null);
  const [size, setSize] = useState<Point2>([1, 1]);
  const [zoom, setZoom] = useState(1);
  const [held, setHeld] = useState<Held | null>(null);
  const [heldView, setHeldView] = useState<Box | null>(null);
  const lastTaken = useRef({ grip: MIDDLE, time: -Infinity });
  const box = useEditorState(chosenBox);
  const still = useEditorState(chosenCuboid);
  const colour = useEditorState((state) => colourOf(state, state.labels.get(state.chosen ?? NaN)?.category ?? ""));
  const hovered = useEditorState((state) => state.hovered === plane);
  const cloud = useEditorState((state) => studio.ofClose(state));
  const pointSize = useEditorState((state) => state.settings.pointSize);
  const view = heldView ?? still;
  const half = view ? halfHeight(plane, view, size[0] / size[1], zoom) : 1;

  useEffect(() => {
    if (!element.current) return undefined;
    const made = new PlanePane(element.current, plane);
    pane.current = made;
    const remove = studio.stage.add(made);
    const observer = new ResizeObserver(([entry]) => setSize([entry.contentRect.width, entry.contentRect.height]));
    observer.observe(element.current);
    return () => {
      observer.disconnect();
      remove();
      made.dispose();
    };
  }, [studio, plane]);

  useLayoutEffect(() => {
    if (!pane.current) return;
    if (view && cloud) {
      const reach = half * Math.hypot(1, size[0] / size[1]);
      pane.current.show(studio.close.around(cloud, view.x, view.y, reach), pointSize + 0.6);
    }
    pane.current.look(view, half);
    studio.stage.invalidate(pane.current);
  }, [cloud, view, half, size, pointSize, studio]);

  const scale = size[1] / (2 * half);
  const pixel = ([right, up]: Point2): Point2 => [size[0] / 2 + right * scale, size[1] / 2 - up * scale];
  const metres = (event: React.PointerEvent): Point2 => {
    const rect = (element.current as HTMLElement).getBoundingClientRect();
    return [(event.clientX - rect.left - size[0] / 2) / scale, (size[1] / 2 - event.clientY + rect.top) / scale];
  };

  function take(grip: Grip, event: React.PointerEvent): void {
    if (!box || !view || event.button !== 0) return;
    event.stopPropagation();
    // The captured pointer sends double clicks to the view, so they are told apart here.
    const again = event.timeStamp - lastTaken.current.time < DOUBLE_CLICK_MS && sameGrip(grip, lastTaken.current.grip);
    lastTaken.current = { grip, time: event.timeStamp };
    if (again) return snap(grip);
    element.current?.setPointerCapture(event.pointerId);
    setHeld({ grip, from: metres(event), box });
    setHeldView(view);
  }

  function drag(event: React.PointerEvent): void {
    const { chosen, frame } = editor.state;
    if (!held || !view || chosen === null) return;
    editor.editedAt ||= performance.now();
    const dragged = dragGrip(plane, view, held.box, held.grip, held.from, metres(event));
    editor.update({ draft: { track: chosen, frame, box: dragged } });
  }

  function release(): void {
    const { draft } = editor.state;
    setHeld(null);
    setHeldView(null);
    if (held && draft) editor.setBox(draft.box);
  }

  function snap(grip: Grip): void {
    const points = closePoints(editor.state);
    if (box && points) editor.setBox(snapped(plane, box, grip, points));
  }

  return (
    <div ref={element} className={`ll-plane ll-plane-${plane}${hovered ? " ll-hovered" : ""}`}
      role="group" aria-label={`${NAMES[plane]} view of the chosen cuboid`}
      onPointerEnter={() => editor.update({ hovered: plane })} onPointerMove={drag} onPointerUp={release} onPointerCancel={release}
      onWheel={(event) => setZoom(Math.min(6, Math.max(0.3, zoom * 1.001 ** event.deltaY)))}>
      <span className="ll-plane-name">{NAMES[plane]}</span>
      {box && view && (
        <svg className="ll-overlay" width={size[0]} height={size[1]}>
          <Outline points={outline(plane, view, box).map(pixel)} colour={colour} onDown={(event) => take(MIDDLE, event)} />
          {plane !== "front" && <Heading from={pixel(toPlane(plane, view, [box.x, box.y, box.z]))} to={pixel(gripAt(plane, view, box, HEADING))}
            colour={colour} draggable={plane === "top"} onDown={(event) => take(HEADING, event)} />}
          {EDGE_GRIPS.map((grip, i) => <EdgeHandle key={i} grip={grip} ends={edgeEnds(plane, view, box, grip).map(pixel)} onDown={(event) => take(grip, event)} />)}
          {CORNER_GRIPS.map((grip, i) => <CornerHandle key={i} grip={grip} at={pixel(gripAt(plane, view, box, grip))} colour={colour} onDown={(event) => take(grip, event)} />)}
        </svg>
      )}
    </div>
  );
}

/** Double click: the faces under a grip go to the outermost points; the middle shrinks all. */
function snapped(plane: PlaneName, box: Box, grip: Grip, points: Parameters<typeof shrink>[1]): Box {
  if (grip.kind === "heading") return box;
  if (!grip.right && !grip.up) return shrink(box, points);
  const { right, up } = PLANES[plane];
  const sides: readonly (readonly [Axis, number])[] = [[right.axis, grip.right * right.sign], [up.axis, grip.up * up.sign]];
  return sides.reduce((made, [axis, sign]) => (sign ? snapFace(made, axis, sign as Sign, points, SNAP_REACH_M) : made), box);
}

function edgeEnds(plane: PlaneName, view: Box, box: Box, grip: Grip): Point2[] {
  if (grip.kind !== "box") return [];
  return ([1, -1] as const).map((end) => gripAt(plane, view, box, { kind: "box", right: grip.right || end, up: grip.up || end }));
}

const at = (points: readonly Point2[]): string => points.map(([x, y]) => `${x},${y}`).join(" ");

function sameGrip(a: Grip, b: Grip): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

interface HandleProps {
  readonly onDown: (event: React.PointerEvent) => void;
}

function Outline({ points, colour, onDown }: HandleProps & { points: Point2[]; colour: string }) {
  return <polygon points={at(points)} className="ll-outline" style={{ stroke: colour }} data-grip="middle" onPointerDown={onDown} />;
}

function Heading({ from, to, colour, draggable, onDown }: HandleProps & { from: Point2; to: Point2; colour: string; draggable: boolean }) {
  return (
    <g>
      <line x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} className="ll-heading" style={{ stroke: colour }} />
      {draggable && <circle cx={to[0]} cy={to[1]} r={6} className="ll-grip ll-grip-heading" style={{ stroke: colour }} data-grip="heading" onPointerDown={onDown} />}
    </g>
  );
}

function EdgeHandle({ grip, ends, onDown }: HandleProps & { grip: Grip; ends: Point2[] }) {
  if (grip.kind !== "box") return null;
  const [a, b] = ends;
  return <line x1={a[0]} y1={a[1]} x2={b[0]} y2={b[1]} className={grip.up ? "ll-edge ll-edge-up" : "ll-edge ll-edge-right"}
    data-grip={`edge ${grip.right} ${grip.up}`} onPointerDown={onDown} />;
}

function CornerHandle({ grip, at: [x, y], colour, onDown }: HandleProps & { grip: Grip; at: Point2; colour: string }) {
  if (grip.kind !== "box") return null;
  return <rect x={x - 4} y={y - 4} width={8} height={8} className="ll-grip" style={{ stroke: colour }}
    data-grip={`corner ${grip.right} ${grip.up}`} onPointerDown={onDown} />;
}
