// What a visitor is asked before the first word: a form whose answers go to `done`.
const TYPES = { email: "email", phone: "tel", name: "text" };

export function ask(form, asks, words, done) {
  form.replaceChildren();
  for (const name of asks) {
    const label = document.createElement("label");
    label.textContent = words[name];
    const input = document.createElement("input");
    Object.assign(input, { type: TYPES[name], name, required: name === "name", maxLength: 200 });
    input.autocomplete = name === "phone" ? "tel" : name;
    label.append(input);
    form.append(label);
  }
  const go = document.createElement("button");
  go.type = "submit";
  go.textContent = words.begin;
  form.append(go);
  form.onsubmit = (event) => {
    event.preventDefault();
    done(Object.fromEntries(new FormData(form)));
  };
}
