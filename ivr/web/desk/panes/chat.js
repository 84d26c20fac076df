// The agent's chats and texts: what is on offer, and a pane for each conversation in hand.
import { attempt, follow, leaveChat, listenFor, takeChat } from "../actions.js";
import { get, newId, post } from "../api.js";
import { html, useEffect, useRef } from "../html.js";
import { notify, set, state, use } from "../store.js";
import { Guidance } from "../parts/guidance.js";
import { Facts, Sure, Tags } from "../parts/pieces.js";
import { locale, t } from "../words.js";

const path = (chat, rest = "") => `/api/chats/${encodeURIComponent(chat)}${rest}`;
const put = (chat, changes) =>
  set({ chats: { ...state.chats, [chat]: { ...state.chats[chat], ...changes } } });
const drop = (chat) => {
  leaveChat(chat);
  const { [chat]: _, ...rest } = state.chats;
  set({ chats: rest, chat: state.chat === chat ? Object.keys(rest)[0] : state.chat });
};
const queueTitle = (queue) => state.queues.find((each) => each.queue === queue)?.title || queue;
const offers = () => state.chatOffers || {};

export const unreadChats = () =>
  Object.values(state.chats).reduce((sum, each) => sum + (each.unread || 0), 0) +
  Object.keys(offers()).length;

// --- what is told --------------------------------------------------------------------------------

async function look() {
  if (!state.me?.agent) return;
  const [mine, offered] = await Promise.all([
    attempt(() => get("/api/chats")),
    attempt(() => get("/api/chats/offers")),
  ]);
  if (Array.isArray(mine)) set({ chats: Object.fromEntries(mine.map((each) => [each.chat, { ...each, unread: 0 }])) });
  if (Array.isArray(offered)) set({ chatOffers: Object.fromEntries(offered.map((each) => [each.offer, each])) });
}

const over = (offer) => {
  const { [offer]: _, ...rest } = offers();
  set({ chatOffers: rest });
};
const add = (line) => {
  const pane = state.chats[line.chat];
  if (!pane || pane.messages.some((each) => each.id === line.id)) return;
  const shown = state.view === "chat" && state.chat === line.chat && !document.hidden;
  const unread = line.sender === "visitor" && !shown ? (pane.unread || 0) + 1 : pane.unread || 0;
  put(line.chat, { messages: [...pane.messages, line], unread });
};

const { anew, also } = follow(look, {
  chat_offered: (offer) => set({ chatOffers: { ...offers(), [offer.offer]: offer } }),
  offer_over: ({ offer }) => over(offer),
  chat_message: add,
  chat_receipt({ chat, id, state: way }) {
    const pane = state.chats[chat];
    if (pane) put(chat, { messages: pane.messages.map((each) => (each.id === id ? { ...each, state: way } : each)) });
  },
  chat_state({ chat, state: phase, visitor }) {
    if (phase === "closed") drop(chat);
    else if (state.chats[chat]) put(chat, { ...(phase && { state: phase }), ...(visitor && { visitor }) });
  },
});

listenFor("reset", anew);
listenFor("chat_offered", () => !state.pop && set({ view: "chat" }));
listenFor("chat_message", ({ chat }) => state.chats[chat] && put(chat, { typing: false }));
listenFor("chat_typing", ({ chat }) => {
  if (!state.chats[chat]) return;
  put(chat, { typing: true });
  setTimeout(() => state.chats[chat] && put(chat, { typing: false }), 4000);
});

// --- what is done --------------------------------------------------------------------------------

async function accept(offer) {
  const pane = await attempt(() => post(`/api/chats/offers/${encodeURIComponent(offer)}/accept`));
  also(() => {
    over(offer);
    if (pane?.chat) put(pane.chat, { ...pane, unread: 0 });
  });
  if (pane?.chat) set({ chat: pane.chat, view: "chat" });
}

