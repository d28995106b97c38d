/** The editor for the components below, and parts of its state that draw them again when they change. */

import React, { createContext, useContext, useSyncExternalStore } from "react";
import type { Editor } from "../session/editor";
import type { EditorState } from "../session/state";

const EditorContext = createContext<Editor | null>(null);
export const EditorProvider = EditorContext.Provider as React.Provider<Editor | null>;

export function useEditor(): Editor {
  const editor = useContext(EditorContext);
  if (!editor) throw new Error("outside of the editor");
  return editor;
}

/** `pick` must return the same object while nothing changed. */
export function useEditorState<T>(pick: (state: EditorState) => T): T {
  const editor = useEditor();
  return useSyncExternalStore(editor.subscribe, () => pick(editor.state));
}
