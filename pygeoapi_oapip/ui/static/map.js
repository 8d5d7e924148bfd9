// Maps without a tile server: Leaflet and an outline of the world, both from here, loaded when the first map is shown.
import { el } from "./dom.js";

const HERE = import.meta.url;
let loaded = null;

function style(name) {
  return new Promise((resolve, reject) => {
    const link = el("link", { rel: "stylesheet", href: new URL(name, HERE).href, on: { load: resolve, error: reject } });
    document.head.append(link);
  });
}

async function load() {
  const [world] = await Promise.all([
    fetch(new URL("world.json", HERE)).then((answer) => answer.json()),
    style("leaflet/leaflet.css"),
    import("./leaflet/leaflet.js"),
  ]);
  return { L: window.L, world };
}

const lines = (step) => {
  const found = [];
  for (let x = -180; x <= 180; x += step) found.push([[x, -90], [x, 90]]);
  for (let y = -90; y <= 90; y += step) found.push([[-180, y], [180, y]]);
  return { type: "MultiLineString", coordinates: found };
};

export async function makeMap(box) {
  loaded ||= load();
  const { L, world } = await loaded;
  const map = L.map(box, {
    crs: L.CRS.EPSG4326, attributionControl: false, zoomSnap: 0.25, maxZoom: 18,
    maxBounds: [[-110, -240], [110, 240]], maxBoundsViscosity: 0.8, scrollWheelZoom: false,
  });
  map.fitBounds([[-70, -170], [80, 175]]);
  const below = { pane: "tilePane", renderer: L.svg({ pane: "tilePane", padding: 0.5 }), interactive: false };
  L.geoJSON(world, { ...below, style: { className: "land", weight: 1 } }).addTo(map);
  L.geoJSON(lines(10), { ...below, style: { className: "grid", weight: 1 } }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  const place = L.control({ position: "bottomright" });
  place.onAdd = () => el("div", { class: "where", "aria-hidden": "true" });
  place.addTo(map);
  map.on("mousemove", ({ latlng }) => {
    place.getContainer().textContent = `${latlng.lng.toFixed(3)}, ${latlng.lat.toFixed(3)}`;
  });
  map.on("focus click", () => map.scrollWheelZoom.enable());
  map.on("blur mouseout", () => map.scrollWheelZoom.disable());
  return { L, map };
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const text = (value) => (typeof value === "object" && value !== null ? JSON.stringify(value) : String(value)).slice(0, 300);

function popup(feature) {
  const rows = Object.entries(feature.properties || {}).slice(0, 20);
  const title = feature.id === undefined ? null : el("b", {}, String(feature.id));
  const table = el("table", {}, ...rows.map(([key, value]) => el("tr", {}, el("th", { scope: "row" }, key), el("td", {}, text(value)))));
  return el("div", { class: "popup" }, title, rows.length ? table : "No properties");
}

const fits = (bounds) => bounds.isValid() && bounds.getSouth() >= -90.01 && bounds.getNorth() <= 90.01
  && bounds.getWest() >= -540 && bounds.getEast() <= 540;

// Shows GeoJSON objects (longitude, latitude) in a new map inside `place`.
export async function showOnMap(place, objects, label) {
  const box = el("div", { class: "map", role: "application", "aria-label": label });
  place.append(box);
  const { L, map } = await makeMap(box);
  const main = colour("main");
  const layer = L.geoJSON(objects, {
    renderer: L.canvas({ padding: 0.5 }),
    style: { color: main, weight: 2, fillOpacity: 0.2 },
    pointToLayer: (_feature, at) => L.circleMarker(at, { radius: 6 }),
    onEachFeature: (feature, part) => part.bindPopup(() => popup(feature), { maxWidth: 320 }),
  }).addTo(map);
  const bounds = layer.getBounds();
  if (!fits(bounds)) {
    map.remove();
    box.remove();
    throw new Error("These coordinates are not longitude and latitude.");
  }
  map.fitBounds(bounds.pad(0.15), { maxZoom: 6 });
  return map;
}
