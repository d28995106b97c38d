/** What is said of a window besides its class: attributes and comments. */

import React, { useState } from "react";
import { AttributeField } from "../ui/ObjectPanel";
import type { SignalsSession } from "./session";
import { duration } from "./time_axis";
import type { ActivityWindow } from "./windows";

interface Part {
  readonly session: SignalsSession;
}

export function WindowAttributes({ session, window }: Part & { window: ActivityWindow }) {
  const asked = session.state.classes.find(({ name }) => name === window.category)?.attributes ?? [];
  return (
    <>{asked.filter(({ scope }) => scope === "window").map((attribute) => (
      <label key={attribute.name} className="ll-check" title={attribute.guideline}>{attribute.name}
        <AttributeField attribute={attribute} value={window.attributes[attribute.name]}
          onSet={(value) => session.edit({ kind: "describe", window: window.id, attributes: { [attribute.name]: value } })} />
        <span className="ll-dim">{attribute.unit}</span>
      </label>
    ))}</>
  );
}

/** Those of the chosen window, else all; open ones first. */
export function Comments({ session }: Part) {
  const [text, setText] = useState("");
  const { comments, chosen } = session.state;
  const shown = comments.filter(({ window }) => chosen === null || window === chosen).sort((a, b) => Number(a.resolved) - Number(b.resolved) || a.id - b.id);
  function send(event: React.FormEvent): void {
    event.preventDefault();
    if (text.trim()) void session.comment(text.trim()).then(() => setText(""));
  }
  return (
    <section className="ll-object" aria-label="Comments">
      <h2>Comments{chosen === null ? "" : " on this window"}</h2>
      {shown.map((comment) => (
        <p key={comment.id} className="ll-comment" data-resolved={comment.resolved}>
          <button type="button" title="Go there" onClick={() => comment.window !== null && session.state.windows.has(comment.window) ? session.choose(comment.window) : comment.time !== null && session.look(session.state.view, comment.time)}>
            {comment.time === null ? "·" : duration(comment.time)}</button> <strong>{comment.author}</strong> {comment.text}{" "}
          <button type="button" onClick={() => void session.resolve(comment)}>{comment.resolved ? "open again" : "done"}</button>
        </p>
      ))}
      <form onSubmit={send}><input aria-label="New comment" value={text} placeholder={chosen === null ? "at the cursor …" : "on this window …"} onChange={(event) => setText(event.target.value)} /> <button type="submit" disabled={!text.trim()}>add</button></form>
    </section>
  );
}
