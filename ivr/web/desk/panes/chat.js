// The agent's chats. The desk draws `Chats` as a view and asks `unreadChats` for the number on its tab;
// events come through `listenFor` of actions.js.
import { html } from "../html.js";
import { t } from "../words.js";

export const unreadChats = () => 0;

export function Chats() {
  return html`<div class="empty"><h1>${t("no_chats")}</h1><p>${t("chats_hint")}</p></div>`;
}
