// The knowledge base: words in, articles out, the words that matched marked. Text, never HTML.
import { attempt, searchKnowledge } from "../actions.js";
import { get } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { set, use } from "../store.js";
import { t } from "../words.js";

const WAIT = 150;

const Pieces = ({ of }) => of.map((piece) => (piece.marked ? html`<mark>${piece.text}</mark>` : piece.text));

function Article({ id, back }) {
  const [article, setArticle] = useState(null);
  useEffect(() => {
    attempt(() => get(`/api/knowledge/${id}`)).then((found) => found && setArticle(found));
  }, [id]);
  return html`<article class="card">
    <button type="button" class="quiet" onClick=${back}>← ${t("back")}</button>
    ${article && html`<h1>${article.title}</h1>${article.body.split(/\n{2,}/).map((part, place) => html`<p key=${place} class="kept">${part}</p>`)}`}
  </article>`;
}

export function Knowledge() {
  const { focus } = use();
  const [text, setText] = useState("");
  const [hits, setHits] = useState(null);
  const [article, setArticle] = useState(null);
  const field = useRef(null);
  const latest = useRef("");
  useEffect(() => {
    if (field.current) field.current.focus();
    if (focus) set({ focus: "" });
  }, [focus]);
  useEffect(() => {
    latest.current = text;
    if (!text.trim()) {
      setHits(null);
      return undefined;
    }
    const timer = setTimeout(async () => {
      const found = await searchKnowledge(text);
      if (found && latest.current === text) setHits(found);
    }, WAIT);
    return () => clearTimeout(timer);
  }, [text]);
  if (article) return html`<${Article} id=${article} back=${() => setArticle(null)} />`;
  return html`<section class="knowledge">
    <label>${t("search")}
      <input ref=${field} type="search" placeholder=${t("search_hint")} value=${text} onInput=${(event) => setText(event.target.value)} />
    </label>
    ${hits && hits.length === 0 && html`<p class="quietly">${t("no_hits")}</p>`}
    <ul class="hits">
      ${(hits || []).map(
        (hit) => html`<li key=${hit.article} class="card">
          <button type="button" class="link" onClick=${() => setArticle(hit.article)}><${Pieces} of=${hit.title} /></button>
          <p><${Pieces} of=${hit.snippet} /></p>
        </li>`,
      )}
    </ul>
  </section>`;
}
