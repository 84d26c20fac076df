// Why a call waits: who could take it and what they are doing, what others lack, what would help.
import { attempt } from "../actions.js";
import { get } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { clock } from "../time.js";
import { known, t } from "../words.js";

const WAYS = ["free", "busy", "left_out", "away", "cannot"];
const NAMED = 6; // of each way; the others are counted

const needs = (wanted) =>
  Object.entries(wanted).map(([skill, level]) => `${skill} ${level}`).join(", ") || t("no_needs");

function hindrance(each) {
  const values = { skill: each.skill, has: each.has, needs: each.needs };
  return t(`obstacle_${each.obstacle}`, values);
}

function helps(change, now, name) {
  const time = change.at === null ? "" : clock(change.at - now);
  return t(`change_${change.what}`, { name, time });
}

function Ways({ explained, name }) {
  return WAYS.filter((way) => explained.counts[way]).map((way) => {
    const those = explained.agents.filter((each) => each.stands === way);
    const more = explained.counts[way] - Math.min(those.length, NAMED);
    return html`<div key=${way}><dt>${t(`stands_${way}`)}</dt>
      <dd>${those.slice(0, NAMED).map((each) => html`<div key=${each.agent}>${name(each.agent)}
        <small> ${way === "cannot" ? each.hindrances.map(hindrance).join(", ") : known("state", each.state)}</small></div>`)}
        ${more > 0 && html`<small>${t("and_more", { count: more })}</small>`}</dd></div>`;
  });
}

export function Why({ call, agents }) {
  const [told, setTold] = useState(null);
  useEffect(() => {
    attempt(() => get(`/api/floor/calls/${encodeURIComponent(call)}/why`)).then((found) => found && found.explained && setTold(found));
  }, [call]);
  if (!told) return null;
  const { explained, now } = told;
  const name = (agent) => agents[agent]?.name || agent;
  const timed = (change) => change.at !== null || change.agent;
  return html`<div class="why" role="status">
    <p><strong>${explained.prefers ? t("waits_for", { name: name(explained.prefers) }) : t(`staffing_${explained.staffing}`)}</strong></p>
    <dl class="facts">
      <div><dt>${t("asks_for")}</dt><dd>${needs(explained.needs)}${explained.wants && ` · ${t("only_agent", { name: name(explained.wants) })}`}</dd></div>
      ${explained.ahead > 0 && html`<div><dt>${t("before_it")}</dt><dd>${explained.ahead}</dd></div>`}
      ${explained.step > 0 && html`<div><dt>${t("relaxed")}</dt><dd>${explained.step} / ${explained.steps}</dd></div>`}
      ${explained.estimate && html`<div><dt>${t("still_expected")}</dt><dd>${clock(explained.estimate.low)}–${clock(explained.estimate.high)}</dd></div>`}
      <${Ways} explained=${explained} name=${name} />
    </dl>
    ${explained.changes.some(timed) && html`<p>${t("would_help")}</p>
      <ul class="plain">${explained.changes.filter(timed).slice(0, 8).map((each, place) => html`<li key=${place}>${helps(each, now, name(each.agent))}</li>`)}</ul>`}
  </div>`;
}