const decline = (offer) => attempt(() => post(`/api/chats/offers/${encodeURIComponent(offer)}/decline`));

async function say(chat, text) {
  const id = newId();
  const line = await attempt(() => post(path(chat, "/messages"), { text, id }));
  if (!line?.id) return false;
  also(() => add(line));
  return true;
}

async function close(chat) {
  if (await attempt(() => post(path(chat, "/close")))) also(() => drop(chat));
}

async function code(chat) {
  if (await attempt(() => post(path(chat, "/code")))) notify(t("code_sent"));
}

async function attach(chat, file) {
  const headers = { "X-Tieline": "1", "Content-Type": "application/octet-stream" };
  const where = path(chat, `/files?name=${encodeURIComponent(file.name)}`);
  const answer = await fetch(where, { method: "POST", body: file, headers, credentials: "same-origin" });
  if (!answer.ok) notify((await answer.json()).detail, true);
}

// --- what is drawn -------------------------------------------------------------------------------

function Offer({ offer }) {
  return html`<li class="chat-offer">
    <small>${t(`channel_${offer.kind}`)}</small>
    <strong>${offer.name || offer.address || t("unknown_caller")}</strong>
    <span>${offer.tell_agent || queueTitle(offer.queue)}</span>
    <span class="moves"><button type="button" class="main" onClick=${() => accept(offer.offer)}>${t("take_chat")}</button>
      <button type="button" onClick=${() => decline(offer.offer)}>${t("not_me")}</button></span>
  </li>`;
}

function File({ chat, file, loaded }) {
  const where = path(chat, `/files/${file.id}`);
  const shown = file.type.startsWith("image/") ? html`<img src=${where} alt=${file.name} onLoad=${loaded} />` : file.name;
  return html`<a href=${where} target="_blank" rel="noopener">${shown}</a>`;
}

function Line({ line, loaded }) {
  const who = { visitor: t("by_customer"), bot: t("by_bot"), agent: t("by_agent"), system: t("by_house") }[line.sender];
  return html`<li class=${`said ${line.sender}`}>
    <span class="who">${who}</span>
    ${line.text && html`<span class="words">${line.text}</span>`}
    ${line.attachments.map((file) => html`<${File} key=${file.id} chat=${line.chat} file=${file} loaded=${loaded} />`)}
    <span class="when"><time>${new Date(line.at * 1000).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit" })}</time>
      ${line.sender === "agent" && t(`way_${line.state}`)}</span>
  </li>`;
}

function Writing({ pane }) {
  const file = useRef(null);
  const send = async (event) => {
    event.preventDefault();
    const field = event.target.elements.text;
    const text = field.value.trim();
    told.current = 0;
    field.focus();
    if (!text) return;
    field.value = ""; // at once: what is written meanwhile is the next message
    if (!(await say(pane.chat, text))) field.value = [text, field.value].filter(Boolean).join("\n");
  };
  const told = useRef(0);
  const types = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      event.target.form.requestSubmit();
    } else if (Date.now() - told.current > 2000) {
      told.current = Date.now();
      post(path(pane.chat, "/typing"), { on: true }).catch(() => {});
    }
  };
  return html`<form class="chat-write" onSubmit=${send}>
    <label class="unseen" for="chat-text">${t("message")}</label>
    <textarea id="chat-text" name="text" rows="2" maxlength="4000" onKeyDown=${types}></textarea>
    ${pane.kind === "chat" &&
    html`<input ref=${file} type="file" class="unseen" aria-label=${t("attach")} tabindex="-1"
        onChange=${(event) => event.target.files[0] && attach(pane.chat, event.target.files[0])} />
      <button type="button" onClick=${() => file.current.click()}>${t("attach")}</button>`}
    <button type="submit" class="main">${t("send")}</button>
    <button type="button" onClick=${() => code(pane.chat)}>${t("give_code")}</button>
    <button type="button" onClick=${() => close(pane.chat)}>${t("end_chat")}</button>
  </form>`;
}

