// What the directories of a (Geo)TIFF say: size, bands, reference system, extent, and where the pixels are.
const NAMES = {
  254: "subfile", 256: "width", 257: "height", 258: "bits", 259: "compression", 262: "photometric", 273: "stripOffsets",
  277: "bands", 278: "rowsPerStrip", 279: "stripCounts", 284: "planar", 317: "predictor", 320: "palette", 322: "tileWidth",
  323: "tileHeight", 324: "tileOffsets", 325: "tileCounts", 339: "format", 33550: "scale", 33922: "tie", 34735: "keys",
  42113: "nodata",
};
const SIZES = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 11: 4, 12: 8, 16: 8 };
const MOST_DIRECTORIES = 16;
const MOST_ENTRIES = 200;
const MOST_VALUES = 65536;
const GEOGRAPHIC = 2048;
const PROJECTED = 3072;

function reader(bytes, little) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = (at) => Number(view.getBigUint64(at, little));
  const short = (at) => view.getUint16(at, little);
  const word = (at) => view.getUint32(at, little);
  const read = { 1: (at) => view.getUint8(at), 2: (at) => view.getUint8(at), 3: short, 4: word, 11: (at) => view.getFloat32(at, little), 12: (at) => view.getFloat64(at, little), 16: long };
  return { short, word, long, read };
}

function listed(from, type, length, little) {
  const { read } = reader(from, little);
  return Array.from({ length }, (_none, at) => read[type](at * SIZES[type]));
}

async function directory(read, start, big, little) {
  const size = big ? 20 : 12;
  const first = reader(await read(start, big ? 8 : 2), little);
  const count = big ? first.long(0) : first.short(0);
  if (count > MOST_ENTRIES) throw new Error("it is not a TIFF that can be read");
  const bytes = await read(start + (big ? 8 : 2), count * size + (big ? 8 : 4));
  const { short, word, long } = reader(bytes, little);
  const found = {};
  for (let at = 0; at < count * size; at += size) {
    const name = NAMES[short(at)];
    const type = short(at + 2);
    const length = big ? long(at + 4) : word(at + 4);
    if (!name || !SIZES[type] || type === 5 || length > MOST_VALUES) continue;
    const inside = at + (big ? 12 : 8);
    const room = big ? 8 : 4;
    const needed = length * SIZES[type];
    const value = needed <= room ? bytes.subarray(inside, inside + needed) : await read(big ? long(inside) : word(inside), needed);
    found[name] = listed(value, type, length, little);
  }
  if (found.nodata) found.nodata = parseFloat(String.fromCharCode(...found.nodata.slice(0, 40)));
  return { found, next: big ? long(count * size) : word(count * size) };
}

// All images of a file. `read(at, length)` gives bytes; throws where it is no TIFF.
export async function directories(read) {
  const head = await read(0, 16);
  const little = head[0] === 0x49 && head[1] === 0x49;
  if (!little && (head[0] !== 0x4d || head[1] !== 0x4d)) throw new Error("it is not a TIFF");
  const { short, word, long } = reader(head, little);
  const big = short(2) === 43;
  const images = [];
  const seen = new Set();
  let next = big ? long(8) : word(4);
  while (next && !seen.has(next) && images.length < MOST_DIRECTORIES) {
    seen.add(next);
    const one = await directory(read, next, big, little).catch((error) => {
      if (!images.length) throw error;
      return { found: {}, next: 0 };
    });
    images.push(one.found);
    next = one.next;
  }
  return { images, little };
}

function code(keys, wanted) {
  for (let at = 4; at + 3 < keys.length; at += 4) if (keys[at] === wanted && keys[at + 1] === 0) return keys[at + 3];
  return 0;
}

// A directory in words, and the box in degrees where it tells one. Throws where it is no image.
export function summary({ width, height, bits, bands, scale, tie, keys }) {
  if (!width || !height) throw new Error("no size");
  const epsg = keys ? code(keys, PROJECTED) || code(keys, GEOGRAPHIC) : 0;
  const words = [`${width[0]} × ${height[0]} pixels`, `${bands?.[0] || 1} band${bands?.[0] > 1 ? "s" : ""}`];
  if (bits) words.push(`${bits[0]} bit`);
  if (epsg && epsg !== 32767) words.push(`EPSG:${epsg}`);
  let bbox = null;
  if (scale && tie?.length >= 6 && keys && !code(keys, PROJECTED) && code(keys, GEOGRAPHIC)) {
    const west = tie[3] - tie[0] * scale[0];
    const north = tie[4] + tie[1] * scale[1];
    bbox = [west, north - height[0] * scale[1], west + width[0] * scale[0], north];
  }
  return { text: words.join(", "), bbox };
}
