// The script for this queue and reason, its blanks filled with what the caller has said.
import { attempt } from "../actions.js";
import { get, query } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { language, t } from "../words.js";

export function Guidance({ contact }) {
  const [lines, setLines] = useState([]);
  const [done, setDone] = useState({});
  const asked = JSON.stringify([contact.id, contact.queue, contact.fields, language()]);
  useEffect(() => {
    let wanted = true;
    const path = `/api/contacts/${encodeURIComponent(contact.id)}/guidance`;
    attempt(() => get(query(path, { language: language() }))).then((found) => {
      if (wanted && found) setLines(found);
    });
    return () => {
      wanted = false;
    };
  }, [asked]);
  const turn = (place) => setDone({ ...done, [place]: !done[place] });
  return html`<section class="card">
    <h2>${t("guidance")}</h2>
    ${lines.length === 0 && html`<p class="quietly">${t("no_guidance")}</p>`}
    <ol class="guidance">
      ${lines.map(
        (line, place) => html`<li key=${place}>
          <label class=${done[place] ? "done" : ""}>
            <input type="checkbox" checked=${Boolean(done[place])} onChange=${() => turn(place)} />
            <b>${t(`stage_${line.stage}`)}</b> <span>${line.text}</span>
          </label>
        </li>`,
      )}
    </ol>
  </section>`;
}
