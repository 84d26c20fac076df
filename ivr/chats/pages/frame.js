// The page inside the frame. Whatever people write is put on it as text, never as markup.
import { ask } from "./asking.js";
import { Files } from "./files.js";
import { Line } from "./line.js";
import { whyOf, wordsOf } from "./words.js";

const $ = (id) => document.getElementById(id);
const site = document.body.dataset;
const speaks = (site.languages || "en").split(" ");
const base = (language) => language.split("-")[0];
const known = (language) => speaks.find((each) => base(each) === base(language)) || speaks[0];
let language = known((navigator.language || "en").slice(0, 2).toLowerCase());
let words = wordsOf(language);
let embedder = null; // where the page that holds us is; told by its hello
const pass = window.parent === window ? location.hash.slice(1) : ""; // of a link in a text message
if (pass) history.replaceState(null, "", location.pathname + location.search);
let hello = { language, pass };
let shown = window.parent === window;
let unread = 0;
let phase = "", parked = false;
const mine = new Map(); // id of a message of ours -> its line, until it has a number

// Storage may be refused to a frame: then the conversation lasts as long as the page.
const memory = new Map();
const key = (name) => `tieline.${site.site}.${name}`;
const store = {
  get(name) { try { return localStorage.getItem(key(name)) ?? memory.get(name); } catch { return memory.get(name); } },
  set(name, value) { memory.set(name, value); try { localStorage.setItem(key(name), value); } catch { /* memory has it */ } },
};

const line = new Line(site.site, store, {
  fresh() { files.clear(); $("lines").replaceChildren(...parting, ...mine.values()); },
  greeting, message: show, kept, state, typing, ringing, wait, lapsed,
  another() { mine.clear(); $("text").value = ""; },
  links(told) { files.take(told); },
  connection(up) {
    status(up ? "" : words.away);
    if (!up) return;
    asksAgain = false;
    files.ask();
  },
  refused(told) {
    mine.get(told.id)?.remove();
    status(whyOf(words, told));
    if (!told.id) console.info(told.detail); // for those who build the site
  },
});

// --- words and colours ---------------------------------------------------------------------------

function speak() {
  words = wordsOf(language);
  document.documentElement.lang = language;
  document.documentElement.style.setProperty("--brand", site.colour || "#0b5c8a");
  $("title").textContent = document.body.getAttribute(`data-title-${language}`) || words.title;
  document.title = $("title").textContent;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = words[node.dataset.text];
  for (const node of document.querySelectorAll("[data-word]")) {
    node.setAttribute("aria-label", words[node.dataset.word]);
    node.title = words[node.dataset.word];
  }
  $("text").placeholder = words.write;
  $("attach").hidden = !(Number(site.files) > 0);
}

// Hours as the reader's browser writes them, if it speaks the language of the chat.
const locale = () => (navigator.language.startsWith(language) ? navigator.language : language);

// The bar takes room from the log: who was at its end still sees the last line, who reads further up stays there.
function status(text, ...beside) {
  const { scrollHeight, scrollTop, clientHeight } = $("log");
  $("state").replaceChildren(text, ...beside);
  $("state").hidden = !text;
  if (scrollHeight - scrollTop - clientHeight < 4) scroll();
}

// --- the log -------------------------------------------------------------------------------------

function show(message) {
  const own = message.by === "customer" && mine.get(message.id.replace(/^v\./, ""));
  const item = own || document.createElement("li");
  if (own) mine.delete(message.id.replace(/^v\./, ""));
  fill(item, message.by, message.text, message.at); // as it is kept: of a secret that is a mask
  item.dataset.seq = message.seq;
  if (message.file) item.querySelector(".said").replaceWith(files.shown(message.file));
  if (message.by === "customer") way(item, message.way === "written" ? "sent" : message.way);
  $("lines").append(item);
  if (message.by !== "customer") typing(false);
  scroll();
  if (message.by !== "customer") noticed(message.seq);
}

// What would be said first; it is said for good, with a number, once the visitor has begun.
function greeting(texts) {
  const lines = texts.map((text) => {
    const item = document.createElement("li");
    fill(item, "bot", text);
    return item;
  });
  $("lines").prepend(...lines);
  scroll();
}

