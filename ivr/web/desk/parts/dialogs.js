// What opens over the desk: passing a call on, a text message, a number to call, the keys.
import { askColleague, dial, sendText, transfer, whoIsFree } from "../actions.js";
import { newId } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { keysAreOn, switchKeys } from "../keys.js";
import { set, use } from "../store.js";
import { viewsOf } from "../views.js";
import { known, t } from "../words.js";
import { Dialog } from "./pieces.js";

const close = () => set({ dialog: "" });

function estimate(queue) {
  if (!queue.open) return t("closed");
  if (queue.estimate === 0) return t("at_once");
  if (queue.estimate === null) return t("not_known");
  const [low, high] = [Math.floor(queue.low / 60), Math.max(1, Math.ceil(queue.high / 60))];
  return t("estimate", { minutes: low === high ? high : `${low}–${high}` });
}

// Queues and colleagues to choose from; `busy` ones can be chosen where somebody else waits with them.
function Targets({ title, act, busy }) {
  const [targets, setTargets] = useState(null);
  const [text, setText] = useState("");
  useEffect(() => {
    const look = () => whoIsFree().then((found) => found && setTargets(found));
    look();
    const timer = setInterval(look, 3000);
    return () => clearInterval(timer);
  }, []);
  const go = async (target) => (await act(target)) && close();
  const fits = (...words) => words.join(" ").toLowerCase().includes(text.toLowerCase());
  return html`<${Dialog} title=${title} close=${close}>
    <label>${t("search")}<input type="search" autofocus value=${text} onInput=${(event) => setText(event.target.value)} /></label>
    ${targets &&
    html`<div class="columns">
      <section>
        <h3>${t("to_queue")}</h3>
        <ul class="targets">
          ${targets.queues.filter((each) => each.number && fits(each.queue, each.title, each.number)).map(
            (each) => html`<li key=${each.queue}>
              <button type="button" onClick=${() => go({ queue: each.queue })}>
                <b>${each.title}</b>
                <small>${estimate(each)} · ${t("waiting", { count: each.waiting })}</small>
              </button>
            </li>`,
          )}
        </ul>
      </section>
      <section>
        <h3>${t("to_agent")}</h3>
        <ul class="targets">
          ${targets.agents.filter((each) => each.state !== "logged_out" && fits(each.agent, each.name)).map(
            (each) => html`<li key=${each.agent}>
              <button type="button" disabled=${!busy && !each.free} onClick=${() => go({ agent: each.agent })}>
                <b>${each.name}</b>
                <small class=${each.free ? "free" : ""}>${each.agent} · ${each.free ? t("free") : known("state", each.state)}</small>
              </button>
            </li>`,
          )}
        </ul>
      </section>
    </div>`}
  <//>`;
}

const Transfer = () => html`<${Targets} title=${t("transfer")} act=${transfer} busy=${true} />`;
const Asking = () => html`<${Targets} title=${t("ask_colleague")} act=${askColleague} busy=${false} />`;

function Texting() {
  const { pop, contact } = use();
  const [to, setTo] = useState((contact && contact.number) || (pop && pop.caller) || "");
  const [text, setText] = useState("");
  const [id] = useState(newId);
  const submit = async (event) => {
    event.preventDefault();
    if (await sendText(text, to, pop ? pop.contact : "", id)) close();
  };
  return html`<${Dialog} title=${t("text")} close=${close}>
    <form onSubmit=${submit}>
      <label>${t("number")}<input type="tel" required value=${to} onInput=${(event) => setTo(event.target.value)} /></label>
      <label>${t("message")}<textarea rows="4" maxlength="1600" required autofocus value=${text} onInput=${(event) => setText(event.target.value)}></textarea></label>
      <footer><span class="quietly">${text.length}</span><button type="submit" class="main">${t("send")}</button></footer>
    </form>
  <//>`;
}

function Dialling() {
  const { dialNumber } = use();
  const [number, setNumber] = useState(dialNumber || "");
  const submit = async (event) => {
    event.preventDefault();
    if (await dial(number)) close();
  };
  return html`<${Dialog} title=${t("dial")} close=${close}>
    <form onSubmit=${submit}>
      <label>${t("number")}<input type="tel" required autofocus value=${number} onInput=${(event) => setNumber(event.target.value)} /></label>
      <p class="quietly">${t("dialling")}</p>
      <footer><button type="submit" class="main">${t("call")}</button></footer>
    </form>
  <//>`;
}

const KEYS = [
  ["r", "key_ready"], ["p", "key_break"], ["w", "key_finish"], ["h", "key_hold"],
  ["c", "key_ask"], ["j", "key_join"], ["l", "key_hand_over"], ["t", "key_transfer"],
  ["m", "key_text"], ["d", "key_dial"], ["/", "key_search"], ["n", "key_note"],
];

function Help() {
  const { me } = use();
  const [on, setOn] = useState(keysAreOn());
  const shown = [...KEYS, [`1–${viewsOf(me).length}`, "key_views"]];
  const turn = () => {
    switchKeys(!on);
    setOn(!on);
    set({});
  };
  return html`<${Dialog} title=${t("help")} close=${close}>
    <p>${t("keys_about")}</p>
    <dl class="keys">${shown.map(([key, words]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${t(words)}</dd></div>`)}</dl>
    <label class="check"><input type="checkbox" checked=${on} onChange=${turn} /> ${t("keys_on")}</label>
  <//>`;
}

const DIALOGS = { transfer: Transfer, ask: Asking, text: Texting, dial: Dialling, help: Help };

export function Dialogs() {
  const { dialog } = use();
  const Shown = DIALOGS[dialog];
  return Shown ? html`<${Shown} key=${dialog} />` : null;
}
