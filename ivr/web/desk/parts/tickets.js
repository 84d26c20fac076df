// Tickets: what is still to be done for somebody, by whom, and by when.
import { attempt } from "../actions.js";
import { get, patch, post, query } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { use } from "../store.js";
import { moment } from "../time.js";
import { locale, t } from "../words.js";

const STATES = ["open", "pending", "solved", "closed"];

function Open({ opened }) {
  const { customer, pop, me } = use();
  const [form, setForm] = useState({ title: "", body: "", assignee: me.user, due: "" });
  const change = (name) => (event) => setForm({ ...form, [name]: event.target.value });
  const submit = async (event) => {
    event.preventDefault();
    const body = {
      title: form.title,
      body: form.body,
      assignee: form.assignee,
      due_at: form.due ? new Date(form.due).getTime() / 1000 : null,
      customer: customer ? customer.id : null,
      contact: pop ? pop.contact : null,
    };
    if (await attempt(() => post("/api/tickets", body), t("saved"))) {
      setForm({ ...form, title: "", body: "", due: "" });
      opened();
    }
  };
  return html`<form class="card" onSubmit=${submit}>
    <h2>${t("open_ticket")}</h2>
    <label>${t("title")}<input required maxlength="200" value=${form.title} onInput=${change("title")} /></label>
    <label>${t("body")}<textarea rows="3" value=${form.body} onInput=${change("body")}></textarea></label>
    <label>${t("assignee")}<input value=${form.assignee} onInput=${change("assignee")} /></label>
    <label>${t("due")}<input type="datetime-local" value=${form.due} onInput=${change("due")} /></label>
    <button type="submit" class="main">${t("open_ticket")}</button>
  </form>`;
}

function Ticket({ ticket, changed }) {
  const turn = async (event) => {
    const body = { state: event.target.value, version: ticket.version };
    await attempt(() => patch(`/api/tickets/${ticket.id}`, body), t("saved"));
    changed();
  };
  return html`<li>
    <span><b>#${ticket.id} ${ticket.title}</b>
      <small>${ticket.assignee}${ticket.due_at && ` · ${t("due")} ${moment(ticket.due_at, locale())}`}</small>
      ${ticket.body && html`<small class="kept">${ticket.body}</small>`}</span>
    <select aria-label=${`#${ticket.id}`} value=${ticket.state} onChange=${turn}>
      ${STATES.map((each) => html`<option key=${each} value=${each}>${t(`ticket_${each}`)}</option>`)}
    </select>
  </li>`;
}

export function TicketsPage() {
  const { customer, me, ticketsSeen } = use();
  const [theirs, setTheirs] = useState([]);
  const [mine, setMine] = useState([]);
  const load = () => {
    attempt(() => get(query("/api/tickets", { assignee: me.user }))).then((found) => found && setMine(found));
    if (customer) attempt(() => get(query("/api/tickets", { customer: customer.id }))).then((found) => found && setTheirs(found));
  };
  useEffect(load, [customer && customer.id, ticketsSeen]);
  const list = (tickets) => html`<ul class="rows">
    ${tickets.length === 0 && html`<li class="quietly">${t("no_tickets")}</li>`}
    ${tickets.map((each) => html`<${Ticket} key=${each.id} ticket=${each} changed=${load} />`)}
  </ul>`;
  return html`<div class="columns">
    <div>
      <h1 class="sr">${t("tickets")}</h1>
      ${customer && html`<section class="card"><h2>${t("of_this_contact")}</h2>${list(theirs)}</section>`}
      <section class="card"><h2>${t("mine")}</h2>${list(mine)}</section>
    </div>
    <${Open} opened=${load} />
  </div>`;
}
