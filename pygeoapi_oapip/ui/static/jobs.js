// The job list: filters, sorting within the page, and refreshing while somebody looks.
import { page, call, showProblem } from "./http.js";
import { morph, el } from "./dom.js";
import { handleDismissals } from "./dismiss.js";

const form = document.getElementById("filter");
const list = document.getElementById("list");
const auto = document.getElementById("auto");
const problem = document.getElementById("problem");
const byId = (id) => document.getElementById(id);
const controls = [...form.querySelectorAll("[name]")];
const BUSY = 2000;
const IDLE = 10000;
let sorted = { column: -1, up: true };
let timer = 0;

function showFilter() {
  const now = new URLSearchParams(window.location.search);
  controls.forEach((control) => { control.value = now.get(control.name) || ""; });
  const [from, until] = (now.get("datetime") || "").split("/");
  byId("from").value = (from || "").slice(0, 10);
  byId("until").value = (until || "").slice(0, 10);
  const [name] = now.getAll("limit");
  if (name && !byId("limit").value) byId("limit").append(el("option", { selected: true }, name));
}

function beforeSending() {
  const [from, until] = [byId("from").value, byId("until").value];
  byId("datetime").value = from || until ? `${from || ".."}/${until || ".."}` : "";
  // empty parameters stay out of the address
  controls.forEach((control) => { control.disabled = control.value === ""; });
}

async function offerProcesses() {
  const { body } = await call(`${document.body.dataset.base}/processes?f=json&limit=1000`);
  byId("processes").replaceChildren(...(body.processes || []).map((row) => el("option", { value: row.id }, row.title || "")));
}

const cell = (row, column) => row.children[column]?.dataset.sort || row.children[column]?.textContent.trim() || "";

function seconds(text) {
  const units = { s: 1, min: 60, h: 3600 };
  const parts = [...text.matchAll(/([\d.]+) (s|min|h)\b/g)];
  return parts.length && /^[\d. sminh]+$/.test(text) ? parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit], 0) : null;
}

function compare(one, other) {
  const [a, b] = [seconds(one), seconds(other)];
  return a !== null && b !== null ? a - b : one.localeCompare(other, "en", { numeric: true });
}

function sort(root) {
  const body = root.querySelector("tbody");
  if (!body || sorted.column < 0) return;
  const rows = [...body.querySelectorAll("tr")];
  rows.sort((one, other) => (sorted.up ? 1 : -1) * compare(cell(one, sorted.column), cell(other, sorted.column)));
  body.replaceChildren(...rows);
}

function headings(root) {
  root.querySelectorAll("thead th").forEach((head, column) => {
    const here = sorted.column === column;
    head.setAttribute("aria-sort", here ? (sorted.up ? "ascending" : "descending") : "none");
    head.replaceChildren(el("button", { type: "button", class: "head", "data-column": column }, head.textContent));
  });
}

function arrange(root) {
  sort(root);
  headings(root);
  return root;
}

async function refresh() {
  clearTimeout(timer);
  try {
    const fresh = await page(window.location.href);
    morph(list, arrange(fresh.getElementById("list")));
    morph(byId("links"), fresh.getElementById("links"));
    problem.hidden = true;
    byId("when").textContent = `last at ${new Date().toTimeString().slice(0, 8)}`;
  } catch (error) {
    showProblem(problem, error);
  }
  later();
}

function later() {
  clearTimeout(timer);
  const busy = list.querySelector(".status.accepted, .status.running");
  if (auto.checked && !document.hidden) timer = setTimeout(refresh, busy ? BUSY : IDLE);
}

list.addEventListener("click", (event) => {
  const head = event.target.closest(".head");
  if (!head) return;
  const column = Number(head.dataset.column);
  sorted = { column, up: sorted.column === column ? !sorted.up : true };
  arrange(list);
  list.querySelectorAll(".head")[column].focus();
});
handleDismissals(() => problem, async (ended, button) => {
  await refresh();
  byId("said").textContent = `Job ${button.dataset.name} ${ended ? "was removed" : "is dismissed"}.`;
});
form.addEventListener("submit", beforeSending);
byId("by-process").addEventListener("focus", () => offerProcesses().catch((error) => showProblem(problem, error)), { once: true });
auto.addEventListener("change", later);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
window.addEventListener("pageshow", () => controls.forEach((control) => { control.disabled = false; }));
showFilter();
arrange(list);
later();
