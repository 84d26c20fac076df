// One's own day: figures, queues to join and leave, the latest contacts.
import { attempt, joinQueue, leaveQueue } from "../actions.js";
import { get } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { Key } from "../keys.js";
import { set, use } from "../store.js";
import { clock, moment } from "../time.js";
import { known, locale, t } from "../words.js";

export function MyDay() {
  const { agent, queues } = use();
  const [contacts, setContacts] = useState([]);
  const [figures, setFigures] = useState(null);
  const taken = agent ? agent.taken : 0;
  useEffect(() => {
    if (!agent) return;
    attempt(() => get("/api/contacts?mine=true&limit=15")).then((found) => found && setContacts(found));
    attempt(() => get("/api/agents/me/statistics")).then((found) => found && setFigures(found));
  }, [taken, Boolean(agent)]);
  return html`<div class="columns">
    <section class="card">
      <h1>${t("my_day")}</h1>
      ${figures &&
      html`<dl class="figures">
        <div><dt>${t("taken")}</dt><dd>${figures.taken}</dd></div>
        <div><dt>${t("talk_time")}</dt><dd>${clock(figures.talk_seconds)}</dd></div>
        <div><dt>${t("average")}</dt><dd>${figures.average_talk === null ? "—" : clock(figures.average_talk)}</dd></div>
        <div><dt>${t("missed")}</dt><dd>${figures.no_answer}</dd></div>
        <div><dt>${t("rejected")}</dt><dd>${figures.rejected}</dd></div>
      </dl>`}
      <button type="button" onClick=${() => set({ dialog: "dial" })}>${t("dial")}<${Key} of="d" /></button>
      <h2>${t("queues")}</h2>
      <ul class="rows">
        ${queues.map(
          (each) => html`<li key=${each.queue}>
            <span><b>${each.title}</b> <small>${t("waiting", { count: each.waiting })}</small></span>
            <button type="button" aria-pressed=${each.joined} onClick=${() => (each.joined ? leaveQueue : joinQueue)(each.queue)}>
              ${each.joined ? t("leave") : t("join")}
            </button>
          </li>`,
        )}
      </ul>
    </section>
    <section class="card">
      <h2>${t("recent")}</h2>
      <ul class="rows">
        ${contacts.map(
          (each) => html`<li key=${each.id}>
            <span><b>${each.caller_name || each.caller || t("unknown_caller")}</b>
              <small>${known("channel", each.channel)} · ${each.queue} · ${moment(each.started_at, locale())}</small></span>
            <small>${clock(each.talk_seconds)}</small>
          </li>`,
        )}
      </ul>
    </section>
  </div>`;
}
