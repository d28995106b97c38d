/** Lengths of the measuring tape, beside its pieces. */

import React, { useEffect, useState } from "react";
import * as THREE from "three";
import type { Vec3 } from "../geometry/box";
import type { MainPane } from "../views/main_pane";
import { useEditorState } from "./use_editor";

export function TapeLabels({ pane }: { pane: MainPane }) {
  const tape = useEditorState((state) => state.tape);
  useEditorState((state) => state.orbit);
  const [, redraw] = useState(0);
  useEffect(() => redraw((n) => n + 1), [tape]);
  if (!tape?.length) return null;
  const { clientWidth, clientHeight } = pane.element;
  const camera = pane.camera(clientWidth / clientHeight);
  const total = tape.slice(1).reduce((sum, place, i) => sum + distance(tape[i], place), 0);
  return (
    <div className="ll-tape" role="status" aria-label={`measured ${total.toFixed(2)} metres`}>
      {tape.slice(1).map((place, i) => {
        const middle = new THREE.Vector3(...place).add(new THREE.Vector3(...tape[i])).multiplyScalar(0.5).project(camera);
        const left = (middle.x + 1) / 2 * clientWidth, top = (1 - middle.y) / 2 * clientHeight;
        return <span key={i} style={{ left, top }}>{distance(tape[i], place).toFixed(2)} m</span>;
      })}
      {tape.length > 2 && <span className="ll-tape-total">total {total.toFixed(2)} m</span>}
    </div>
  );
}

function distance(a: Vec3, b: Vec3): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
