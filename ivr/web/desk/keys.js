// Shortcuts: one plain key each, shown on its button. They sleep while somebody writes, and can be
// switched off altogether (`?` shows how), as people who dictate need it.
import { html, useLayoutEffect } from "./html.js";

const STORED = "tieline.keys";
const bound = new Map();

export const keysAreOn = () => localStorage.getItem(STORED) !== "off";
export const switchKeys = (on) => localStorage.setItem(STORED, on ? "on" : "off");

function writes(element) {
  return element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (writes(event.target) || !keysAreOn() || document.querySelector("dialog[open]")) return;
  const action = bound.get(event.key);
  if (action) {
    event.preventDefault();
    action();
  }
});

// Bound as soon as it is drawn: a key that is seen on a button works.
export function useKey(key, action) {
  useLayoutEffect(() => {
    if (!action) return undefined;
    bound.set(key, action);
    return () => {
      if (bound.get(key) === action) bound.delete(key);
    };
  });
}

export const Key = ({ of }) => (keysAreOn() ? html`<kbd aria-hidden="true">${of}</kbd>` : null);
