// Rows of text or JSON as tables.
import { el } from "./dom.js";

const MOST_ROWS = 100;
const MOST_COLUMNS = 40;

// RFC 4180, with the delimiter that the first line suggests.
export function parseTable(text, type) {
  const first = text.split("\n", 1)[0];
  const count = (mark) => first.split(mark).length;
  const mark = /tab-separated/.test(type) ? "\t" : [",", ";", "\t"].reduce((best, next) => (count(next) > count(best) ? next : best));
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length && rows.length <= MOST_ROWS; at += 1) {
    const sign = text[at];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[at + 1] === '"') { cell += sign; at += 1; } else quoted = false;
    } else if (sign === '"' && cell === "") quoted = true;
    else if (sign === mark) { row.push(cell); cell = ""; }
    else if (sign === "\n") { row.push(cell.replace(/\r$/, "")); rows.push(row); row = []; cell = ""; }
    else cell += sign;
  }
  if (cell !== "" || row.length) rows.push([...row, cell]);
  return rows;
}

export function table(rows, label) {
  const [head = [], ...body] = rows.map((row) => row.slice(0, MOST_COLUMNS));
  const shown = body.slice(0, MOST_ROWS);
  const numeric = head.map((_name, at) => shown.length > 0 && shown.every((row) => row[at] === undefined || row[at] === "" || Number.isFinite(Number(row[at]))));
  const cells = (row) => head.map((_name, at) => el("td", { class: numeric[at] && "number" }, row[at] ?? ""));
  const grid = el("table", { class: "data" },
    el("thead", {}, el("tr", {}, ...head.map((name, at) => el("th", { scope: "col", class: numeric[at] && "number" }, name)))),
    el("tbody", {}, ...shown.map((row) => el("tr", {}, ...cells(row)))));
  return el("div", { class: "wide short", tabindex: "0", role: "region", "aria-label": label }, grid);
}

// Rows of an array of flat objects, the names first; null where it is something else.
export function rowsOf(json) {
  const flat = (row) => row && typeof row === "object" && !Array.isArray(row) && Object.values(row).every((value) => value === null || typeof value !== "object");
  if (!Array.isArray(json) || !json.length || !json.every(flat)) return null;
  const names = [...new Set(json.slice(0, MOST_ROWS).flatMap((row) => Object.keys(row)))];
  return [names, ...json.slice(0, MOST_ROWS).map((row) => names.map((name) => String(row[name] ?? "")))];
}
