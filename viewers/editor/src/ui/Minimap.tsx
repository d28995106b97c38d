/** The surroundings from above: every cuboid of the frame, the ego's path, where the large view looks. */

import React, { useMemo } from "react";
import { colourOf } from "../session/state";
import { apply, invert } from "../geometry/transform";
import type { Vec3 } from "../geometry/box";
import { inFrame } from "../state/labels";
import { useEditor, useEditorState } from "./use_editor";

const REACH_M = 60;

export function Minimap() {
  const editor = useEditor();
  const labels = useEditorState((state) => state.labels);
  const frame = useEditorState((state) => state.frame);
  const chosen = useEditorState((state) => state.chosen);
  const orbit = useEditorState((state) => state.orbit);
  const shown = useMemo(() => inFrame(labels, frame), [labels, frame]);
  const path = useMemo(() => pathOf(editor.state.recording.world_from_ego, frame), [editor, frame]);
  const [x, y] = orbit.target;
  const look = (event: React.MouseEvent<SVGSVGElement>): void => {
    const rect = event.currentTarget.getBoundingClientRect();
    const right = (event.clientX - rect.left) / rect.width * 2 - 1, down = (event.clientY - rect.top) / rect.height * 2 - 1;
    editor.update({ orbit: { ...editor.state.orbit, target: [-down * REACH_M, -right * REACH_M, orbit.target[2]] } });
  };
  return (
    <svg className="ll-minimap" viewBox={`${-REACH_M} ${-REACH_M} ${2 * REACH_M} ${2 * REACH_M}`} role="img"
      aria-label={`Map from above, ${shown.length} cuboids; click to look there`} onClick={look} onPointerDown={(event) => event.stopPropagation()} onPointerUp={(event) => event.stopPropagation()}>
      <circle r={20} className="ll-ring" /><circle r={40} className="ll-ring" />
      <polyline points={path} className="ll-path" />
      {shown.map(({ track, cuboid }) => (
        <rect key={track.id} x={-cuboid.width / 2} y={-cuboid.length / 2} width={cuboid.width} height={cuboid.length}
          transform={`translate(${-cuboid.y} ${-cuboid.x}) rotate(${-cuboid.yaw * 180 / Math.PI})`}
          fill={colourOf(editor.state, track.category)} className={track.id === chosen ? "ll-here" : undefined} />
      ))}
      <path d="M0,-3 L2,2 L-2,2 Z" className="ll-ego" />
      <g transform={`translate(${-y} ${-x}) rotate(${-orbit.azimuth * 180 / Math.PI})`}><path d="M0,0 L-7,12 L7,12 Z" className="ll-looking" /></g>
    </svg>
  );
}

/** The ego's way through the recording, seen from a frame. */
function pathOf(poses: readonly (readonly number[])[] | null, frame: number): string {
  if (!poses?.[frame]) return "";
  const egoFromWorld = invert(poses[frame]);
  return poses.map((pose) => apply(egoFromWorld, [pose[3], pose[7], pose[11]] as Vec3)).map(([x, y]) => `${-y},${-x}`).join(" ");
}
