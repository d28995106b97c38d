/** What was done on this page, in order, so that undo takes back the last of it: edits of windows, and alignments of media; pure. */

/** Where a film or sound lay. */
export interface Placing {
  readonly start: number;
  readonly drift: number;
  readonly by: "hand" | "correlation";
}

export interface Aligning {
  readonly medium: number;
  readonly before: Placing;
  readonly after: Placing;
}

export type Step = "windows" | Aligning;

export interface Steps {
  readonly done: readonly Step[];
  readonly undone: readonly Step[];
}

export const NO_STEPS: Steps = { done: [], undone: [] };

export const did = ({ done }: Steps, step: Step): Steps => ({ done: [...done, step], undone: [] });

/** What undo or redo is about; edits of windows where nothing was done here, as the server knows those of earlier pages. */
export function taken({ done, undone }: Steps, what: "undo" | "redo"): { readonly step: Step; readonly steps: Steps } {
  const step = (what === "undo" ? done : undone).at(-1) ?? "windows";
  return what === "undo"
    ? { step, steps: { done: done.slice(0, -1), undone: [...undone, step] } }
    : { step, steps: { done: [...done, step], undone: undone.slice(0, -1) } };
}
