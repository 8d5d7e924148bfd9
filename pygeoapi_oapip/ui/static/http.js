// One place for requests: JSON in, JSON out, and problem details as errors.

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.description || body.title || `The server answered ${status}.`);
    this.status = status;
    this.title = body.title || "";
    this.errors = Array.isArray(body.errors) ? body.errors : [];
  }
}

async function answer(url, options) {
  try {
    return await fetch(url, options);
  } catch {
    throw new Problem(0, { title: "No answer", detail: "The server cannot be reached." });
  }
}

function parsed(text, response) {
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    return { detail: response.ok ? "" : text.slice(0, 500) };
  }
}

export async function call(url, options = {}) {
  const response = await answer(url, { ...options, headers: { Accept: "application/json", ...options.headers } });
  if (!response.ok) throw new Problem(response.status, parsed(await response.text(), response));
  const json = /json/.test(response.headers.get("Content-Type") || "");
  return { body: json ? parsed(await response.text(), response) : {}, headers: response.headers, status: response.status };
}

// A page of this server, as a document whose scripts do not run.
export async function page(url) {
  const response = await answer(url, { headers: { Accept: "text/html" } });
  const text = await response.text();
  const found = new DOMParser().parseFromString(text, "text/html");
  if (!response.ok) {
    const place = found.querySelector("main .lead");
    throw new Problem(response.status, { title: found.querySelector("h1")?.textContent, detail: place?.textContent });
  }
  return found;
}

// The first bytes of a file.
export async function head(url, bytes) {
  const response = await answer(url, { headers: { Range: `bytes=0-${bytes - 1}`, Accept: "*/*" } });
  if (response.status === 416) return new ArrayBuffer(0);
  if (!response.ok) throw new Problem(response.status, {});
  return (await response.arrayBuffer()).slice(0, bytes);
}

// Bytes from a place in a file on; fewer where it ends before.
export async function range(url, at, length) {
  const response = await answer(url, { headers: { Range: `bytes=${at}-${at + length - 1}`, Accept: "*/*" } });
  if (response.status !== 206) throw new Problem(response.status, { detail: "A part of the file cannot be read." });
  return (await response.arrayBuffer()).slice(0, length);
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
