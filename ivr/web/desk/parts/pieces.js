// Small things that several parts show.
import { html, useLayoutEffect, useRef } from "../html.js";
import { known, t } from "../words.js";

const plain = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value));

export function Facts({ of }) {
  const pairs = Object.entries(of).filter(([, value]) => value !== null && value !== "");
  if (pairs.length === 0) return html`<p class="quietly">—</p>`;
  return html`<dl class="facts">
    ${pairs.map(([name, value]) => html`<div key=${name}><dt>${name.replaceAll("_", " ")}</dt><dd>${plain(value)}</dd></div>`)}
  </dl>`;
}

// How sure it is who that is: what the flow found out, or else that they are one of ours.
export function Sure({ contact, customer }) {
  const level = contact.level === "unknown" && customer ? "customer" : contact.level;
  return html`<span class=${contact.verified ? "badge good" : "badge"}>${contact.verified ? t("verified") : known("level", level)}</span>`;
}

export const Tags = ({ of }) => of.map((tag) => html`<span class="tag" key=${tag}>${tag}</span>`);

// A modal dialog: the browser's own, which keeps the focus inside and gives it back.
export function Dialog({ title, close, children, blocking = false }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const { current } = box;
    current.showModal();
    return () => current.close();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    if (!blocking) close();
  };
  // Browsers let a second Escape close what refused the first one.
  const closed = () => box.current && box.current.isConnected && !box.current.open && again();
  const again = () => (blocking ? box.current.showModal() : close());
  return html`<dialog ref=${box} onCancel=${cancel} onClose=${closed} aria-label=${title}>
    <header><h2>${title}</h2>
      ${!blocking && html`<button type="button" class="quiet" aria-label=${t("close")} onClick=${close}>×</button>`}
    </header>
    ${children}
  </dialog>`;
}
