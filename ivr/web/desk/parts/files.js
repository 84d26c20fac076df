// Customers by the file: an import with its progress and what was wrong, and exports.
import { attempt, listenFor } from "../actions.js";
import { get, query, remove, upload } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { set, state, use } from "../store.js";
import { moment } from "../time.js";
import { locale, t } from "../words.js";

const PATH = "/api/customers/imports";
const CSV = "text/csv";
const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const UNDER_WAY = new Set(["waiting", "running"]);
const number = (value) => new Intl.NumberFormat(locale()).format(value);

// What is told of a job may come before the answer to the request that began it.
const put = (job) => set({ imports: [job, ...state.imports.filter((each) => each.id !== job.id)].sort((a, b) => b.began_at - a.began_at) });
const load = () => attempt(() => get(PATH)).then((found) => Array.isArray(found) && set({ imports: found }));

listenFor("import", put);
listenFor("reset", () => state.view === "files" && load());

// `Handy = phone`, one a line.
function columns(text) {
  const pairs = text.split("\n").map((line) => line.split("=").map((part) => part.trim()));
  return Object.fromEntries(pairs.filter(([heading, field]) => heading && field));
}

function Bring() {
  const [dry, setDry] = useState(true);
  const [mapping, setMapping] = useState("");
  const [share, setShare] = useState(null);
  const box = useRef(null);
  const submit = async (event) => {
    event.preventDefault();
    const [file] = box.current.files;
    const type = file.name.toLowerCase().endsWith(".xlsx") ? XLSX : CSV;
    const path = query(PATH, { name: file.name, dry_run: dry, columns: JSON.stringify(columns(mapping)) });
    setShare(0);
    const job = await attempt(() => upload(path, file, type, (sent, total) => setShare(sent / total)));
    setShare(null);
    if (job && job.id && !state.imports.some((each) => each.id === job.id)) put(job);
  };
  return html`<form class="card" onSubmit=${submit}>
    <h2>${t("import")}</h2>
    <label>${t("file")}<input ref=${box} type="file" required accept=".csv,.xlsx,${CSV},${XLSX}" /></label>
    <label class="check"><input type="checkbox" checked=${dry} onChange=${() => setDry(!dry)} /> ${t("only_check")}</label>
    <details>
      <summary>${t("columns")}</summary>
      <label>${t("columns_about")}<textarea rows="3" placeholder="Handy = phone" value=${mapping} onInput=${(event) => setMapping(event.target.value)}></textarea></label>
    </details>
    <button type="submit" class="main" disabled=${share !== null}>${t(dry ? "check" : "import")}</button>
    ${share !== null && html`<label class="progress">${t("uploading")}<progress max="1" value=${share}></progress></label>`}
  </form>`;
}

function Job({ job }) {
  const going = UNDER_WAY.has(job.state);
  const end = async () => {
    await attempt(() => remove(`${PATH}/${job.id}`));
    load();
  };
  const said = job.dry_run ? "import_would" : "import_did";
  const figures = { rows: number(job.rows), created: number(job.created), updated: number(job.updated), unchanged: number(job.unchanged), failed: number(job.failed) };
  return html`<li class="job" data-state=${job.state}>
    <h3>${job.name} <span class="badge">${t(`import_${job.state}`)}</span>${job.dry_run && html` <span class="badge">${t("only_checked")}</span>`}</h3>
    <small>${job.by} · ${moment(job.began_at, locale())}</small>
    ${going && html`<label class="progress"><span class="sr">${job.name}</span>
      <progress max=${job.total ?? undefined} value=${job.total ? Math.min(job.rows, job.total) : undefined}></progress></label>`}
    <p>${t(said, figures)}</p>
    ${job.kept_out > 0 && html`<p class="quietly">${t("kept_out", { count: number(job.kept_out) })}</p>`}
    ${job.error && html`<p class="trouble" role="alert">${job.error}</p>`}
    ${job.errors.length > 0 && html`<details open=${!going}>
      <summary>${t("wrong_rows", { count: number(job.failed) })}</summary>
      <ul class="rows wrong">${job.errors.map((each) => html`<li key=${`${each.row} ${each.column}`}><span><b>${t("row", { row: each.row })}${each.column && ` · ${each.column}`}</b> ${each.message}</span></li>`)}</ul>
    </details>`}
    <p class="facts">
      ${job.bad_rows && html`<a class="button" href=${`${PATH}/${job.id}/errors`} download>${t("download_wrong")}</a>`}
      <button type="button" onClick=${end} aria-label=${`${t(going ? "stop" : "forget")}: ${job.name}`}>${t(going ? "stop" : "forget")}</button>
    </p>
  </li>`;
}

function Take() {
  const [which, setWhich] = useState({ tag: "", segment: "", why: "" });
  const change = (name) => (event) => setWhich({ ...which, [name]: event.target.value });
  const way = (format) => query("/api/customers/export", { ...which, format });
  return html`<section class="card">
    <h2>${t("export")}</h2>
    <label>${t("only_tag")}<input maxlength="200" value=${which.tag} onInput=${change("tag")} /></label>
    <label>${t("only_segment")}<input maxlength="200" value=${which.segment} onInput=${change("segment")} /></label>
    <label>${t("what_for")}<input maxlength="200" value=${which.why} onInput=${change("why")} /></label>
    <p class="facts">
      <a class="main button" href=${way("csv")} download>${t("as_csv")}</a>
      <a class="button" href=${way("xlsx")} download>${t("as_xlsx")}</a>
    </p>
    <p class="quietly">${t("export_about")}</p>
  </section>`;
}

export function CustomerFiles() {
  const { imports } = use();
  useEffect(() => {
    load();
  }, []);
  const going = imports.find((each) => UNDER_WAY.has(each.state));
  return html`<h1>${t("view_files")}</h1>
    <p class="sr" role="status">${going ? t(`import_${going.state}`) : ""}</p>
    <div class="columns">
      <div><${Bring} /><${Take} /></div>
      <section class="card"><h2>${t("imports")}</h2>
        <ul class="jobs">
          ${imports.length === 0 && html`<li class="quietly">${t("no_imports")}</li>`}
          ${imports.map((job) => html`<${Job} key=${job.id} job=${job} />`)}
        </ul>
      </section>
    </div>`;
}