function fill(item, by, text, at) {
  item.className = by;
  const who = document.createElement("span");
  who.className = "who";
  who.textContent = { customer: words.you, bot: words.bot, agent: words.agent }[by] || words.house;
  const said = document.createElement("span");
  said.className = "said";
  said.textContent = text;
  const when = document.createElement("span");
  when.className = "when";
  const time = document.createElement("time");
  const date = new Date((at || Date.now() / 1000) * 1000);
  time.dateTime = date.toISOString();
  time.textContent = date.toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit" });
  when.append(time);
  item.replaceChildren(who, said, when);
}

function way(item, name) {
  let mark = item.querySelector(".way");
  if (!mark) {
    mark = document.createElement("span");
    mark.className = "way";
    item.querySelector(".when").append(mark);
  }
  mark.textContent = words[name] || "";
}

const files = new Files((what) => line.tell(what), () => scroll());
document.addEventListener("visibilitychange", () => document.hidden || files.ask());

let hurried = false; // whether the visitor reads that they were too fast
// Something came too fast and was not heard: messages are sent again by the line, links are asked for again here.
function wait(told) {
  files.ask(3000);
  if ($("call").open) $("call-said").textContent = whyOf(words, told);
  else if (told.id || told.why === "crowded") {
    hurried = true;
    status(whyOf(words, told));
  }
}

function kept(id) {
  const item = mine.get(id);
  if (item) way(item, "sent");
  if (hurried) state({ phase, parked });
}

function noticed(seq) {
  if (shown && !document.hidden) line.tell({ type: "seen", seq });
  else {
    unread += 1;
    post({ tieline: "news", count: unread });
  }
}

const scroll = () => { $("log").scrollTop = $("log").scrollHeight; };

// --- where it stands -----------------------------------------------------------------------------

function state(told) {
  ({ phase, parked } = told);
  hurried = false;
  if (chosen && line.chat) upload();
  $("ring").hidden = phase === "over";
  if (asked !== null) askToRing(asked);
  const says = { waiting: words.waiting, over: words.over }[phase] || (parked ? words.parked : "");
  $("text").disabled = $("send").disabled = $("attach").disabled = phase === "over";
  if (phase !== "over") return status(says);
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = words.again;
  again.addEventListener("click", () => { mine.clear(); line.renew(); $("text").focus(); });
  status(says, " ", again);
}

let quiet = 0;
function typing(on = true) {
  clearTimeout(quiet);
  let item = $("typing");
  if (!on) return void item?.remove();
  if (!item) {
    item = document.createElement("li");
    item.id = "typing";
    item.className = "agent";
    item.textContent = `${words.agent} ${words.typing}`;
    $("lines").append(item);
    scroll();
  }
  quiet = setTimeout(() => typing(false), 4000);
}

function ringing(told) {
  if (told.ok) {
    $("call").close();
    status(words.ringing);
  } else $("call-said").textContent = whyOf(words, told);
}

// --- writing -------------------------------------------------------------------------------------

function send() {
  const text = $("text").value.trim();
  if (!text) return;
  const item = document.createElement("li");
  fill(item, "customer", text);
  way(item, "unsent");
  $("lines").append(item);
  mine.set(line.say(text), item);
  $("text").value = "";
  typed = 0;
  grow();
  scroll();
}

function grow() {
  $("text").style.height = "auto";
  $("text").style.height = `${Math.min(120, $("text").scrollHeight)}px`;
}

let typed = 0;
$("write").addEventListener("submit", (event) => { event.preventDefault(); send(); });
$("text").addEventListener("input", () => {
  grow();
  if (Date.now() - typed > 2000) { typed = Date.now(); line.tell({ type: "typing" }); }
});
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
});
$("attach").addEventListener("click", () => $("file").click());
let chosen = null; // the file to be attached
$("file").addEventListener("change", () => {
  [chosen] = $("file").files;
  $("file").value = "";
  if (chosen?.size > Number(site.files)) {
    chosen = null;
    status(words.tooBig);
  } else if (chosen && line.chat) upload();
  else if (chosen) line.begin(); // it goes where the conversation will be
});

async function upload() {
  const file = chosen;
  chosen = null;
  const path = `/widget/chats/${line.chat}/files?name=${encodeURIComponent(file.name)}`;
  const headers = { "Content-Type": "application/octet-stream", "X-Tieline-Visitor": line.token };
  const answer = await fetch(path, { method: "POST", body: file, headers }).catch(() => null);
  if (!answer) status(words.unsentFile);
  else if (!answer.ok) status(notTaken(answer.status, await answer.json().catch(() => ({}))));
}

