// The contact in hand: who calls, why, what they met and said, and what to do with the call.
import { hangUp, handOver, hold, joinAll, takeBack } from "../actions.js";
import { html, useRef, useEffect } from "../html.js";
import { Key, useKey } from "../keys.js";
import { set, use } from "../store.js";
import { clock, hour, useNow } from "../time.js";
import { known, locale, t } from "../words.js";
import { Disposition } from "./disposition.js";
import { Guidance } from "./guidance.js";
import { Facts, Sure, Tags } from "./pieces.js";

function Head({ pop, contact, customer }) {
  const now = useNow();
  const { agent } = use();
  const name = (customer && customer.name) || (contact && contact.caller_name) || pop.caller_name;
  const number = (contact && contact.number) || pop.caller;
  const phase = pop.chat && !pop.over ? "chatting" : pop.ringing ? "ringing" : pop.over ? (agent && agent.state === "wrap_up" ? "wrapping" : "over") : "answered";
  const talk = phase === "answered" && pop.talk && pop.talk.state !== "talking" ? pop.talk : null;
  return html`<header class="head" data-phase=${phase} data-talk=${talk ? talk.state : undefined}>
    <div>
      <p class="phase" role="status">
        <strong>${t(phase)}</strong>
        ${!pop.over && !pop.chat && agent && html`<span class="timer">${clock(now - agent.since)}</span>`}
        ${talk && html`<span class="after">${t(`talk_${talk.state}`, { name: talk.name })}</span>`}
      </p>
      <h1>${name || number || t("unknown_caller")}</h1>
      <p class="facts">
        ${name && number && html`<span class="number">${number}</span>`}
        <span>${(contact && contact.queue_title) || pop.title || pop.queue}</span>
        ${contact && contact.reason && html`<strong class="reason">${contact.reason}</strong>`}
        ${contact && html`<${Sure} contact=${contact} customer=${customer} />`}
        ${customer && customer.segment && html`<span class="badge">${customer.segment}</span>`}
        ${customer && html`<${Tags} of=${customer.tags} />`}
      </p>
    </div>
    <${Moves} pop=${pop} number=${number} />
  </header>`;
}

// Every move with the call: its words, its key, what it does, and how the call must stand for it.
const MOVES = [
  ["hold", "h", hold, ["talking"]],
  ["take_back", "h", takeBack, ["held"]],
  ["only_caller", "h", takeBack, ["asking", "asked", "conference"]],
  ["join_all", "j", joinAll, ["asked"]],
  ["hand_over", "l", handOver, ["asked", "conference"]],
  ["ask_colleague", "c", () => set({ dialog: "ask" }), ["talking", "held"]],
  ["transfer", "t", () => set({ dialog: "transfer" }), ["talking", "held"]],
];

function Move({ words, of, go }) {
  useKey(of, go);
  return html`<button type="button" onClick=${go}>${t(words)}<${Key} of=${of} /></button>`;
}

function Moves({ pop, number }) {
  const talks = pop.answered && !pop.over && !pop.chat;
  const how = pop.talk ? pop.talk.state : "talking";
  useKey("m", () => set({ dialog: "text" }));
  return html`<div class="moves">
    ${talks && MOVES.filter(([, , , when]) => when.includes(how)).map(([words, of, act]) => html`<${Move} key=${words} words=${words} of=${of} go=${() => act()} />`)}
    <button type="button" disabled=${!number} onClick=${() => set({ dialog: "text" })}>${t("text")}<${Key} of="m" /></button>
    <button type="button" class="bad" disabled=${!talks} onClick=${hangUp}>${t("hang_up")}</button>
  </div>`;
}

function Path({ steps }) {
  return html`<section class="card">
    <h2>${t("path")}</h2>
    ${steps.length === 0 && html`<p class="quietly">${t("no_path")}</p>`}
    <ol class="path">
      ${steps.map(
        (step) => html`<li key=${`${step.at}${step.kind}${step.step}`} data-kind=${step.kind}>
          <time>${hour(step.at, locale())}</time>
          <span>${step.step && html`<b>${step.step}</b> `}${step.text}</span>
        </li>`,
      )}
    </ol>
  </section>`;
}

export function Transcript({ lines }) {
  const end = useRef(null);
  useEffect(() => {
    if (end.current) end.current.scrollTop = end.current.scrollHeight;
  }, [lines.length]);
  return html`<section class="card">
    <h2>${t("transcript")}</h2>
    <ol class="lines" ref=${end} tabindex="0">
      ${lines.map(
        (line, place) => html`<li key=${place} class=${`line ${line.by}`}>
          <small>${t(`by_${line.by}`)} · ${hour(line.at, locale())}</small>
          <p>${line.text || html`<em>${line.file}</em>`}</p>
        </li>`,
      )}
    </ol>
  </section>`;
}

function Basics({ contact }) {
  const rows = [
    [t("came_by"), known("channel", contact.channel)],
    [t("called"), contact.dialled],
    [t("flow"), contact.flow],
    [t("spoken"), contact.language],
    [t("waited"), clock(contact.wait_seconds)],
    contact.chat_seconds > 0 && [t("chatted"), clock(contact.chat_seconds)],
    contact.talk_seconds > 0 && [t("talked"), clock(contact.talk_seconds)],
  ].filter((row) => row && row[1]);
  return html`<dl class="basics">
    ${rows.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}

export function ContactPage() {
  const { pop, contact, customer } = use();
  useKey("d", () => set({ dialog: "dial" }));
  if (!pop) {
    return html`<div class="empty">
      <h1>${t("nobody")}</h1>
      <p>${t("nobody_hint")}</p>
      <button type="button" onClick=${() => set({ dialog: "dial" })}>${t("dial")}<${Key} of="d" /></button>
    </div>`;
  }
  return html`<${Head} pop=${pop} contact=${contact} customer=${customer} />
    ${contact &&
    html`<div class="columns">
      <div>
        <section class="card">
          <h2>${t("fields")}</h2>
          <${Facts} of=${contact.fields} />
          ${Object.keys(contact.identity).length > 0 && html`<h2>${t("identity")}</h2><${Facts} of=${contact.identity} />`}
          <${Basics} contact=${contact} />
        </section>
        ${pop.answered && html`<${Disposition} key=${pop.offer} contact=${contact} />`}
      </div>
      <div>
        ${contact.transcript.length > 0 && html`<${Transcript} lines=${contact.transcript} />`}
        <${Guidance} contact=${contact} />
        <${Path} steps=${contact.path} />
      </div>
    </div>`}`;
}
