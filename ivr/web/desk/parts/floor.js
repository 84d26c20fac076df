// The floor for those who lead it: queues, agents, who waits, and why. It is read once and follows
// the event stream; who waits in a queue is asked for while somebody looks at that queue.
import { attempt, follow, listenFor } from "../actions.js";
import { get, post, query } from "../api.js";
import { Fragment, html, useEffect, useState } from "../html.js";
import { notify, set, state, use } from "../store.js";
import { clock, useNow } from "../time.js";
import { known, t } from "../words.js";
import { Steer } from "./steer.js";
import { Why } from "./why.js";

const SHOWN = 200; // agents drawn at once; the search finds the others
const LOOK_AGAIN = 5000; // milliseconds between looks at who waits in a queue

async function load() {
  const found = await attempt(() => get("/api/floor"));
  if (!found || !found.queues) return;
  const agents = Object.fromEntries(found.agents.map((row) => [row.agent, row]));
  set({ floor: { queues: found.queues, agents, steered: 0 } });
}

const { anew } = follow(load, {
  queues: ({ queues }) => state.floor && set({ floor: { ...state.floor, queues } }),
  agent: (row) => state.floor && set({ floor: { ...state.floor, agents: { ...state.floor.agents, [row.agent]: row } } }),
});
// Somebody who leads did something about a waiting call: everybody who looks at the floor sees it.
listenFor("steered", ({ what, by, ...had }) => {
  if (!state.floor) return;
  set({ floor: { ...state.floor, steered: state.floor.steered + 1 } });
  const title = (name) => state.floor.queues.find((each) => each.queue === name)?.title || name;
  const [queue, to] = [title(had.queue), title(had.to_queue)];
  if (by !== state.me.user) notify(t(`steered_${what}`, { by, queue, to, priority: had.to_priority }));
});
listenFor("reset", () => state.floor && anew());

const heading = (queue) => `queue ${queue}`;
// Who is being offered to an agent waits until somebody answers.
const unserved = (queue) => queue.waiting + queue.offered;
const share = (value) => (value === null ? "—" : `${Math.round(value * 100)} %`);

