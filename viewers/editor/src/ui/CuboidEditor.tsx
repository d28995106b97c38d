/** The Dash component: opens a recording of a project and lays out the editor. */

import React, { useEffect, useState } from "react";
import { ApiError, Client, RecordingClient } from "../api/client";
import { ontologyPath } from "../api/early";
import { type OntologyJson, readClasses } from "../api/ontology_json";
import { Editor } from "../session/editor";
import { CameraPanel } from "./CameraPanel";
import { Dialogs } from "./Dialogs";
import { listenToKeys } from "./keyboard";
import { ObjectList } from "./ObjectList";
import { ObjectPanel } from "./ObjectPanel";
import { Timeline } from "./Timeline";
import { Toolbar } from "./Toolbar";
import { EditorProvider, useEditor, useEditorState } from "./use_editor";
import { Views } from "./Views";

export interface CuboidEditorProps {
  readonly id?: string;
  /** Path of the API, such as `/api/v1`. */
  readonly api: string;
  readonly project: string;
  readonly recording: string;
  /** Where the page of all projects is. */
  readonly home?: string;
}

export function CuboidEditor({ id, api, project, recording, home = "/" }: CuboidEditorProps) {
  const [editor, setEditor] = useState<Editor | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    let opened: Editor | null = null, gone = false;
    open(api, project, recording).then((ready) => {
      if (gone) return ready.close();
      opened = ready;
      setEditor(ready);
    }).catch((error: unknown) => setFailure(wordsOf(error)));
    return () => {
      gone = true;
      opened?.close();
    };
  }, [api, project, recording]);
  if (failure) return <div id={id} className="ll-editor ll-dark"><p role="alert" className="ll-failure">{failure} <a href={home}>All projects</a></p></div>;
  if (!editor) return <div id={id} className="ll-editor ll-dark"><p className="ll-failure" role="status">opening {recording} …</p></div>;
  return <EditorProvider value={editor}><Workbench id={id} api={api} home={home} /></EditorProvider>;
}

async function open(api: string, project: string, recording: string): Promise<Editor> {
  const client = new Client(api);
  const classes = client.get<OntologyJson>(ontologyPath(project)).then((found) => readClasses(found, "cuboid"));
  const [session, editor] = await Promise.all([
    client.session(),
    Editor.open(new RecordingClient(client, project, recording), classes, `${project}/${recording}`, window.localStorage),
  ]);
  editor.update({ readOnly: session.roles?.[project] === "viewer" });
  goWhereAsked(editor);
  return editor;
}

/** To the frame and the object that the address names, as the signals page's link does. */
function goWhereAsked(editor: Editor): void {
  const asked = new URLSearchParams(window.location.search), frame = asked.get("frame"), track = asked.get("track");
  if (track) editor.choose(Number(track));
  if (frame) void editor.goTo(Number(frame) || 0);
}

function wordsOf(error: unknown): string {
  if (error instanceof ApiError && error.status === 401) return "sign in first";
  return error instanceof Error ? error.message : String(error);
}

function Workbench({ id, api, home }: { id?: string; api: string; home: string }) {
  const editor = useEditor();
  const theme = useEditorState((state) => state.settings.theme);
  useEffect(() => listenToKeys(editor), [editor]);
  return (
    <div id={id} className={`ll-editor ll-${theme}`}>
      <Toolbar home={home} />
      <ObjectList />
      <Views />
      <aside className="ll-right"><CameraPanel base={api} /><ObjectPanel /></aside>
      <Timeline />
      <Notice />
      <Dialogs />
    </div>
  );
}

function Notice() {
  const editor = useEditor();
  const notice = useEditorState((state) => state.notice);
  useEffect(() => {
    if (!notice) return undefined;
    const timer = setTimeout(() => editor.notify(null), 6000);
    return () => clearTimeout(timer);
  }, [notice, editor]);
  return <p className="ll-notice" role="status" aria-live="polite">{notice}</p>;
}
