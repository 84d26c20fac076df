// What the desk does: asks the server, and keeps what came back. Every action ends in words.
import { get, post, query, Refused, remove } from "./api.js";
import { leaveThereToo } from "./parts/provider.js";
import { notify, set, state } from "./store.js";
import { Stream } from "./stream.js";
import { t } from "./words.js";

let stream = null;
let newest = 0; // the number of the latest event about this agent: an answer may be older

// Run an action; a refusal is shown, and told to the caller by `undefined`.
export async function attempt(action, good = "") {
  try {
    const result = await action();
    if (good) notify(good);
    return result ?? true;
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (refused.status === 401 && state.me) return leave();
    notify(refused.status === 0 ? t("offline") : refused.message, true);
    return undefined;
  }
}

// --- coming and going ------------------------------------------------------------------------

export async function begin() {
  try {
    set({ me: await get("/api/session") });
  } catch {
    set({ me: null });
  }
  if (state.me) listen();
}

export async function signIn(name, password) {
  const me = await attempt(() => post("/api/session", { name, password }));
  if (!me) return;
  set({ me, notice: null });
  listen();
}

export async function signOut() {
  const { provided } = state.me;
  await attempt(() => remove("/api/session"));
  leave();
  if (provided) leaveThereToo();
}

function leave() {
  if (stream) stream.stop();
  stream = null;
  set({ me: null, agent: null, pop: null, contact: null, customer: null, announcements: [] });
  set({ connected: false, dialog: "", view: "contact", chats: {}, floor: null, imports: [] });
}

function listen() {
  stream = new Stream({ on: take, changed: (connected) => set({ connected }), over: leave });
  stream.start();
}

// --- events ----------------------------------------------------------------------------------

const handlers = {
  hello(event) {
    set({ skew: event.at - Date.now() / 1000 });
    if (event.reset) lookAtEverything();
  },
  agent({ seq, data }) {
    newest = seq;
    takeAgent(data);
  },
  offer: ({ data }) => takeOffer(data),
  call: ({ data }) => takeTalk(data),
  contact({ data }) {
    if (state.pop && state.pop.contact === data.contact) loadContact(state.pop);
  },
  announcement: () => loadAnnouncements(),
  ticket: () => set({ ticketsSeen: Date.now() }),
};

// Panes add what they want to hear: `listenFor("chat_message", (data) => ...)`.
const panes = new Map();
export function listenFor(type, handler) {
  panes.set(type, [...(panes.get(type) ?? []), handler]);
}

// For what is read as a whole and follows the stream: returns `{ anew, also }`. The answer to `read`
// may be older than what was told, or done here by `also`, while it was on its way: that is said again.
export function follow(read, handlers) {
  const readings = new Set();
  const also = (change) => {
    for (const meanwhile of readings) meanwhile.push(change);
    change();
  };
  for (const [type, handler] of Object.entries(handlers)) listenFor(type, (data) => also(() => handler(data)));
  const anew = async () => {
    const meanwhile = [];
    readings.add(meanwhile);
    try {
      await read();
    } finally {
      readings.delete(meanwhile);
    }
    for (const change of meanwhile) change();
  };
  return { anew, also };
}

function tellPanes(type, data) {
  for (const handler of panes.get(type) ?? []) handler(data);
}

function take(event) {
  if (event.type === "hello" && event.reset) newest = 0;
  if (event.type !== "hello") set({ skew: event.at - Date.now() / 1000 });
  const handler = handlers[event.type];
  if (handler) handler(event);
  tellPanes(event.type, event.data);
}

export async function lookAtEverything() {
  loadAnnouncements();
  if (state.me.agent) {
    const mine = await attempt(() => get("/api/agents/me"));
    if (mine) takeMine(mine);
  }
  tellPanes("reset");
}

function takeMine(mine) {
  set({ queues: mine.queues, reasons: mine.pause_reasons });
  if (mine.seq >= newest) takeAgent(mine.row);
  if (state.pop && state.pop.answered) loadTalk(state.pop);
}

function takeAgent(row) {
  if (row.agent !== state.me.agent) return;
  set({ agent: row });
  const pop = state.pop;
  if (row.channel === "chat") return; // a chat on offer is the pane's matter
  if (row.offer && (!pop || pop.offer !== row.offer)) {
    takeOffer({ ...row, title: "", ringing: row.state === "offered" });
  } else if (pop && !pop.chat) {
    const phase = row.offer === pop.offer ? row.state : pop.answered ? "over" : "missed";
    if (phase === "missed") set({ pop: null, contact: null, customer: null });
    else set({ pop: { ...pop, ringing: phase === "offered", answered: pop.answered || phase === "talking", over: phase === "over" } });
  }
}

