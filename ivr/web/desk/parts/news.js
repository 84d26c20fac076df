// Announcements that must be read: they stand before everything else until somebody says so.
import { attempt, loadAnnouncements } from "../actions.js";
import { post } from "../api.js";
import { html } from "../html.js";
import { use } from "../store.js";
import { t } from "../words.js";
import { Dialog } from "./pieces.js";

export function News() {
  const { announcements, pop } = use();
  const [first] = announcements.filter((each) => each.must_read);
  // Nobody's caller waits for a notice: it comes when the call is over.
  if (!first || (pop && !pop.over)) return null;
  const read = async () => {
    await attempt(() => post(`/api/announcements/${first.id}/read`));
    loadAnnouncements();
  };
  return html`<${Dialog} key=${first.id} title=${t("news")} blocking=${true} close=${() => {}}>
    <h3>${first.title}</h3>
    <p class="kept">${first.body}</p>
    <p class="quietly">${t("must_read")}</p>
    <footer><button type="button" class="main" autofocus onClick=${read}>${t("have_read")}</button></footer>
  <//>`;
}
