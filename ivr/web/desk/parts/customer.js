// The customer behind the contact: who they are, their notes, and everything that ever happened.
import { attempt, loadContact, loadCustomer } from "../actions.js";
import { get, patch, post, query, remove } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { useKey } from "../keys.js";
import { set, state, use } from "../store.js";
import { moment } from "../time.js";
import { locale, t } from "../words.js";
import { Facts } from "./pieces.js";

function Finder({ choose, label }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState([]);
  const search = async (event) => {
    event.preventDefault();
    const hits = await attempt(() => get(query("/api/customers", { text })));
    if (hits) setFound(hits);
  };
  return html`<form class="finder" onSubmit=${search}>
    <label>${label}<input type="search" value=${text} onInput=${(event) => setText(event.target.value)} /></label>
    <button type="submit">${t("search")}</button>
    <ul class="rows">
      ${found.map(
        (each) => html`<li key=${each.id}>
          <span><b>${each.name || `#${each.id}`}</b> <small>${each.addresses.map((one) => one.value).join(", ")}</small></span>
          <button type="button" onClick=${() => choose(each)}>${t("set_customer")}</button>
        </li>`,
      )}
    </ul>
  </form>`;
}

function Stranger() {
  const { pop, contact } = use();
  const link = async (customer) => {
    const path = `/api/contacts/${encodeURIComponent(pop.contact)}/customer`;
    if (await attempt(() => post(path, { customer: customer.id }), t("saved"))) loadContact(pop);
  };
  const make = async () => {
    const addresses = [];
    if (contact.number) addresses.push({ kind: "phone", value: contact.number });
    if (contact.channel === "chat") addresses.push({ kind: "chat", value: contact.caller });
    const name = contact.identity.name || contact.caller_name;
    const made = await attempt(() => post("/api/customers", { name, addresses }));
    if (made) link(made);
  };
  return html`<section class="card">
    <h1>${t("customer")}</h1>
    <p>${t("no_customer")}</p>
    ${pop && contact && html`<button type="button" class="main" onClick=${make}>${t("make_customer")}</button>`}
    <${Finder} label=${t("find_customer")} choose=${pop ? link : (each) => loadCustomer(each.id)} />
  </section>`;
}

function Edit({ customer }) {
  const [form, setForm] = useState({ name: customer.name, segment: customer.segment });
  const change = (name) => (event) => setForm({ ...form, [name]: event.target.value });
  const save = async (event) => {
    event.preventDefault();
    const body = { ...form, version: customer.version };
    const saved = await attempt(() => patch(`/api/customers/${customer.id}`, body), t("saved"));
    if (saved) set({ customer: saved });
  };
  return html`<form class="inline" onSubmit=${save}>
    <label>${t("name")}<input value=${form.name} onInput=${change("name")} /></label>
    <label>${t("segment")}<input value=${form.segment} onInput=${change("segment")} /></label>
    <button type="submit">${t("save")}</button>
  </form>`;
}

function TagList({ customer }) {
  const [tag, setTag] = useState("");
  const base = `/api/customers/${customer.id}/tags`;
  const keep = (changed) => changed && set({ customer: changed });
  const add = async (event) => {
    event.preventDefault();
    keep(await attempt(() => post(base, { tags: [tag] })));
    setTag("");
  };
  const drop = async (each) => keep(await attempt(() => remove(`${base}/${encodeURIComponent(each)}`)));
  return html`<div class="tags">
    ${customer.tags.map((each) => html`<span class="tag" key=${each}>${each}
      <button type="button" class="quiet" aria-label=${`${t("remove")} ${each}`} onClick=${() => drop(each)}>×</button></span>`)}
    <form class="inline" onSubmit=${add}>
      <input aria-label=${t("add_tag")} placeholder=${t("add_tag")} value=${tag} required onInput=${(event) => setTag(event.target.value)} />
      <button type="submit">${t("add")}</button>
    </form>
  </div>`;
}

function Notes({ customer, added }) {
  const { pop } = use();
  const [text, setText] = useState("");
  const field = useRef(null);
  useKey("n", () => field.current && field.current.focus());
  const add = async (event) => {
    event.preventDefault();
    const body = { text, contact: pop ? pop.contact : null };
    if (await attempt(() => post(`/api/customers/${customer.id}/notes`, body), t("saved"))) {
      setText("");
      added();
    }
  };
  return html`<form onSubmit=${add}>
    <label>${t("add_note")}<textarea ref=${field} rows="2" required value=${text} onInput=${(event) => setText(event.target.value)}></textarea></label>
    <button type="submit">${t("save")}</button>
  </form>`;
}

