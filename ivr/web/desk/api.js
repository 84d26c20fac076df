// Requests to the server this page came from. What is refused is an error with the server's own words.

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.errors = problem.errors || [];
  }
}

export async function ask(method, path, body) {
  const headers = { "X-Tieline": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw new Refused(0, { detail: "offline" });
  }
  if (answer.status === 204) return null;
  const text = await answer.text();
  const told = text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Refused(answer.status, told);
  return told;
}

// A file goes as it is; `sent` hears how much of it is on its way.
export function upload(path, file, type, sent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("X-Tieline", "1");
    request.setRequestHeader("Content-Type", type);
    request.upload.onprogress = (event) => sent(event.loaded, event.total);
    request.onerror = () => reject(new Refused(0, { detail: "offline" }));
    request.onload = () => {
      const told = request.responseText ? JSON.parse(request.responseText) : {};
      if (request.status < 300) resolve(told);
      else reject(new Refused(request.status, told));
    };
    request.send(file);
  });
}

export const get = (path) => ask("GET", path);
export const post = (path, body) => ask("POST", path, body);
export const patch = (path, body) => ask("PATCH", path, body);
export const remove = (path) => ask("DELETE", path);

// A name that nobody else makes; pages over plain HTTP have no crypto.randomUUID.
export const newId = () => [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-");

export function query(path, values) {
  const told = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== "") told.set(name, value);
  }
  const text = told.toString();
  return text ? `${path}?${text}` : path;
}
