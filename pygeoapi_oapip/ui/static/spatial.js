// GeoJSON and STAC: what of a JSON document can be shown on a map, and the facts beside it.
import { call } from "./http.js";
import { el, isResult, safe } from "./dom.js";
import { showOnMap } from "./map.js";

const GEOMETRIES = ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"];
const MOST_FEATURES = 5000;
const MOST_ITEMS = 40;

const isBox = (box) => Array.isArray(box) && (box.length === 4 || box.length === 6) && box.every((x) => Number.isFinite(x));

function rectangle(box, properties = {}) {
  const [west, south, east, north] = box.length === 6 ? [box[0], box[1], box[3], box[4]] : box;
  const ring = [[west, south], [east, south], [east, north], [west, north], [west, south]];
  return { type: "Feature", properties, geometry: { type: "Polygon", coordinates: [ring] } };
}

// The GeoJSON objects of a document; none where it is something else.
export function objectsOf(json) {
  if (json === null || typeof json !== "object") return [];
  if (json.type === "FeatureCollection" && Array.isArray(json.features)) return json.features.filter((f) => f?.geometry).slice(0, MOST_FEATURES);
  if (json.type === "Feature") return json.geometry ? [json] : [];
  if (GEOMETRIES.includes(json.type) && (json.coordinates || json.geometries)) return [{ type: "Feature", properties: {}, geometry: json }];
  const boxes = json.extent?.spatial?.bbox;
  if (Array.isArray(boxes)) return boxes.filter(isBox).map((box) => rectangle(box, { id: json.id }));
  return isBox(json.bbox) && Object.keys(json).every((key) => ["bbox", "crs"].includes(key)) ? [rectangle(json.bbox)] : [];
}

const isStac = (json) => typeof json?.stac_version === "string";
const linksOf = (json, ...relations) => (Array.isArray(json.links) ? json.links : []).filter((link) => relations.includes(link?.rel));

async function itemsBelow(json, url, depth = 0) {
  const found = [];
  for (const link of linksOf(json, "item", "child").slice(0, MOST_ITEMS)) {
    const address = safe(String(link.href), url);
    if (isResult(address)) {
      const { body } = await call(address);
      found.push(...(link.rel === "child" && depth < 2 ? await itemsBelow(body, address, depth + 1) : objectsOf(body)));
    }
    if (found.length >= MOST_ITEMS) break;
  }
  return found;
}

function facts(rows) {
  const given = rows.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return el("dl", { class: "facts" }, ...given.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value.nodeType ? value : String(value))]));
}

function assets(json, url) {
  const rows = Object.entries(json.assets || {}).map(([key, asset]) => {
    const address = safe(String(asset?.href), url);
    const name = String(asset?.title || key);
    return el("li", {}, address ? el("a", { href: address }, name) : name, " ", el("small", {}, String(asset?.type || "")));
  });
  return rows.length ? el("ul", { class: "plain" }, ...rows) : undefined;
}

function about(json, url) {
  const interval = json.extent?.temporal?.interval?.[0];
  const time = Array.isArray(interval) ? interval.map((end) => end || "..").join(" / ") : json.properties?.datetime;
  return facts([
    ["STAC", json.type === "Feature" ? "Item" : json.type], ["Id", json.id], ["Title", json.title || json.properties?.title],
    ["Description", json.description], ["Collection", json.collection], ["Time", time], ["License", json.license],
    ["Assets", assets(json, url)],
  ]);
}

// Shows what a document says of the Earth; gives false where it says nothing.
export async function showSpatial(place, json, url, label) {
  const stac = isStac(json);
  let objects = objectsOf(json);
  if (stac && json.type !== "Feature") {
    const items = await itemsBelow(json, url).catch(() => []);
    objects = items.length ? items : objects;
  }
  if (!stac && !objects.length) return false;
  const shown = el("div", { class: "spatial" });
  place.append(shown);
  if (stac) shown.append(about(json, url));
  if (objects.length) {
    await showOnMap(shown, objects, `Map of ${label}`).catch((error) => shown.append(el("p", { class: "hint" }, `No map: ${error.message}`)));
  }
  return true;
}