function Pane({ pane }) {
  const log = useRef(null);
  const toTheEnd = () => {
    if (log.current) log.current.scrollTop = log.current.scrollHeight;
  };
  useEffect(() => {
    toTheEnd();
    if (pane.unread) put(pane.chat, { unread: 0 });
  }, [pane.messages.length, pane.chat, pane.typing]);
  const where = pane.state === "parked" ? t("chat_parked") : pane.visitor === "away" ? t("visitor_away") : "";
  return html`<section class="chat-pane" aria-label=${pane.name || pane.address}>
    <header><h1>${pane.name || pane.address || t("unknown_caller")}</h1>
      <span class="quietly">${t(`channel_${pane.kind}`)} · ${queueTitle(pane.queue)}${where && ` · ${where}`}</span></header>
    <div class="chat-log" ref=${log} role="log" aria-live="polite" tabindex="0" aria-label=${t("transcript")}><ol>
      ${pane.messages.map((line) => html`<${Line} key=${line.id} line=${line} loaded=${toTheEnd} />`)}
      ${pane.typing && html`<li class="quietly">${t("visitor_types")}</li>`}
    </ol></div>
    <${Writing} key=${pane.chat} pane=${pane} />
  </section>`;
}

// What is known of whoever writes, beside what they write.
function About({ pane }) {
  const { pop, contact, customer } = use();
  if (!contact || !pop || pop.contact !== pane.chat || contact.id !== pane.chat) return null;
  return html`<aside class="chat-about" aria-label=${t("view_contact")}>
    <section class="card">
      ${contact.reason && html`<p class="reason"><strong>${contact.reason}</strong></p>`}
      <p class="facts">
        <${Sure} contact=${contact} customer=${customer} />
        ${customer && customer.segment && html`<span class="badge">${customer.segment}</span>`}
        ${customer && html`<${Tags} of=${customer.tags} />`}
        ${contact.number && html`<span class="number">${contact.number}</span>`}
      </p>
      <${Facts} of=${{ ...contact.identity, ...contact.fields }} />
      <p class="moves"><button type="button" onClick=${() => set({ view: "contact" })}>${t("whole_contact")}</button>
        <button type="button" onClick=${() => set({ view: "customer" })}>${t("view_customer")}</button></p>
    </section>
    <${Guidance} contact=${contact} />
  </aside>`;
}

function lastWords({ messages }) {
  const last = messages.at(-1);
  return last ? last.text || last.attachments.map((file) => file.name).join(", ") : "";
}

export function Chats() {
  const { chats, chat, me } = use();
  useEffect(() => { if (me?.agent) anew(); }, []);
  const panes = Object.values(chats).filter((each) => each.messages);
  const shown = chats[chat]?.messages ? chats[chat] : panes[0];
  const offered = Object.values(offers());
  useEffect(() => {
    if (shown) takeChat(shown);
  }, [shown && shown.chat]);
  if (!panes.length && !offered.length) {
    return html`<div class="empty"><h1>${t("no_chats")}</h1><p>${t("chats_hint")}</p></div>`;
  }
  return html`<div class="chats">
    <nav class="chat-list" aria-label=${t("view_chat")}>
      <ul>${offered.map((offer) => html`<${Offer} key=${offer.offer} offer=${offer} />`)}</ul>
      ${panes.map(
        (each) => html`<button type="button" key=${each.chat} aria-current=${each === shown ? "true" : undefined}
          class=${each === shown ? "view on" : "view"} onClick=${() => set({ chat: each.chat })}>
          <span class="whom"><b>${each.name || each.address || t("unknown_caller")}</b>
            <small>${lastWords(each)}</small></span>
          ${each.unread > 0 && html`<span class="count">${each.unread}</span>`}
        </button>`,
      )}
    </nav>
    ${shown && html`<${Pane} pane=${shown} /><${About} pane=${shown} />`}
  </div>`;
}
