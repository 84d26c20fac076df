// The bar on top: who one is, the state with its timer, and the ways out of it.
import { extendWrapUp, finishWrapUp, goReady, logIn, logOut, signOut, takeBreak } from "../actions.js";
import { html, useState } from "../html.js";
import { Key, useKey } from "../keys.js";
import { set, use } from "../store.js";
import { clock, useNow } from "../time.js";
import { chooseLanguage, known, language, t } from "../words.js";

function State() {
  const { agent } = use();
  const now = useNow();
  if (!agent) return null;
  const until = agent.state === "wrap_up" ? agent.wrap_up_until : null;
  const seconds = until ? Math.ceil(until - now) : now - agent.since;
  const after = { pause: t("then_pause"), log_out: t("then_log_out") }[agent.pending];
  return html`<div class="state" data-state=${agent.state}>
    <span class="dot" aria-hidden="true"></span>
    <strong>${known("state", agent.state)}</strong>
    ${agent.reason && html`<span>${known("reason", agent.reason)}</span>`}
    <span class="timer" role="timer">${clock(seconds)}</span>
    ${after && html`<span class="after">${after}</span>`}
    ${agent.outside && html`<span class="after">${t("outside")}</span>`}
  </div>`;
}

function Breaks() {
  const { reasons } = use();
  const [open, setOpen] = useState(false);
  useKey("p", () => setOpen(!open));
  const take = (reason) => {
    setOpen(false);
    takeBreak(reason);
  };
  const away = (event) => event.key === "Escape" && setOpen(false);
  return html`<div class="menu" onKeyDown=${away}>
    <button type="button" aria-expanded=${open} onClick=${() => setOpen(!open)}>
      ${t("take_break")}<${Key} of="p" />
    </button>
    ${open &&
    html`<ul>
      ${reasons.map(
        (reason, place) => html`<li key=${reason}>
          <button type="button" autofocus=${place === 0} onClick=${() => take(reason)}>${known("reason", reason)}</button>
        </li>`,
      )}
    </ul>`}
  </div>`;
}

function Moves() {
  const { agent } = use();
  if (!agent) return null;
  if (agent.state === "logged_out") {
    return html`<button type="button" class="main" onClick=${logIn}>${t("log_in")}<${Key} of="r" /></button>`;
  }
  return html`
    ${agent.state === "wrap_up" &&
    html`<button type="button" class="main" onClick=${finishWrapUp}>${t("finish")}<${Key} of="w" /></button>
      <button type="button" onClick=${extendWrapUp}>${t("longer")}</button>`}
    ${(agent.state === "paused" || agent.pending) &&
    html`<button type="button" class="main" onClick=${goReady}>${t("go_ready")}<${Key} of="r" /></button>`}
    <${Breaks} />
    <button type="button" onClick=${logOut}>${t("log_out")}</button>`;
}

function turnTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("tieline.theme", root.dataset.theme);
}

function turnLanguage() {
  chooseLanguage(language() === "en" ? "zh" : "en");
  set({});
}

export function Bar() {
  const { me, connected } = use();
  return html`<header class="bar">
    <${State} />
    <div class="moves"><${Moves} /></div>
    <div class="self">
      <span class=${connected ? "link on" : "link"} role="status">${connected ? "" : t("lost")}</span>
      <span class="who" title=${me.user}>${me.name}${me.agent && html` <small>${me.agent}</small>`}</span>
      <button type="button" class="quiet" title=${t("help")} aria-label=${t("help")} onClick=${() => set({ dialog: "help" })}>?</button>
      <button type="button" class="quiet" title=${t("theme")} aria-label=${t("theme")} onClick=${turnTheme}>◐</button>
      <button type="button" class="quiet" title=${t("language")} lang=${language() === "en" ? "zh" : "en"} onClick=${turnLanguage}>${language() === "en" ? "中文" : "English"}</button>
      <button type="button" class="quiet" onClick=${signOut}>${t("sign_out")}</button>
    </div>
  </header>`;
}
