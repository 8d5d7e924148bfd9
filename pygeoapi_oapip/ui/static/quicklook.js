// A small picture of a (Geo)TIFF, from its own overview where it has one; only what is needed of the file is read.
import { range } from "./http.js";
import { el } from "./dom.js";
import { block, kindOf } from "./pixels.js";
import { directories, summary } from "./tiff.js";

const SIDE = 512;
const MOST_BYTES = 24 * 1024 * 1024;
const MOST_PIXELS = 16 * 1024 * 1024;
const MOST_BLOCKS = 400;
const MOST_UNPACKED = 256 * 1024 * 1024;
const TOO_LARGE = "it is too large for a quick look, and has no overview that is small enough";
const MASK = 4;

class Source {
  constructor(url, head) {
    this.url = url;
    this.head = new Uint8Array(head);
    this.left = MOST_BYTES;
  }

  async read(at, length) {
    if (at + length <= this.head.length) return this.head.subarray(at, at + length);
    this.left -= length;
    if (this.left < 0) throw new Error(TOO_LARGE);
    return new Uint8Array(await range(this.url, at, length));
  }
}

const whole = (value) => Number.isSafeInteger(value) && value > 0;

// The smallest image of at least the size that is shown; else the largest one.
function choose(found) {
  const images = found.filter((one) => whole(one.width?.[0]) && whole(one.height?.[0]) && !((one.subfile?.[0] || 0) & MASK));
  images.sort((one, two) => one.width[0] - two.width[0]);
  return images.find((one) => Math.max(one.width[0], one.height[0]) >= SIDE) || images.at(-1);
}

function layout(image) {
  const [width, height] = [image.width[0], image.height[0]];
  const tiled = Boolean(image.tileWidth);
  const across = tiled ? image.tileWidth[0] : width;
  const down = tiled ? image.tileHeight?.[0] : Math.min(height, image.rowsPerStrip?.[0] || height);
  const offsets = (tiled ? image.tileOffsets : image.stripOffsets) || [];
  const counts = (tiled ? image.tileCounts : image.stripCounts) || [];
  if (!whole(across) || !whole(down) || width * height > MOST_PIXELS || across * down > MOST_PIXELS) {
    throw new Error(TOO_LARGE);
  }
  return { width, height, across, down, offsets, counts, columns: Math.ceil(width / across) };
}

// Values of up to four bands, sampled down to the size that is shown.
async function sampled(source, image, little) {
  const at = layout(image);
  const samples = image.bands?.[0] || 1;
  const planar = image.planar?.[0] === 2;
  const bands = Math.min(samples, samples >= 3 ? 4 : 1);
  const scale = Math.max(1, Math.max(at.width, at.height) / SIDE);
  const size = [Math.max(1, Math.floor(at.width / scale)), Math.max(1, Math.floor(at.height / scale))];
  const values = Array.from({ length: bands }, () => new Float64Array(size[0] * size[1]).fill(NaN));
  const how = { compression: image.compression?.[0] || 1, predictor: image.predictor?.[0] || 1, little,
    kind: kindOf(image.format?.[0] || 1, image.bits?.[0] || 1), width: at.across, rows: at.down, samples: planar ? 1 : samples };
  const perPlane = at.columns * Math.ceil(at.height / at.down);
  const planes = planar ? bands : 1;
  if (perPlane * planes > MOST_BLOCKS) throw new Error("it has too many parts for a quick look");
  if (at.across * at.down * how.samples * how.kind.size * perPlane * planes > MOST_UNPACKED) throw new Error(TOO_LARGE);
  for (let n = 0; n < perPlane * planes; n += 1) {
    const index = n % perPlane;
    const place = { left: (index % at.columns) * at.across, top: Math.floor(index / at.columns) * at.down, ...at };
    const length = at.counts[n] || at.across * at.down * how.samples * how.kind.size;
    const pixel = whole(at.offsets[n]) ? await block(await source.read(at.offsets[n], length), how) : () => NaN;
    const from = planar ? [Math.floor(n / perPlane)] : values.keys();
    for (const band of from) fill(values[band], size, scale, place, (x, y) => pixel(x, y, planar ? 0 : band));
  }
  return { values, size };
}

function fill(values, [width, height], scale, { left, top, across, down }, pixel) {
  const rows = [Math.ceil(top / scale - 0.5), Math.min(height, (top + down) / scale)];
  const columns = [Math.ceil(left / scale - 0.5), Math.min(width, (left + across) / scale)];
  for (let y = Math.max(0, rows[0]); y < rows[1]; y += 1) {
    const row = Math.floor((y + 0.5) * scale) - top;
    for (let x = Math.max(0, columns[0]); row >= 0 && row < down && x < columns[1]; x += 1) {
      const column = Math.floor((x + 0.5) * scale) - left;
      if (column >= 0 && column < across) values[y * width + x] = pixel(column, row);
    }
  }
}

// From the value that 2 % are below to the one that 2 % are above.
function limits(values, nodata) {
  const kept = values.filter((value) => Number.isFinite(value) && value !== nodata).sort();
  if (!kept.length) return [0, 1];
  const [low, high] = [kept[Math.floor(kept.length * 0.02)], kept[Math.floor((kept.length - 1) * 0.98)]];
  return low < high ? [low, high] : [kept[0], kept.at(-1) > kept[0] ? kept.at(-1) : kept[0] + 1];
}

function draw({ values, size }, image) {
  const canvas = el("canvas", { class: "quicklook", width: size[0], height: size[1], role: "img" });
  const context = canvas.getContext("2d");
  const picture = context.createImageData(size[0], size[1]);
  const bytes = (image.bits?.[0] || 1) === 8 && (image.format?.[0] || 1) === 1;
  const palette = image.photometric?.[0] === 3 && image.palette?.length >= 768 && bytes ? image.palette : null;
  const nodata = image.nodata;
  const colours = values.length >= 3 ? values.slice(0, 3) : [values[0], values[0], values[0]];
  const stretch = colours.map((band, at) => (at && values.length < 3 ? null : bytes && values.length >= 3 ? [0, 255] : limits(band, nodata)));
  const turned = image.photometric?.[0] === 0;
  for (let n = 0; n < size[0] * size[1]; n += 1) {
    const own = colours.map((band) => band[n]);
    const clear = own.some((value) => !Number.isFinite(value)) || own.every((value) => value === nodata);
    const parts = own.map((value, at) => {
      if (palette) return palette[at * 256 + value] / 257;
      const [low, high] = stretch[at] || stretch[0];
      const part = ((value - low) / (high - low)) * 255;
      return turned ? 255 - part : part;
    });
    picture.data.set([...parts, clear ? 0 : 255], n * 4);
  }
  context.putImageData(picture, 0, 0);
  return canvas;
}

// What a file says of itself (null where that is not known), and a function that makes its picture: a canvas, or an error
// with the reason why there is none. Throws where it is no TIFF.
export async function openTiff(url, head) {
  const source = new Source(url, head);
  const { images, little } = await directories((at, length) => source.read(at, length));
  const picture = async () => {
    const image = choose(images);
    if (!image) throw new Error("it has no image");
    return draw(await sampled(source, image, little), image);
  };
  return { ...summary(images[0] || {}), picture };
}
