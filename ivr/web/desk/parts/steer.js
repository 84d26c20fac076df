// What may be done about a call that waits: another queue, another priority, out of the queue.
import { attempt } from "../actions.js";
import { post } from "../api.js";
import { html, useState } from "../html.js";
import { t } from "../words.js";

export function Steer({ call, queues, done }) {
  const others = queues.filter((each) => each.queue !== call.queue);
  const [to, setTo] = useState("");
  const [priority, setPriority] = useState(call.priority);
  const go = (what, body, said) => attempt(() => post(`/api/floor/calls/${encodeURIComponent(call.call)}/${what}`, body), said);
  const wanted = others.find((each) => each.queue === to) || others[0];
  const move = async (event) => {
    event.preventDefault();
    if (await go("move", { queue: wanted.queue }, t("has_moved", { queue: wanted.title }))) done();
  };
  const place = async (event) => {
    event.preventDefault();
    await go("priority", { priority: Number(priority) }, t("has_priority", { priority }));
  };
  const withdraw = async () => (await go("withdraw", undefined, t("has_left"))) && done();
  return html`<div class="steer">
    ${wanted && html`<form class="inline" onSubmit=${move}>
      <label>${t("move_to")}<select value=${wanted.queue} onChange=${(event) => setTo(event.target.value)}>
        ${others.map((each) => html`<option key=${each.queue} value=${each.queue}>${each.title}${each.open ? "" : ` (${t("closed")})`}</option>`)}
      </select></label>
      <button type="submit">${t("move")}</button>
    </form>`}
    <form class="inline" onSubmit=${place}>
      <label>${t("priority")}<input type="number" min="-100" max="100" step="1" required value=${priority} onInput=${(event) => setPriority(event.target.value)} /></label>
      <button type="submit">${t("set_priority")}</button>
    </form>
    <p><button type="button" class="bad" onClick=${withdraw}>${t("take_out")}</button> <small>${t("take_out_about")}</small></p>
  </div>`;
}
