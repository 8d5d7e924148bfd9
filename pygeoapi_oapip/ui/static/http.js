// One place for requests: JSON in, JSON out, and problem details as errors.

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.description || body.title || `The server answered ${status}.`);
    this.status = status;
    this.title = body.title || "";
  }
}

export async function call(url, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  let response;
  try {
    response = await fetch(url, { ...options, headers });
  } catch {
    throw new Problem(0, { title: "No answer", detail: "The server cannot be reached." });
  }
  const text = await response.text();
  let body = {};
  try {
    body = text ? JSON.parse(text) : {};
  } catch {
    body = { detail: response.ok ? "" : text.slice(0, 500) };
  }
  if (!response.ok) throw new Problem(response.status, body);
  return { body, location: response.headers.get("Location") };
}

export function showProblem(box, error) {
  const title = document.createElement("b");
  title.textContent = error.title || "That did not work";
  const detail = document.createElement("p");
  detail.className = "pre";
  detail.textContent = error.message;
  box.replaceChildren(title, detail);
  box.hidden = false;
}
