// The job page: follows an unfinished job, shows the end of its log, and dismisses it after asking.
import { call, showProblem } from "./http.js";

const page = document.getElementById("job");
const url = page.dataset.job;
const byId = (id) => document.getElementById(id);
const ENDED = ["successful", "failed", "dismissed"];
const LOG_LINES = 200;
let wait = 1000;

function badge(status) {
  const span = document.createElement("span");
  span.className = `status ${status}`;
  span.textContent = status;
  return span;
}

function moment(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text || "" : `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function showSteps(steps) {
  byId("steps").hidden = steps.length === 0;
  const items = steps.map((step) => {
    const item = document.createElement("li");
    const name = document.createElement("b");
    name.textContent = step.name;
    item.append(name, " ", badge(step.state || step.status || ""));
    if (Number.isInteger(step.exitCode)) item.append(` exit code ${step.exitCode}`);
    return item;
  });
  byId("steps").querySelector("ol").replaceChildren(...items);
}

function show(job) {
  byId("status").replaceChildren(badge(job.status));
  byId("message").textContent = job.message || "";
  byId("progress").value = job.progress || 0;
  for (const place of document.querySelectorAll("[data-time]")) {
    place.textContent = job[place.dataset.time] ? moment(job[place.dataset.time]) : "";
  }
  showSteps(job.steps || []);
}

async function showLog() {
  const { body } = await call(`${url}/logs?f=json`);
  const lines = (body.lines || []).slice(-LOG_LINES).map((line) => (line.source ? `[${line.source}] ${line.text}` : line.text));
  const box = byId("log");
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  box.textContent = lines.join("\n");
  if (atEnd) box.scrollTop = box.scrollHeight;
}

async function follow() {
  try {
    const { body } = await call(`${url}?f=json`);
    byId("problem").hidden = true;
    if (ENDED.includes(body.status)) {
      window.location.reload();
      return;
    }
    show(body);
    await showLog();
    wait = Math.min(wait * 1.1, 2000);
  } catch (error) {
    showProblem(byId("problem"), error);
    if (error.status === 404) return;
    wait = Math.min(wait * 2, 30000);
  }
  setTimeout(follow, wait);
}

async function dismiss() {
  try {
    await call(url, { method: "DELETE" });
    if (ENDED.includes(page.dataset.status)) window.location.assign(`${document.body.dataset.base}/jobs`);
    else window.location.reload();
  } catch (error) {
    showProblem(byId("problem"), error);
  }
}

byId("dismiss").addEventListener("click", () => byId("ask").showModal());
byId("ask").addEventListener("close", () => {
  if (byId("ask").returnValue === "yes") dismiss();
  byId("ask").returnValue = "";
});

if (ENDED.includes(page.dataset.status)) showLog().catch((error) => { byId("log").textContent = error.message; });
else setTimeout(follow, 300);
