/** Keys pressed anywhere on the page, unless a field takes them. */

import { type Command, meaningOf } from "./keymap";
import { ACTIONS, setClass } from "./operations";
import type { SignalsSession } from "./session";

const WRITES = "input:not([type=range]):not([type=checkbox]), textarea, select";
const CONTROLS = "button, a, input, select, summary";
/** Keys by which a focused control is used. */
const CONTROL_KEYS = new Set(["Enter", " ", "Space", "Tab", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);
const IN_HELP: ReadonlySet<Command> = new Set(["cancel", "help"]);

export function listenToKeys(session: SignalsSession): () => void {
  const press = (event: KeyboardEvent): void => {
    if (event.defaultPrevented) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (target.matches(WRITES) || (CONTROL_KEYS.has(event.key) && target.matches(CONTROLS))) return;
    const meaning = meaningOf(event, session.state.classes, session.state.keys);
    if (!meaning || (session.state.help && !("command" in meaning && IN_HELP.has(meaning.command)))) return;
    event.preventDefault();
    if ("command" in meaning) ACTIONS[meaning.command](session);
    else setClass(session, meaning.category);
  };
  window.addEventListener("keydown", press);
  return () => window.removeEventListener("keydown", press);
}
