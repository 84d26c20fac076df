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
    const kind = contact.channel === "chat" ? "chat" : "phone";
    const addresses = contact.caller ? [{ kind, value: contact.caller }] : [];
    const made = await attempt(() => post("/api/customers", { name: contact.caller_name, addresses }));
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

function Timeline({ items }) {
  const told = (item) => item.data.text || item.data.title || item.data.value || "";
  return html`<section class="card">
    <h2>${t("timeline")}</h2>
    <ol class="path">
      ${items.map(
        (item, place) => html`<li key=${place}>
          <time>${moment(item.at, locale())}</time>
          <span><b>${item.kind.replaceAll("_", " ")}</b> ${String(told(item))} ${item.by && html`<small>${item.by}</small>`}</span>
        </li>`,
      )}
    </ol>
  </section>`;
}

export function CustomerPage() {
  const { customer } = use();
  const [items, setItems] = useState([]);
  const [editing, setEditing] = useState(false);
  const load = (id) =>
    attempt(() => get(`/api/customers/${id}/timeline`)).then((found) => {
      if (found && state.customer && state.customer.id === id) setItems(found);
    });
  useEffect(() => {
    setItems([]);
    setEditing(false);
    if (customer) load(customer.id);
  }, [customer && customer.id]);
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