// Lines of one contact stand together, under the ways it took.
function matters(items) {
  const found = [];
  for (const item of items) {
    const last = found[found.length - 1];
    if (last && item.contact && last.contact === item.contact) last.items.push(item);
    else found.push({ contact: item.contact, items: [item] });
  }
  return found;
}

const WAYS = [["chat", "message", "chat"], ["voice", "callback_answered"], ["sms", "message_written"], ["sms", "message_sent"]];

function ways(items) {
  const took = new Set(items.map((item) => item.channel).filter(Boolean));
  for (const [way, kind, channel] of WAYS) {
    if (items.some((item) => item.kind === kind && (!channel || item.data.channel === channel))) took.add(way);
  }
  return ["chat", "sms", "voice"].filter((way) => took.has(way)).map((way) => t(`channel_${way}`));
}

const WRITERS = { customer: "by_customer", bot: "by_bot", agent: "by_agent" };

function Entry({ item }) {
  const said = item.kind === "message";
  const words = item.text || item.data.text || item.data.title || item.data.value || item.data.what || "";
  const label = said ? t(WRITERS[item.by] || "by_house") : item.text ? "" : item.kind.replaceAll("_", " ");
  return html`<li data-kind=${item.kind}>
    <time>${moment(item.at, locale())}</time>
    <span class=${said ? "kept" : ""}>${label && html`<b>${label}</b> `}${String(words)} ${!item.text && item.by && html`<small>${item.by}</small>`}</span>
  </li>`;
}

function Timeline({ items }) {
  return html`<section class="card">
    <h2>${t("timeline")}</h2>
    ${matters(items).map((matter) =>
      matter.contact && matter.items.length > 1
        ? html`<section class="matter" key=${matter.items[0].cursor} aria-label=${ways(matter.items).join(" + ")}>
            <h3>${ways(matter.items).map((way) => html`<span class="badge">${way}</span>`)} <small>${matter.contact}</small></h3>
            <ol class="path">${matter.items.map((item) => html`<${Entry} key=${item.cursor} item=${item} />`)}</ol>
          </section>`
        : html`<ol class="path" key=${matter.items[0].cursor}><${Entry} item=${matter.items[0]} /></ol>`,
    )}
  </section>`;
}

export function CustomerPage() {
  const { customer, contact } = use();
  const [items, setItems] = useState([]);
  const [editing, setEditing] = useState(false);
  const load = (id) =>
    attempt(() => get(`/api/customers/${id}/timeline`)).then((found) => {
      if (found && state.customer && state.customer.id === id) setItems(found);
    });
  useEffect(() => {
    setItems([]);
    setEditing(false);
  }, [customer && customer.id]);
  useEffect(() => {
    if (customer) load(customer.id);
  }, [customer && customer.id, contact]);
  if (!customer) return html`<${Stranger} />`;
  const merge = async (other) => {
    const merged = await attempt(() => post(`/api/customers/${other.id}/merge`, { other: customer.id }), t("merged"));
    if (merged) set({ customer: merged });
  };
  return html`<div class="columns">
    <div>
      <section class="card">
        <h1>${customer.name || `#${customer.id}`}</h1>
        ${customer.segment && html`<p><span class="badge">${customer.segment}</span></p>`}
        <${TagList} customer=${customer} />
        <h2>${t("addresses")}</h2>
        <ul class="rows">${customer.addresses.map((each) => html`<li key=${each.kind + each.value}><span>${each.value}</span><small>${each.kind}</small></li>`)}</ul>
        <button type="button" aria-expanded=${editing} onClick=${() => setEditing(!editing)}>${t("edit")}</button>
        ${editing && html`<${Edit} key=${customer.version} customer=${customer} /><${Finder} label=${t("merge")} choose=${merge} />`}
      </section>
      <section class="card"><${Notes} customer=${customer} added=${() => load(customer.id)} /></section>
      ${customer.facts && customer.facts.length > 0 &&
      html`<section class="card">${customer.facts.map((each) => html`<h2 key=${each.id}>${each.kind}</h2><${Facts} of=${each.data} />`)}</section>`}
    </div>
    <div><${Timeline} items=${items} /></div>
  </div>`;
}
