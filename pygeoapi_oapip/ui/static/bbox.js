// A bounding box: four numbers, and a map to draw it on.
import { el } from "./dom.js";
import { Control, newId } from "./controls.js";
import { colour, makeMap } from "./map.js";

const CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";
const SIDES = ["west", "south", "east", "north"];
const DEGREES = /CRS84|4326$/;
const round = (x) => Math.round(x * 1e4) / 1e4;
const clamp = (x, most) => Math.max(-most, Math.min(most, x));

function numbersOf(value) {
  const found = typeof value === "string" ? value.split(",").map(Number) : Array.isArray(value) ? value : value?.bbox;
  if (!Array.isArray(found)) return [];
  return found.length === 6 ? [found[0], found[1], found[3], found[4]] : found;
}

// shape: `object` ({bbox, crs}), `array` ([w, s, e, n]) or `string` ("w,s,e,n").
export class BoxControl extends Control {
  constructor(schema, value, shape) {
    super(schema);
    this.shape = shape;
    const numbers = numbersOf(value);
    this.sides = SIDES.map((side, at) => el("input", { id: at ? newId() : this.id, type: "number", step: "any", value: numbers[at] ?? "" }));
    [this.main] = this.sides;
    this.crs = shape === "object" ? this.crsControl(value?.crs) : null;
    this.box = el("div", { class: "map pick", role: "application", "aria-label": "Map: draw a box with the pointer, or fill in the numbers" });
    this.draw = el("button", { type: "button", class: "small quiet", "aria-pressed": "false" }, "Draw on the map");
    this.empty = el("button", { type: "button", class: "small quiet", on: { click: () => this.set([]) } }, "Clear");
    const labelled = this.sides.map((input, at) => el("label", { for: input.id }, SIDES[at], input));
    this.node = el("div", { class: "bbox" }, el("div", { class: "sides" }, ...labelled, this.crs ? el("label", { class: "crs" }, "CRS", this.crs) : null),
      el("p", { class: "actions" }, this.draw, this.empty), this.box);
    this.node.addEventListener("input", () => this.showRectangle());
    requestAnimationFrame(() => this.start().catch(() => { this.box.hidden = true; this.draw.hidden = true; }));
  }

  crsControl(given) {
    const { properties = {} } = this.schema;
    const allowed = properties.crs?.enum || (properties.crs?.oneOf || []).flatMap((part) => part.enum || []);
    const chosen = given || properties.crs?.default || allowed[0] || CRS84;
    this.always = "crs" in properties && this.schema.format !== "ogc-bbox";
    if (allowed.length) return el("select", {}, ...allowed.map((crs) => el("option", { selected: crs === chosen }, crs)));
    return el("input", { type: "text", value: chosen, spellcheck: "false", autocomplete: "off" });
  }

  async start() {
    const { L, map } = await makeMap(this.box);
    Object.assign(this, { L, map });
    this.draw.addEventListener("click", () => this.drawing(!this.active));
    this.box.addEventListener("pointerdown", (event) => this.begin(event), true);
    this.showRectangle(true);
  }

  drawing(active) {
    this.active = active;
    this.draw.setAttribute("aria-pressed", String(active));
    this.draw.textContent = active ? "Now drag over the map…" : "Draw on the map";
    this.box.classList.toggle("drawing", active);
    this.map.dragging[active ? "disable" : "enable"]();
  }

  begin(event) {
    if (!this.active || event.target.closest(".leaflet-control")) return;
    event.preventDefault();
    event.stopPropagation();
    const start = this.map.mouseEventToLatLng(event);
    const move = (next) => this.span(start, this.map.mouseEventToLatLng(next));
    const end = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", end);
      window.removeEventListener("pointercancel", end);
      this.drawing(false);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
  }

  span(one, other) {
    const west = Math.min(one.lng, other.lng);
    const east = Math.max(one.lng, other.lng);
    this.set([clamp(west, 180), clamp(Math.min(one.lat, other.lat), 90), clamp(east, 180), clamp(Math.max(one.lat, other.lat), 90)].map(round));
  }

  set(numbers) {
    this.sides.forEach((input, at) => { input.value = numbers[at] ?? ""; });
    this.showRectangle();
    this.main.dispatchEvent(new Event("input", { bubbles: true }));
  }

  showRectangle(move = false) {
    if (!this.map) return;
    this.rectangle?.remove();
    const numbers = this.sides.map((input) => (input.value === "" ? NaN : Number(input.value)));
    if (!numbers.every(Number.isFinite) || !DEGREES.test(this.crs?.value || CRS84)) return;
    const [west, south, east, north] = numbers;
    this.rectangle = this.L.rectangle([[south, west], [north, east]], { color: colour("main"), weight: 2, interactive: false }).addTo(this.map);
    if (move) this.map.fitBounds(this.rectangle.getBounds().pad(0.5), { maxZoom: 8 });
  }

  read(issues) {
    const given = this.sides.filter((input) => input.value !== "").length;
    if (this.sides.some((input) => input.validity.badInput)) return this.refuse(issues, "These are not numbers.");
    if (!given) return undefined;
    if (given < 4) return this.refuse(issues, "All four sides are needed.");
    const bbox = this.sides.map((input) => Number(input.value));
    if (bbox[1] > bbox[3]) return this.refuse(issues, "South must not be above north.");
    if (this.shape === "array") return bbox;
    if (this.shape === "string") return bbox.join(",");
    const crs = this.crs.value.trim();
    return crs && (this.always || crs !== CRS84) ? { bbox, crs } : { bbox };
  }
}
