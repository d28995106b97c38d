/** The large view with the three close ones beside it, all on one canvas. */

import React, { useEffect, useRef, useState } from "react";
import type { Editor } from "../session/editor";
import { closePoints } from "../session/detail";
import { type EditorState, chosenBox } from "../session/state";
import type { PlaneName } from "../geometry/plane_view";
import { CloseCloud } from "../views/close_cloud";
import { MainMouse, type Rectangle } from "../views/main_mouse";
import { MainPane } from "../views/main_pane";
import { type ColouredCloud, Scenery } from "../views/scenery";
import { Stage } from "../views/stage";
import { Minimap } from "./Minimap";
import { PlaneView } from "./PlaneView";
import { TapeLabels } from "./TapeLabels";
import { useEditor, useEditorState } from "./use_editor";

const REST_MS = 160;
const PLANES: readonly PlaneName[] = ["top", "side", "front"];

export interface Studio {
  readonly stage: Stage;
  readonly close: CloseCloud;
  /** The points for the close views. */
  readonly ofClose: (state: EditorState) => ColouredCloud | null;
}

export function Views() {
  const editor = useEditor();
  const canvas = useRef<HTMLCanvasElement>(null);
  const main = useRef<HTMLDivElement>(null);
  const [studio, setStudio] = useState<Studio | null>(null);
  const [pane, setPane] = useState<MainPane | null>(null);
  const [rectangle, setRectangle] = useState<Rectangle | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const theme = useEditorState((state) => state.settings.theme);
  const chosen = useEditorState((state) => state.chosen);

  useEffect(() => {
    if (!canvas.current || !main.current) return undefined;
    try {
      return openStudio(canvas.current, main.current);
    } catch (error) {
      setFailure(`this browser gives no WebGL (${error instanceof Error ? error.message : String(error)}); turn on hardware or software rendering`);
      return undefined;
    }
  }, [editor]);

  function openStudio(area: HTMLCanvasElement, element: HTMLElement): () => void {
    const stage = new Stage(area), scenery = new Scenery(), closeScenery = new Scenery(), mainPane = new MainPane(element);
    const close = new CloseCloud();
    let rest: ReturnType<typeof setTimeout>;
    const moving = () => {
      if (!stage.slow) return;
      mainPane.backdrop.setMoving(true);
      clearTimeout(rest);
      rest = setTimeout(() => {
        mainPane.backdrop.setMoving(false);
        stage.invalidate(mainPane);
      }, REST_MS);
    };
    const show = () => {
      if (mainPane.show(editor.state, scenery.of(editor.state))) stage.invalidate(mainPane);
      if (editor.editedAt) queueMicrotask(() => queueMicrotask(showEdit)); // after React
    };
    const showEdit = () => {
      if (!stage.drawAtOnce()) editor.editedAt = 0; // nothing of it is seen here
    };
    show();
    const remove = stage.add(mainPane);
    const unsubscribe = editor.subscribe(show);
    const camera = () => mainPane.camera(element.clientWidth / element.clientHeight);
    const detach = new MainMouse(element, editor, camera, moving, setRectangle).attach();
    stage.onDrawn = (complete) => markDrawn(editor.state.cloudFrame, editor, complete);
    const ofClose = (state: EditorState) => {
      const cloud = closePoints(state);
      return cloud === (state.fused ?? state.cloud) ? scenery.of(state) : closeScenery.of(state, cloud);
    };
    setStudio({ stage, close, ofClose });
    setPane(mainPane);
    return () => {
      clearTimeout(rest);
      detach();
      unsubscribe();
      remove();
      mainPane.dispose();
      close.dispose();
      stage.dispose();
    };
  }

  useEffect(() => studio?.stage.setBackground(theme === "dark" ? "#0b0f16" : "#f1f4f8"), [studio, theme]);

  return (
    <div className="ll-views" data-chosen={chosen ?? ""}>
      <canvas ref={canvas} className="ll-canvas" aria-hidden="true" />
      <div ref={main} className="ll-main" role="application" tabIndex={0}
        aria-label="All points and cuboids. Drag to orbit, right drag to pan, wheel to zoom; Control and drag draws a cuboid.">
        {failure && <p role="alert" className="ll-failure">{failure}</p>}
        {rectangle && <DrawingOutline rectangle={rectangle} />}
        {pane && <TapeLabels pane={pane} />}
        <Minimap />
        <Loading />
      </div>
      {studio && PLANES.map((plane) => <PlaneView key={plane} plane={plane} studio={studio} />)}
    </div>
  );
}

/** Times that a person feels, for the browser's profiler and our benchmark. */
function markDrawn(frame: number, editor: Editor, complete: boolean): void {
  if (editor.editedAt) performance.measure("edit visible", { start: editor.editedAt });
  editor.editedAt = 0;
  if (!editor.steppedAt || frame < 0) return;
  if (!editor.seenAt) performance.measure("frame visible", { start: editor.steppedAt });
  editor.seenAt ||= performance.now();
  if (!complete) return;
  performance.measure("frame complete", { start: editor.steppedAt });
  editor.steppedAt = editor.seenAt = 0;
}

function DrawingOutline({ rectangle: { from, to } }: { rectangle: Rectangle }) {
  return (
    <svg className="ll-overlay" aria-hidden="true">
      <rect x={Math.min(from[0], to[0])} y={Math.min(from[1], to[1])} width={Math.abs(to[0] - from[0])} height={Math.abs(to[1] - from[1])} className="ll-drawing" />
    </svg>
  );
}

function Loading() {
  const behind = useEditorState((state) => state.frame !== state.cloudFrame);
  const drafting = useEditorState((state) => chosenBox(state) === null && state.chosen !== null);
  const cloud = useEditorState((state) => state.cloud);
  if (behind) return <p className="ll-hint" role="status">loading points …</p>;
  if (cloud && cloud.count < cloud.total) return <p className="ll-hint" role="status">{cloud.count.toLocaleString("en")} of {cloud.total.toLocaleString("en")} points; all of them about the chosen cuboid</p>;
  return drafting ? <p className="ll-hint" role="status">the chosen object has no cuboid in this frame</p> : null;
}
