// A form that a text message leads to. Its secret stands behind the # of the address and goes
// nowhere but into the bodies of two requests.
const WORDS = {
  en: {
    title: "Please fill this in", send: "Send", sent: "Thank you. We have it, and you may close this page.",
    gone: "This form has been sent already, or its time is over.", away: "No connection. Please try again.",
    yes: "Yes", no: "No", choose: "Choose…", missing: "Please fill this in.", wrong: "This does not look right.",
  },
  zh: {
    title: "请填写", send: "发送", sent: "谢谢，我们已收到，您可以关闭此页面。",
    gone: "此表单已提交或已过期。", away: "连接已断开，请再试一次。",
    yes: "是", no: "否", choose: "请选择…", missing: "请填写此项。", wrong: "内容似乎不对。",
  },
};
const TYPES = { phone: "tel", date: "date", time: "time" };
const DIGITS = ["digits", "number", "phone"];
const $ = (id) => document.getElementById(id);
const secret = location.hash.slice(1);
let words = WORDS.en;

async function ask(path, body) {
  const headers = { "Content-Type": "application/json", "X-Tieline": "1" };
  return fetch(path, { method: "POST", headers, body: JSON.stringify({ secret, ...body }) });
}

function say(text) {
  $("state").textContent = text;
}

function speak(language) {
  words = WORDS[language.split("-")[0]] || WORDS.en;
  document.documentElement.lang = language;
  document.title = $("title").textContent = words.title;
}

function entry(line) {
  const choices = line.type === "yesno" ? [["yes", words.yes], ["no", words.no]] : line.of.map((each) => [each, each]);
  if (choices.length) {
    const select = document.createElement("select");
    for (const [value, text] of [["", words.choose], ...choices]) select.append(new Option(text, value));
    return select;
  }
  const input = document.createElement("input");
  input.type = TYPES[line.type] || "text";
  input.maxLength = 500;
  if (DIGITS.includes(line.type)) input.inputMode = "numeric";
  if (line.type === "amount") input.inputMode = "decimal";
  return input;
}

function draw(form) {
  for (const line of form.fields) {
    const label = document.createElement("label");
    label.textContent = line.label;
    const field = entry(line);
    field.name = line.name;
    field.required = true;
    const wrong = document.createElement("span");
    wrong.className = "wrong";
    wrong.id = `wrong-${line.name}`;
    wrong.setAttribute("role", "alert");
    field.setAttribute("aria-describedby", wrong.id);
    label.append(field, wrong);
    $("form").append(label);
  }
  const send = document.createElement("button");
  send.type = "submit";
  send.textContent = words.send;
  $("form").append(send);
  $("form").hidden = false;
}

function refuse(errors) {
  for (const each of $("form").querySelectorAll(".wrong")) each.textContent = "";
  for (const { field, message } of errors) {
    const wrong = $(`wrong-${field}`);
    if (wrong) wrong.textContent = message === "missing" ? words.missing : words.wrong;
  }
  const first = errors.length && $("form").elements[errors[0].field];
  if (first) first.focus();
}

$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await ask("/forms/fill", { values: Object.fromEntries(new FormData($("form"))) }).catch(() => null);
  if (!answer) return say(words.away);
  if (answer.status === 422) return refuse((await answer.json()).errors || []);
  $("form").hidden = answer.ok || answer.status === 404;
  say(answer.ok ? words.sent : answer.status === 404 ? words.gone : words.away);
});

speak(navigator.language || "en");
const answer = secret ? await ask("/forms/look", {}).catch(() => null) : { ok: false, status: 404 };
if (answer && answer.ok) {
  const form = await answer.json();
  speak(form.language || "en");
  draw(form);
} else say(answer ? words.gone : words.away);
