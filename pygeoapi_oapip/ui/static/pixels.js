// Pixels of a TIFF, one strip or tile at a time: not compressed, deflate, LZW and PackBits; 8 to 64 bits.
// What a file says of itself is never trusted: no more is made than a block can hold.

const KINDS = {
  "1/8": ["getUint8", 1], "1/16": ["getUint16", 2], "1/32": ["getUint32", 4],
  "2/8": ["getInt8", 1], "2/16": ["getInt16", 2], "2/32": ["getInt32", 4],
  "3/32": ["getFloat32", 4], "3/64": ["getFloat64", 8],
};

export function kindOf(format, bits) {
  const kind = KINDS[`${format}/${bits}`];
  if (!kind) throw new Error(`pixels of ${bits} bits and format ${format} are not shown`);
  return { read: kind[0], size: kind[1] };
}

async function inflate(data, most) {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const out = new Uint8Array(most);
  let at = 0;
  try {
    while (at < most) {
      const { value, done } = await reader.read();
      if (done) break;
      out.set(value.subarray(0, most - at), at);
      at += value.length;
    }
  } catch {
    // a file that is cut shows what is there
  }
  await reader.cancel().catch(() => {});
  return out;
}

function packBits(data, most) {
  const out = new Uint8Array(most);
  let from = 0;
  let at = 0;
  while (from < data.length && at < most) {
    const count = data[from] < 128 ? data[from] : data[from] - 256;
    from += 1;
    if (count >= 0) {
      out.set(data.subarray(from, from + Math.min(count + 1, most - at)), at);
      from += count + 1;
      at += count + 1;
    } else if (count !== -128) {
      out.fill(data[from], at, Math.min(most, at + 1 - count));
      from += 1;
      at += 1 - count;
    }
  }
  return out;
}

// TIFF 6.0 section 13: codes of 9 to 12 bits, the highest bit first; 256 clears the table, 257 ends.
function lzw(data, most) {
  const out = new Uint8Array(most);
  const starts = new Int32Array(4097);
  const lengths = new Int32Array(4097);
  let [at, bit, width, next, last] = [0, 0, 9, 258, -1];
  const put = (from, length) => {
    for (let n = 0; n < length && at < most; n += 1, at += 1) out[at] = out[from + n];
  };
  while (at < most && bit + width <= data.length * 8) {
    const byte = bit >> 3;
    const word = (data[byte] << 16) | ((data[byte + 1] || 0) << 8) | (data[byte + 2] || 0);
    const code = (word >> (24 - width - (bit & 7))) & ((1 << width) - 1);
    bit += width;
    if (code === 257 || code > next) break;
    if (code === 256) {
      [width, next, last] = [9, 258, -1];
      continue;
    }
    const begin = at;
    if (code < 256) { out[at] = code; at += 1; }
    else if (code < next) put(starts[code], lengths[code]);
    else if (last < 0) break;
    else put(last, begin - last + 1);
    if (last >= 0 && next < 4096) {
      starts[next] = last;
      lengths[next] = begin - last + 1;
      next += 1;
    }
    last = begin;
    if (next >= (1 << width) - 1 && width < 12) width += 1;
  }
  return out;
}

// What is not read here, by the number in the file.
const OTHERS = { 2: "CCITT", 3: "CCITT", 4: "CCITT", 6: "JPEG", 7: "JPEG", 33003: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000",
  34887: "LERC", 34925: "LZMA", 50000: "ZSTD", 50001: "WebP", 50002: "JPEG XL" };

async function unpacked(data, compression, most) {
  if (compression === 1) return data.subarray(0, most);
  if (compression === 8 || compression === 32946) return inflate(data, most);
  if (compression === 5) return lzw(data, most);
  if (compression === 32773) return packBits(data, most);
  const name = OTHERS[compression] ? `${OTHERS[compression]} compression` : `its compression (${compression})`;
  throw new Error(`this page cannot read ${name}; download the file to see it`);
}

// Horizontal differences (predictor 2), undone in place.
function undo(view, { read, size }, little, width, rows, samples) {
  const write = read.replace("get", "set");
  for (let y = 0; y < rows; y += 1) {
    for (let n = samples; n < width * samples; n += 1) {
      const at = (y * width * samples + n) * size;
      if (at + size > view.byteLength) return;
      view[write](at, view[read](at, little) + view[read](at - samples * size, little), little);
    }
  }
}

// A function (x, y, sample) -> value of one block; NaN beyond what is there.
export async function block(data, { compression, predictor, kind, little, width, rows, samples }) {
  const most = width * rows * samples * kind.size;
  const raw = await unpacked(data, compression, most);
  const bytes = predictor === 2 && compression === 1 ? raw.slice() : raw;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (predictor === 2) undo(view, kind, little, width, rows, samples);
  else if (predictor > 2) throw new Error("differences of decimal numbers are not shown");
  return (x, y, sample) => {
    const at = ((y * width + x) * samples + sample) * kind.size;
    return at + kind.size <= view.byteLength ? view[kind.read](at, little) : NaN;
  };
}
