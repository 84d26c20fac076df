// Name and password, or an identity provider. The browser's own password manager knows these fields by their names.
import { signIn } from "../actions.js";
import { html, useState } from "../html.js";
import { t } from "../words.js";
import { Provider } from "./provider.js";

export function SignIn() {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    await signIn(name, password);
    setBusy(false);
    setPassword("");
  };
  return html`<main class="signin">
    <form onSubmit=${submit}>
      <h1>${t("desk")}</h1>
      <${Provider} />
      <label>${t("name")}
        <input name="username" autocomplete="username" required value=${name}
          autofocus onInput=${(event) => setName(event.target.value)} />
      </label>
      <label>${t("password")}
        <input name="password" type="password" autocomplete="current-password" required
          value=${password} onInput=${(event) => setPassword(event.target.value)} />
      </label>
      <button type="submit" class="main" disabled=${busy}>${t("sign_in")}</button>
    </form>
  </main>`;
}
