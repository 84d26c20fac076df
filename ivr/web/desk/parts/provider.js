// Signing in with an identity provider: the way there, and what came of it, which the server tells
// in the address behind the #.
import { get } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { t } from "../words.js";

const OUT = "/api/sign-in/oidc/out";
const SAID = /^#sign-in=([a-z-]{1,20})$/;

// Why nobody was signed in, once; the address is clean afterwards.
function reason() {
  const said = SAID.exec(location.hash);
  if (!said) return "";
  history.replaceState(null, "", location.pathname);
  return `sign_in_${said[1].replaceAll("-", "_")}`;
}

export const leaveThereToo = () => location.assign(OUT);

export function Provider() {
  const [provider, setProvider] = useState(null);
  const [why] = useState(reason);
  useEffect(() => {
    get("/api/sign-in").then((ways) => setProvider(ways.provider), () => setProvider(null));
  }, []);
  if (!provider) return null;
  return html`<div class="provider">
    ${why && html`<p role="alert" class="trouble">${t(why, { name: provider.name })}</p>`}
    <a class="main button" href=${provider.path}>${t("sign_in_with", { name: provider.name })}</a>
    <p class="quietly">${t("or")}</p>
  </div>`;
}
