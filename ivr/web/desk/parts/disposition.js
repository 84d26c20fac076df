// How the contact ended, in the codes of its queue; some queues let nobody go on without.
import { attempt } from "../actions.js";
import { get, post, query } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { use } from "../store.js";
import { t } from "../words.js";

export function Disposition({ contact }) {
  const { agent, queues } = use();
  const [codes, setCodes] = useState([]);
  const [code, setCode] = useState("");
  const [notes, setNotes] = useState("");
  const [given, setGiven] = useState(false);
  const required = queues.some((each) => each.queue === contact.queue && each.disposition_required);
  useEffect(() => {
    attempt(() => get(query("/api/dispositions", { queue: contact.queue }))).then((found) => found && setCodes(found));
  }, [contact.queue]);
  const submit = async (event) => {
    event.preventDefault();
    const body = { queue: contact.queue, code, notes };
    const path = `/api/contacts/${encodeURIComponent(contact.id)}/disposition`;
    if (await attempt(() => post(path, body), t("disposition_saved"))) setGiven(true);
  };
  const due = agent && agent.disposition_due && !given;
  return html`<section class=${due ? "card due" : "card"}>
    <h2>${t("disposition")} ${required && html`<small>${t("required")}</small>`}</h2>
    <form class="disposition" onSubmit=${submit}>
      ${codes.length > 0 &&
      html`<select aria-label=${t("disposition")} required=${required} value=${code} onChange=${(event) => setCode(event.target.value)}>
        <option value="">${t("choose")}</option>
        ${codes.map((each) => html`<option key=${each.code} value=${each.code}>${each.title || each.code}</option>`)}
      </select>`}
      <textarea rows="2" placeholder=${t("notes")} aria-label=${t("notes")} value=${notes} onInput=${(event) => setNotes(event.target.value)}></textarea>
      <button type="submit" disabled=${!code && !notes}>${given ? "✓ " : ""}${t("save")}</button>
    </form>
  </section>`;
}
