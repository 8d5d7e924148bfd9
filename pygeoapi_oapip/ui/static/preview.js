// Shows what is in results: tables, texts, JSON, maps, the size of images. Everything is data of users: it becomes text nodes.
import { call, head } from "./http.js";
import { el, bytes, isResult, safe } from "./dom.js";
import { parseTable, rowsOf, table } from "./tables.js";

const TEXT_BYTES = 256 * 1024;
const JSON_BYTES = 8 * 1024 * 1024;
const SHOWN_TEXT = 50_000;
const AT_ONCE = 12;
const ROOTS = ["catalog.json", "collection.json"];
const KINDS = [
  [/^image\/(png|jpeg|gif|webp|svg\+xml)$/, "image"], [/^image\/tiff|\.tiff?$/i, "tiff"],
  [/[/+]json$|geojson$|\.(geo)?json$/i, "json"], [/^text\/(csv|tab-separated-values)$|\.[ct]sv$/i, "table"],
  [/^text\/|[/+](xml|yaml|x-yaml|cwl|javascript)$|\.(txt|log|md|ya?ml|cwl|xml|html?|py|r)$/i, "text"],
];

function kindOf({ type = "", name = "" }) {
  const essence = type.split(";")[0].trim().toLowerCase();
  const named = essence && essence !== "application/octet-stream" ? essence : name;
  return (KINDS.find(([pattern]) => pattern.test(named)) || ["", ""])[1];
}

const decoded = (buffer) => new TextDecoder().decode(buffer);
const note = (text) => el("p", { class: "hint" }, text);
const cut = (size, shown) => (size > shown ? note(`The first ${bytes(shown)} of ${bytes(size)}.`) : null);

function textBox(text, label, more) {
  const shown = text.slice(0, SHOWN_TEXT);
  return [el("pre", { tabindex: "0", "aria-label": label }, shown || "(empty)"), more || (shown.length < text.length ? note("Cut: download it to read all.") : null)];
}

async function showJSON(place, json, url, label) {
  const rows = rowsOf(json);
  if (rows) {
    place.append(table(rows, label), ...(json.length > rows.length - 1 ? [note(`The first ${rows.length - 1} of ${json.length} rows.`)] : []));
    return;
  }
  const { showSpatial } = await import("./spatial.js");
  const spatial = await showSpatial(place, json, url, label);
  const text = JSON.stringify(json, null, 2);
  const box = textBox(text, label).filter(Boolean);
  if (spatial) place.append(el("details", {}, el("summary", {}, "As JSON"), ...box));
  else place.append(...box);
}

const SHOW = {
  async json(place, { url, name, size }) {
    if (size > JSON_BYTES) return SHOW.text(place, { url, name, size });
    const text = decoded(await head(url, JSON_BYTES));
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      place.append(...textBox(text, name).filter(Boolean));
      return undefined;
    }
    return showJSON(place, json, url, name);
  },
  async table(place, { url, name, size, type }) {
    let text = decoded(await head(url, TEXT_BYTES));
    if (size > TEXT_BYTES) text = text.slice(0, text.lastIndexOf("\n") + 1);
    const rows = parseTable(text, type);
    if (rows.length === 0) place.append(note("The table is empty."));
    else place.append(table(rows, name));
    if (rows.length > 100) place.append(note("The first 100 rows."));
  },
  async text(place, { url, name, size }) {
    place.append(...textBox(decoded(await head(url, TEXT_BYTES)), name, cut(size, TEXT_BYTES)).filter(Boolean));
  },
  async tiff(place, { url, name }) {
    const { openTiff } = await import("./quicklook.js");
    try {
      const { text, bbox, picture } = await openTiff(url, await head(url, TEXT_BYTES));
      place.append(note(`Image of ${text}.`));
      const canvas = await picture().catch((error) => note(`No quick look: ${error.message}.`));
      if (canvas.nodeName === "CANVAS") canvas.setAttribute("aria-label", `Quick look at ${name}`);
      place.append(canvas);
      if (bbox) await (await import("./spatial.js")).showSpatial(place, { bbox }, url, name);
    } catch {
      place.append(note("Browsers do not show TIFF: download it."));
    }
  },
};

async function showDirectory(place, url, name) {
  const { body } = await call(`${url}?f=json`);
  const files = body.files || [];
  const root = files.find((file) => ROOTS.includes(file.name));
  if (root) await SHOW.json(place, { url: safe(root.href), name: root.name, size: root.size });
  const rows = files.slice(0, 100).map((file) => el("li", {}, el("a", { href: `${safe(file.href)}?f=html` }, file.name), " ", el("small", {}, `${file.type} · ${bytes(file.size)}`)));
  const list = el("ul", { class: "plain" }, ...rows);
  place.append(el("details", { open: !root }, el("summary", {}, `${files.length} files in ${name}`), list, files.length > 100 ? note("The first 100 files.") : ""));
}

function fileOf(node) {
  const { file, name, type, size } = node.dataset;
  return { url: safe(file), name, type, size: Number(size || 0) };
}

async function show(node) {
  const file = fileOf(node);
  if (!isResult(file.url)) return;
  const place = el("div", { class: "shown" });
  node.append(place);
  if (node.dataset.size === "0") {
    place.append(note("The file is empty."));
    return;
  }
  try {
    if ("directory" in node.dataset) await showDirectory(place, file.url, file.name);
    else await SHOW[kindOf(file)]?.(place, file);
  } catch (error) {
    place.append(note(`No preview: ${error.message}`));
  }
}

function offer(node) {
  if (!("directory" in node.dataset) && !SHOW[kindOf(fileOf(node))]) return;
  const button = el("button", { type: "button", class: "small quiet", on: { click: () => { button.remove(); show(node); } } }, "Preview");
  node.append(button);
}

function pictures(root) {
  for (const image of root.querySelectorAll("img.preview")) {
    image.addEventListener("error", () => image.closest(".picture").replaceWith(note("The image cannot be shown here.")));
  }
}

export async function previewAll(root) {
  pictures(root);
  [...root.querySelectorAll(".file[data-file]")].forEach((node, at) => (at < AT_ONCE ? show(node) : offer(node)));
  for (const box of root.querySelectorAll("pre[data-json]")) {
    const place = el("div", {});
    box.before(place);
    import("./spatial.js").then(({ showSpatial }) => showSpatial(place, JSON.parse(box.textContent), document.baseURI, box.getAttribute("aria-label")));
  }
  const listed = [...root.querySelectorAll("tr[data-file]")].find((row) => ROOTS.includes(row.dataset.name));
  if (listed) {
    const place = el("div", {});
    root.prepend(place);
    const file = fileOf(listed);
    await SHOW.json(place, { ...file, size: file.size });
  }
}

const own = document.querySelector("main > #results");
if (own) previewAll(own);