function Queues({ queues, open, setOpen }) {
  return html`<section class="card">
    <h2>${t("floor_queues")}</h2>
    <table class="floor-queues">
      <thead><tr><th scope="col">${t("queue")}</th><th scope="col">${t("floor_waiting")}</th><th scope="col">${t("longest_wait")}</th>
        <th scope="col">${t("floor_ready")}</th><th scope="col">${t("floor_talking")}</th><th scope="col">${t("service_level")}</th></tr></thead>
      <tbody>${queues.map((each) => html`<${Fragment} key=${each.queue}>
        <tr class=${unserved(each) ? "busy" : ""}>
          <th scope="row"><button type="button" class="link" id=${heading(each.queue)} aria-expanded=${open === each.queue} onClick=${() => setOpen(open === each.queue ? "" : each.queue)}>${each.title}</button>
            ${!each.open && html` <small>${t("closed")}</small>`}</th>
          <td>${unserved(each)}</td><td class="timer">${unserved(each) ? clock(each.longest_wait) : "—"}</td>
          <td>${each.ready}</td><td>${each.talking}</td><td>${share(each.service_level)}</td>
        </tr>
        ${open === each.queue && html`<tr class="inside"><td colspan="6"><${Waiting} queue=${each} queues=${queues} /></td></tr>`}
      <//>`)}</tbody>
    </table>
  </section>`;
}

// The calls of one queue, looked at again while somebody reads them.
function Waiting({ queue, queues }) {
  const { floor } = use();
  const [calls, setCalls] = useState(null);
  const [shown, setShown] = useState(""); // what is shown of which call
  const now = useNow();
  useEffect(() => {
    let late = false;
    const look = () => attempt(() => get(query("/api/floor/calls", { queue: queue.queue }))).then((found) => !late && Array.isArray(found) && setCalls(found));
    look();
    const timer = setInterval(look, LOOK_AGAIN);
    return () => {
      late = true;
      clearInterval(timer);
    };
  }, [queue.queue, queue.waiting, queue.offered, floor.steered]);
  // The call is not in this list any more, nor is the button that was pressed.
  const gone = () => {
    setShown("");
    document.getElementById(heading(queue.queue))?.focus();
  };
  const opens = (what, call, name) => {
    const mine = `${what} ${call.call}`;
    return html`<button type="button" aria-label=${`${t(what)} ${name}`} aria-expanded=${shown === mine} onClick=${() => setShown(shown === mine ? "" : mine)}>${t(what)}</button>`;
  };
  const name = (call) => call.caller_name || call.caller || t("unknown_caller");
  const named = (agent) => floor.agents[agent]?.name || agent;
  const rung = (call) => t("rings_at", { name: [call.agent, ...call.also].map(named).join(", ") });
  return html`<ul class="rows calls">
      ${calls && calls.length === 0 && html`<li class="quietly">${t("nobody_waits")}</li>`}
      ${(calls ?? []).map((call) => html`<li key=${call.call}>
        <span>${call.position ? html`<b class="place">${call.position}</b> ` : ""}<b>${name(call)}</b>
          <small>${known("channel", call.channel)} · ${clock(now - call.since)}${call.agent && ` · ${rung(call)}`}</small></span>
        <span class="doing">${!call.agent && opens("why_waits", call, name(call))} ${opens("change", call, name(call))}</span>
        ${shown === `why_waits ${call.call}` && html`<${Why} key=${call.call} call=${call.call} agents=${floor.agents} />`}
        ${shown === `change ${call.call}` && html`<${Steer} key=${call.call} call=${call} queues=${queues} done=${gone} />`}
      </li>`)}
    </ul>`;
}

// What may be done for an agent; asked anew whenever the panel opens, told by every answer.
function Actions({ row }) {
  const [now, setNow] = useState(null);
  const [reason, setReason] = useState("");
  const [atOnce, setAtOnce] = useState(false);
  const at = `/api/agents/${encodeURIComponent(row.agent)}`;
  const ask = async (action) => {
    const found = await attempt(action);
    if (found && found.row) setNow(found);
  };
  useEffect(() => {
    ask(() => get(at));
  }, []);
  if (!now) return null;
  const go = (path, body) => () => ask(() => post(`${at}/${path}`, body));
  // At once: what rings is taken back, a wrap-up ends. A conversation is never cut.
  const be = (state, path, body) => (atOnce ? go("force", { ...body, state }) : go(path, body));
  const out = row.state === "logged_out";
  return html`<div class="actions">
    <p class="facts">
      <button type="button" onClick=${be("ready", "ready")}>${t(out ? "log_in" : "go_ready")}</button>
      ${!out && html`<select aria-label=${`${t("take_break")}: ${row.name}`} value=${reason} onChange=${(event) => setReason(event.target.value)}>
          ${now.pause_reasons.map((each) => html`<option key=${each} value=${each}>${known("reason", each)}</option>`)}
        </select>
        <button type="button" onClick=${be("paused", "pause", { reason: reason || now.pause_reasons[0] })}>${t("take_break")}</button>
        <button type="button" class="bad" onClick=${be("logged_out", "log-out")}>${t("log_out")}</button>
        <label class="check"><input type="checkbox" checked=${atOnce} onChange=${() => setAtOnce(!atOnce)} /> ${t("at_once_too")}</label>`}
    </p>
    <ul class="rows">${now.queues.map((each) => html`<li key=${each.queue}><span>${each.title}</span>
      <button type="button" aria-pressed=${each.joined} aria-label=${`${t(each.joined ? "leave" : "join")}: ${each.title}`}
        onClick=${go(`queues/${encodeURIComponent(each.queue)}/${each.joined ? "leave" : "join"}`)}>${t(each.joined ? "leave" : "join")}</button></li>`)}</ul>
  </div>`;
}

function Agent({ row, now }) {
  const [open, setOpen] = useState(false);
  const until = row.state === "wrap_up" ? row.wrap_up_until : null;
  return html`<li data-state=${row.state}>
    <button type="button" class="agent-row" aria-expanded=${open} onClick=${() => setOpen(!open)}>
      <span class="dot" aria-hidden="true"></span>
      <span class="whom"><b>${row.name}</b> <small>${row.agent}</small></span>
      <span>${known("state", row.state)}${row.reason && ` · ${known("reason", row.reason)}`}${row.outside && ` · ${t("outside")}`}</span>
      <span class="timer">${row.state === "logged_out" ? "" : clock(until ? until - now : now - row.since)}</span>
    </button>
    ${open && html`<${Actions} row=${row} />`}
  </li>`;
}

const ORDER = ["offered", "talking", "wrap_up", "ready", "paused", "logged_out"];

function Agents({ agents }) {
  const [text, setText] = useState("");
  const now = useNow();
  const fits = (row) => `${row.name} ${row.agent} ${row.queues.join(" ")}`.toLowerCase().includes(text.toLowerCase());
  const rows = Object.values(agents).filter(fits);
  rows.sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.name.localeCompare(b.name));
  return html`<section class="card">
    <h2>${t("floor_agents")}</h2>
    <label>${t("search")}<input type="search" value=${text} onInput=${(event) => setText(event.target.value)} /></label>
    <ul class="floor-agents">${rows.slice(0, SHOWN).map((row) => html`<${Agent} key=${row.agent} row=${row} now=${now} />`)}</ul>
    ${rows.length > SHOWN && html`<p class="quietly">${t("more_agents", { count: rows.length - SHOWN })}</p>`}
  </section>`;
}

export function Floor() {
  const { floor } = use();
  const [open, setOpen] = useState("");
  useEffect(() => {
    anew();
    return () => set({ floor: null });
  }, []);
  if (!floor) return html`<p class="quietly">${t("connecting")}</p>`;
  return html`<h1 class="sr">${t("view_floor")}</h1>
    <div class="columns floor">
      <${Queues} queues=${floor.queues} open=${open} setOpen=${setOpen} />
      <${Agents} agents=${floor.agents} />
    </div>`;
}