// A new offer takes the screen. What is still on its way for an older one finds another offer here.
function takeOffer(offer) {
  if (offer.channel === "chat") return;
  const same = state.pop && state.pop.offer === offer.offer;
  const pop = { ...(same ? state.pop : {}), ...offer, answered: !offer.ringing };
  set({ pop });
  if (!same) {
    set({ contact: null, customer: null, view: "contact", dialog: "" });
    document.title = `${offer.caller_name || offer.caller || t("unknown_caller")} · ${t("desk")}`;
  }
  loadContact(pop);
}

// A conversation in letters takes the screen while no call has it.
export function takeChat(pane) {
  const { pop } = state;
  if (pop && !pop.chat && !pop.over) return;
  if (pop && pop.contact === pane.chat) return;
  const mine = { offer: `chat ${pane.chat}`, contact: pane.chat, queue: pane.queue, title: "" };
  set({ pop: { ...mine, caller: "", caller_name: pane.name, chat: true, answered: true }, contact: null, customer: null });
  loadContact(state.pop);
}

export function leaveChat(chat) {
  if (state.pop && state.pop.chat && state.pop.contact === chat) set({ pop: { ...state.pop, over: true } });
}

let contactsAsked = 0;
export async function loadContact(pop) {
  const mine = ++contactsAsked; // of two answers the later question's is the newer
  const contact = await attempt(() => get(`/api/contacts/${encodeURIComponent(pop.contact)}`));
  if (!contact || mine !== contactsAsked || !state.pop || state.pop.offer !== pop.offer) return;
  set({ contact });
  if (contact.customer) loadCustomer(contact.customer, pop);
}

export async function loadCustomer(id, pop = state.pop) {
  const customer = await attempt(() => get(`/api/customers/${id}`));
  const shown = state.pop ? state.pop.offer : undefined;
  if (customer && shown === (pop ? pop.offer : undefined)) set({ customer });
}

export async function loadAnnouncements() {
  const announcements = await attempt(() => get("/api/announcements/unread"));
  if (announcements) set({ announcements });
}

// --- an agent's own state ----------------------------------------------------------------------

const own = (path, body) => async () => {
  const mine = await attempt(() => post(`/api/agents/me/${path}`, body));
  if (mine) takeMine(mine);
  return mine;
};

export const goReady = own("ready");
export const logIn = own("log-in");
export const logOut = own("log-out");
export const finishWrapUp = own("wrap-up/end");
export const extendWrapUp = own("wrap-up/extend", { seconds: 60 });
export const takeBreak = (reason) => own("pause", { reason })();
export const joinQueue = (queue) => own(`queues/${queue}/join`)();
export const leaveQueue = (queue) => own(`queues/${queue}/leave`)();

// --- the call in hand ----------------------------------------------------------------------------

const callPath = (action) => `/api/calls/${encodeURIComponent(state.pop.offer)}/${action}`;

// How the call stands: who is with whom. An answer that an event has overtaken says the same or less.
function takeTalk(talk) {
  const { pop } = state;
  if (!pop || pop.offer !== talk.offer) return;
  const before = pop.talk ? pop.talk.state : "talking";
  set({ pop: { ...pop, talk } });
  if (talk.state === "talking" && ["asking", "asked", "conference"].includes(before)) notify(t("together_again"));
}

async function loadTalk(pop) {
  if (pop.chat || pop.over) return;
  // Who is not told shows a plain talk: a call of another node is that node's.
  const talk = await get(`/api/calls/${encodeURIComponent(pop.offer)}`).catch(() => null);
  if (talk) takeTalk(talk);
}

const talks = (action) => (target) => attempt(() => post(callPath(action), target));

export const hold = talks("hold");
export const takeBack = talks("take-back");
export const askColleague = talks("ask");
export const joinAll = talks("conference");
export const handOver = () =>
  attempt(async () => {
    await post(callPath("complete"));
    return true;
  }, t("transferred"));
export const transfer = (target) =>
  attempt(async () => {
    await post(callPath("transfer"), target);
    return true;
  }, t("transferred"));
export const hangUp = () => attempt(() => post(callPath("hang-up")));

export const whoIsFree = () => attempt(() => get("/api/who-is-free"));
export const sendText = (text, to, contact, id) =>
  attempt(() => post("/api/texts", { text, to, contact, id }), t("sent"));
export const dial = (number) => attempt(() => post("/api/calls", { number }), t("dialling"));
export const searchKnowledge = (text) => attempt(() => get(query("/api/knowledge", { text })));