function notTaken(code, told) {
  if (told.why) return whyOf(words, told);
  return { 413: words.tooBig, 429: words.why_fast }[code] || words.unsentFile;
}

// --- ring me -------------------------------------------------------------------------------------

let asked = null; // what the site wanted to have rung before there was a conversation
function askToRing(number) {
  asked = line.welcome ? null : number || "";
  if (asked !== null) return;
  $("number").value = number || hello.form?.phone || "";
  $("call-said").textContent = "";
  $("call").showModal();
  $("number").focus();
}
$("ring").addEventListener("click", () => {
  askToRing();
  if (!line.welcome) status(words.away);
});
$("call-no").addEventListener("click", () => $("call").close());
$("call").querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (line.welcome) line.tell({ type: "ring_me", number: $("number").value });
  else $("call-said").textContent = words.away;
});

// --- before the first word -----------------------------------------------------------------------

function begin() {
  const asks = (site.ask || "").split(" ").filter(Boolean);
  if (!asks.length || hello.identity || hello.pass || store.get("token")) return line.open(hello);
  status("");
  $("form").hidden = false;
  $("write").hidden = true;
  ask($("form"), asks, words, (answers) => {
    hello = { ...hello, form: answers };
    $("form").hidden = true;
    $("write").hidden = false;
    status(words.connecting);
    line.open(hello);
    line.begin();
    $("text").focus();
  });
}

// --- the page that holds us ----------------------------------------------------------------------

const post = (message) => embedder && window.parent.postMessage(message, embedder);
let begun = false, connected = false;
// A page that is only looked at costs the house nothing: who never wrote and does not look is not connected.
function start() {
  if (begun) return;
  begun = true;
  speak();
  status("");
  if (shown || store.get("chat")) connect();
  if (shown && window.parent !== window) focus();
}
function connect() {
  if (connected) return;
  connected = true;
  status(words.connecting);
  begin();
}
function leave() {
  clearTimeout(waitsForWord);
  parting = [];
  line.leave();
  hello = { language, page: hello.page };
  mine.clear();
  files.clear();
  $("lines").replaceChildren();
  $("text").value = "";
  $("ring").hidden = true;
  status("");
  connected = false;
  if (shown) connect();
}
// The site's word for its visitor is over. Its page has a fresh one if they are still signed in: what they
// write meanwhile goes with that. Without one they are a stranger, to whom nothing is shown.
const WORD_WITHIN = 30 * 1000;
let waitsForWord = 0, asksAgain = false, parting = [];
function lapsed() {
  if (asksAgain || !embedder) return signedOut();
  asksAgain = true;
  waitsForWord = setTimeout(signedOut, WORD_WITHIN);
  post({ tieline: "identity" });
}
function vouchedAgain(identity) {
  if (!waitsForWord) return;
  clearTimeout(waitsForWord);
  waitsForWord = 0;
  if (!identity || identity === hello.identity) return signedOut();
  hello = { ...hello, identity };
  line.open(hello);
}
function signedOut() {
  waitsForWord = 0;
  leave();
  const item = document.createElement("li");
  fill(item, "house", words.signedOut);
  parting = [item];
  $("lines").replaceChildren(item);
}
const focus = () => ($("form").hidden ? $("text") : $("form").elements[0])?.focus();
window.addEventListener("message", (event) => {
  const told = event.data || {};
  if (event.source !== window.parent || !told.tieline) return;
  if (told.tieline === "hello" && !begun) {
    embedder = event.origin;
    language = known(told.language || language);
    hello = { language, identity: told.identity || "", page: told.page || "" };
    shown = Boolean(told.open);
    start();
  } else if (told.tieline === "shown" && event.origin === embedder) {
    shown = told.open;
    if (shown) {
      unread = 0;
      connect();
      line.tell({ type: "seen", seq: line.last });
      focus();
    }
  } else if (told.tieline === "ring" && event.origin === embedder) askToRing(told.number);
  else if (told.tieline === "leave" && event.origin === embedder) leave();
  else if (told.tieline === "identity" && event.origin === embedder) vouchedAgain(told.identity);
});
$("close").addEventListener("click", () => post({ tieline: "close" }));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("call").open) post({ tieline: "close" });
});
speak();
if (window.parent === window) start();
else window.parent.postMessage({ tieline: "ready", colour: site.colour }, "*"); // says nothing but that we are here
