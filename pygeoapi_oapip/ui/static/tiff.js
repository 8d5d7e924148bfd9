// What the first directory of a (Geo)TIFF says: size, bands, reference system, extent. No pixels are decoded.
const NAMES = { 256: "width", 257: "height", 258: "bits", 259: "compression", 277: "bands", 33550: "scale", 33922: "tie", 34735: "keys" };
const SIZES = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 11: 4, 12: 8, 16: 8 };
const GEOGRAPHIC = 2048;
const PROJECTED = 3072;

function reader(buffer) {
  const view = new DataView(buffer);
  const little = view.getUint16(0) === 0x4949;
  if (!little && view.getUint16(0) !== 0x4d4d) throw new Error("not a TIFF");
  const long = (at) => Number(view.getBigUint64(at, little));
  const short = (at) => view.getUint16(at, little);
  const word = (at) => view.getUint32(at, little);
  const read = { 1: (at) => view.getUint8(at), 3: short, 4: word, 11: (at) => view.getFloat32(at, little), 12: (at) => view.getFloat64(at, little), 16: long };
  return { big: short(2) === 43, short, word, long, read };
}

// Throws where the directory is beyond the bytes that are there.
export function describeTiff(buffer) {
  const { big, short, word, long, read } = reader(buffer);
  const start = big ? long(8) : word(4);
  const count = big ? long(start) : short(start);
  const found = {};
  for (let n = 0; n < Math.min(count, 200); n += 1) {
    const entry = start + (big ? 8 + n * 20 : 2 + n * 12);
    const name = NAMES[short(entry)];
    const type = short(entry + 2);
    const length = big ? long(entry + 4) : word(entry + 4);
    if (!name || !read[type] || length > 4096) continue;
    const inside = entry + (big ? 12 : 8);
    const from = length * SIZES[type] <= (big ? 8 : 4) ? inside : big ? long(inside) : word(inside);
    found[name] = Array.from({ length }, (_none, at) => read[type](from + at * SIZES[type]));
  }
  return summary(found);
}

function code(keys, wanted) {
  for (let at = 4; at + 3 < keys.length; at += 4) if (keys[at] === wanted && keys[at + 1] === 0) return keys[at + 3];
  return 0;
}

function summary({ width, height, bits, bands, scale, tie, keys }) {
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
