// The desk: signs in, then shows the work in hand and everything an agent needs around it.
import { attempt, begin, finishWrapUp, goReady } from "./actions.js";
import { html, render, useEffect } from "./html.js";
import { Key, useKey } from "./keys.js";
import { Chats, unreadChats } from "./panes/chat.js";
import { Bar } from "./parts/bar.js";
import { CustomerFiles } from "./parts/files.js";
import { Floor } from "./parts/floor.js";
import { ContactPage } from "./parts/contact.js";
import { CustomerPage } from "./parts/customer.js";
import { Dialogs } from "./parts/dialogs.js";
import { Knowledge } from "./parts/knowledge.js";
import { MyDay } from "./parts/myday.js";
import { News } from "./parts/news.js";
import { SignIn } from "./parts/signin.js";
import { TicketsPage } from "./parts/tickets.js";
import { notify, set, state, use } from "./store.js";
import { viewsOf } from "./views.js";
import { language, t } from "./words.js";

const VIEWS = {
  contact: ContactPage,
  customer: CustomerPage,
  tickets: TicketsPage,
  chat: Chats,
  knowledge: Knowledge,
  mine: MyDay,
  floor: Floor,
  files: CustomerFiles,
};

function Views() {
  const { me, view } = use();
  const names = viewsOf(me);
  // On a phone the row of views may be longer than the screen.
  useEffect(() => document.querySelector(".view.on")?.scrollIntoView({ block: "nearest", inline: "nearest" }), [view]);
  names.forEach((name, place) => useKey(String(place + 1), () => set({ view: name })));
  return html`<nav class="views" aria-label=${t("desk")}>
    ${names.map(
      (name, place) => html`<button
        key=${name}
        type="button"
        class=${name === view ? "view on" : "view"}
        aria-current=${name === view ? "page" : undefined}
        onClick=${() => set({ view: name })}
      >
        <span>${t(`view_${name}`)}</span>
        ${name === "chat" && unreadChats() > 0 && html`<span class="count">${unreadChats()}</span>`}
        <${Key} of=${place + 1} />
      </button>`,
    )}
  </nav>`;
}

function Notice() {
  const { notice } = use();
  useEffect(() => {
    if (!notice || notice.bad) return undefined;
    const timer = setTimeout(() => state.notice === notice && notify(""), 4000);
    return () => clearTimeout(timer);
  }, [notice]);
  return html`<div class="notices" role="status" aria-live="polite">
    ${notice &&
    html`<div class=${notice.bad ? "notice bad" : "notice"}>
      <span>${notice.text}</span>
      <button type="button" class="quiet" aria-label=${t("close")} onClick=${() => notify("")}>×</button>
    </div>`}
  </div>`;
}

function Work() {
  const { view } = use();
  useKey("r", () => goReady());
  useKey("w", () => finishWrapUp());
  useKey("?", () => set({ dialog: "help" }));
  useKey("/", () => set({ view: "knowledge", focus: "search" }));
  const View = VIEWS[view];
  return html`<a class="skip" href="#work">${t("skip")}</a>
    <${Bar} />
    <${Views} />
    <main id="work" class=${`work ${view}`} tabindex="-1"><${View} /></main>
    <${Dialogs} />
    <${News} />`;
}

function Desk() {
  const { me } = use();
  if (me === undefined) return html`<p class="quietly">${t("connecting")}</p>`;
  return html`${me === null ? html`<${SignIn} />` : html`<${Work} />`}<${Notice} />`;
}

const theme = localStorage.getItem("tieline.theme");
if (theme) document.documentElement.dataset.theme = theme;
document.documentElement.lang = language();
render(html`<${Desk} />`, document.getElementById("desk"));
attempt(begin);
