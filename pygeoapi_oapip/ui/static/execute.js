// The execute form: builds a Part 1 execute request from the controls and posts it asynchronously.
import { call, showProblem } from "./http.js";

const form = document.getElementById("execute");
const base = document.body.dataset.base;
const preview = document.getElementById("request");
const problem = document.getElementById("problem");
const sending = document.getElementById("sending");
const MAX_UPLOAD = 20 * 1024 * 1024;

class Wrong extends Error {}

function parseJSON(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Wrong(`This is not JSON: ${error.message}`);
  }
}

function number(control) {
  if (control.validity.badInput) throw new Wrong("This is not a number.");
  if (control.value === "") return undefined;
  const value = Number(control.value);
  if (control.step === "1" && !Number.isInteger(value)) throw new Wrong("This is not a whole number.");
  return value;
}

function inlineFile(file) {
  if (file.size > MAX_UPLOAD) throw new Wrong("Files over 20 MiB must be given by address.");
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(new Wrong("The file could not be read."));
    reader.onload = () => resolve(String(reader.result).split(",", 2)[1] || "");
    reader.readAsDataURL(file);
  });
}

async function fileValue(field, control, reading) {
  const type = control.dataset.type;
  const upload = field.querySelector("input[type=file]").files[0];
  if (upload) {
    const mediaType = type || upload.type || "application/octet-stream";
    return { value: reading ? await inlineFile(upload) : `(${upload.name})`, encoding: "base64", mediaType };
  }
  const href = control.value.trim();
  if (href === "") return undefined;
  return type ? { href, type } : { href };
}

function valueOf(field, reading) {
  const control = field.querySelector("input, select, textarea");
  const text = control.value;
  switch (field.dataset.kind) {
    case "file": return fileValue(field, control, reading);
    case "number": return number(control);
    case "text": return text === "" ? undefined : text;
    default: return text.trim() === "" ? undefined : parseJSON(text);
  }
}

function mark(field, message) {
  const control = field.querySelector("input, select, textarea");
  const place = field.querySelector(".wrong");
  place.textContent = message;
  place.hidden = message === "";
  if (message) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

async function build(reading) {
  const inputs = {};
  const wrong = [];
  for (const field of form.querySelectorAll(".field")) {
    let message = "";
    try {
      const value = await valueOf(field, reading);
      if (value !== undefined) inputs[field.dataset.id] = value;
      else if ("required" in field.dataset) message = "This input is required.";
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      message = error.message;
    }
    if (message) wrong.push([field, message]);
    else mark(field, "");
  }
  return { request: { inputs }, wrong };
}

async function refresh() {
  const { request } = await build(false);
  preview.textContent = JSON.stringify(request, null, 2);
}

async function submit(event) {
  event.preventDefault();
  problem.hidden = true;
  const { request, wrong } = await build(true);
  wrong.forEach(([field, message]) => mark(field, message));
  if (wrong.length) {
    wrong[0][0].querySelector("input, select, textarea").focus();
    return;
  }
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  sending.textContent = "Sending…";
  try {
    const { body, location } = await call(form.getAttribute("action"), {
      method: "POST",
      headers: { "Content-Type": "application/json", Prefer: "respond-async" },
      body: JSON.stringify(request),
    });
    const id = body.jobID || body.id || (location || "").split("/").pop();
    window.location.assign(`${base}/jobs/${encodeURIComponent(id)}`);
  } catch (error) {
    showProblem(problem, error);
  } finally {
    button.disabled = false;
    sending.textContent = "";
  }
}

form.addEventListener("submit", submit);
form.addEventListener("input", refresh);
form.addEventListener("change", refresh);
refresh();
