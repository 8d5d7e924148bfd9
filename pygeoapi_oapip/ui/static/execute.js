// The process page: the form, the command, and the job that was started.
import { call, page, showProblem } from "./http.js";
import { el } from "./dom.js";
import { inputField } from "./form.js";
import { limits } from "./controls.js";
import { Follower } from "./follow.js";
import { handleDismissals } from "./dismiss.js";

const form = document.getElementById("execute");
const byId = (id) => document.getElementById(id);
const problem = byId("problem");
const followed = byId("followed");
const state = { process: null, fields: [], follower: null, before: {} };

function choices(name, legend, rows, type) {
  return el("fieldset", { class: "field inline", "data-choice": name }, el("legend", {}, legend),
    ...rows.map(([value, text, checked]) => el("label", {}, el("input", { type, name, value, checked }), ` ${text}`)));
}

function wishes({ outputs = {}, jobControlOptions: modes = [] }) {
  const found = [];
  const names = Object.entries(outputs);
  if (names.length > 1) found.push(choices("outputs", "Outputs", names.map(([id, output]) => [id, output.title || id, true]), "checkbox"));
  if (modes.includes("sync-execute") && modes.includes("async-execute")) {
    found.push(choices("mode", "How", [["async", "in the background", true], ["sync", "wait for the answer", false]], "radio"));
  }
  return found;
}

function build() {
  const { process, before } = state;
  state.fields = Object.entries(process.inputs || {}).map(([id, input]) => [id, inputField(id, input, before[id])]);
  byId("fields").replaceChildren(...state.fields.map(([, control]) => control.field));
  if (!state.fields.length) byId("fields").append(el("p", {}, "This process has no inputs."));
  byId("wishes").replaceChildren(...wishes(process));
  byId("loading").hidden = true;
  byId("legend").hidden = !state.fields.some(([, control]) => control.required);
  form.hidden = false;
}

const checked = (name) => [...form.querySelectorAll(`input[name=${name}]:checked`)].map((box) => box.value);

async function request(whole) {
  const inputs = {};
  const issues = [];
  for (const [id, control] of state.fields) {
    const value = await control.read(issues, whole);
    if (value !== undefined) inputs[id] = value;
    else if (control.required && !issues.length) issues.push([control, "This is required."]);
    else if (control.required && !issues.some(([own]) => own === control)) issues.push([control, "This is required."]);
  }
  const boxes = form.querySelectorAll("input[name=outputs]").length;
  const wanted = checked("outputs");
  const body = boxes && wanted.length < boxes ? { inputs, outputs: Object.fromEntries(wanted.map((id) => [id, {}])) } : { inputs };
  return { body, issues };
}

function isAsync() {
  const modes = state.process.jobControlOptions || [];
  return modes.includes("async-execute") && !checked("mode").includes("sync");
}

async function showCommand() {
  const { body, issues } = await request(false);
  // until the form is complete, the example of the server stays
  if (issues.length) return;
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const prefer = isAsync() ? ["-H 'Prefer: respond-async'"] : [];
  const lines = [`curl -X POST ${quoted(form.action)}`, "-H 'Content-Type: application/json'", ...prefer, `-d ${quoted(JSON.stringify(body, null, 2))}`];
  byId("curl").textContent = lines.join(" \\\n  ");
}

function show(issues) {
  issues.forEach(([control, message]) => control.mark(message));
  const [first] = issues[0];
  (first.main.disabled ? first.wrong : first.main).focus();
  first.wrong.scrollIntoView({ block: "center" });
}

// `inputs.words[1].text` or `/inputs/words/1/text` -> the control and the text for it.
function place({ location = "", detail = "" }) {
  const parts = location.replace(/\[(\d+)\]/g, ".$1").replace(/^\//, "").split(/[./]/);
  if (parts[0] === "inputs") parts.shift();
  // names of inputs may hold dots themselves
  const hit = state.fields.find(([id]) => location === `inputs.${id}` || location === id) || state.fields.find(([id]) => id === parts[0]);
  return hit ? [hit[1].at(parts.slice(1)), detail.replace(/^inputs[^:\s]*:\s*/, "")] : null;
}

function refused(error) {
  const told = error.errors.length ? error.errors : error.message.split(/; (?=inputs\.)/).map((detail) => ({ location: detail.split(":")[0], detail }));
  const issues = told.map(place).filter(Boolean);
  showProblem(problem, error);
  if (issues.length) show(issues);
  else problem.focus();
}

async function follow(url) {
  const found = await page(`${url}?f=html`);
  const panel = document.adoptNode(found.getElementById("job"));
  state.follower?.stop();
  const name = url.split("/").pop();
  followed.replaceChildren(el("h2", {}, "Job ", el("a", { href: url }, name.slice(0, 8))), panel);
  followed.hidden = false;
  followed.focus();
  followed.scrollIntoView({ block: "start" });
  state.follower = new Follower(panel);
  await state.follower.start();
}

function jobOf({ body, headers, status }) {
  if (status === 201 && headers.get("Location")) return headers.get("Location");
  return /<([^>]+)>;[^,]*rel="?monitor/.exec(headers.get("Link") || "")?.[1] || (body.jobID ? `${document.body.dataset.base}/jobs/${body.jobID}` : "");
}

function showAnswer(body) {
  followed.replaceChildren(el("h2", {}, "Answer"), el("pre", { tabindex: "0" }, JSON.stringify(body, null, 2)));
  followed.hidden = false;
  followed.focus();
}

async function send(body) {
  const headers = { "Content-Type": "application/json", ...(isAsync() ? { Prefer: "respond-async" } : {}) };
  const answer = await call(form.action, { method: "POST", headers, body: JSON.stringify(body) });
  const job = jobOf(answer);
  if (job) await follow(job);
  else showAnswer(answer.body);
}

async function submit(event) {
  event.preventDefault();
  problem.hidden = true;
  state.fields.forEach(([, control]) => control.clear());
  const button = form.querySelector("button[type=submit]");
  if (button.disabled) return;
  button.disabled = true;
  try {
    const { body, issues } = await request(true);
    if (issues.length) {
      show(issues);
      return;
    }
    byId("sending").textContent = "Sending…";
    await send(body);
  } catch (error) {
    refused(error);
  } finally {
    button.disabled = false;
    byId("sending").textContent = "";
  }
}

async function start() {
  const from = new URLSearchParams(window.location.search).get("from");
  limits.upload = Math.min(limits.upload, Math.floor(Number(form.dataset.limit) * 0.7) || limits.upload);
  state.process = (await call(`${form.dataset.process}?f=json`)).body;
  if (from) state.before = (await call(`${document.body.dataset.base}/jobs/${encodeURIComponent(from)}/inputs?f=json`)).body.inputs || {};
  build();
  await showCommand();
}

form.addEventListener("submit", submit);
form.addEventListener("reset", (event) => {
  event.preventDefault();
  state.before = {};
  problem.hidden = true;
  build();
  showCommand();
});
form.addEventListener("input", showCommand);
form.addEventListener("change", showCommand);
form.addEventListener("click", (event) => { if (event.target.matches("button:not([type=submit])")) showCommand(); });
byId("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(byId("curl").textContent);
  byId("copy").textContent = "Copied";
});
handleDismissals(() => followed.querySelector(".problem") || problem, (ended) => {
  if (ended) followed.replaceChildren(el("p", {}, "The job was removed."));
  else state.follower?.soon();
});
start().catch((error) => {
  byId("loading").hidden = true;
  form.hidden = false;
  showProblem(problem, error);
});
