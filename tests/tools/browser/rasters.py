"""TIFF files of many kinds, written by hand: each shows the same picture, and is checked by its colours."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence

WIDTH, HEIGHT = 64, 48
DARK, BRIGHT = 20, 220
Pixels = Callable[[int, int], Sequence[int]]


def left_dark(x: int, y: int) -> Sequence[int]:
    """Dark on the left, bright on the right."""
    return (DARK if x < WIDTH // 2 else BRIGHT,)


def red_left_blue_right(x: int, y: int) -> Sequence[int]:
    return (200, 10, 10) if x < WIDTH // 2 else (10, 10, 200)


def lzw(data: bytes) -> bytes:
    """TIFF 6.0 section 13, with a table of its own."""
    out, bits, count = bytearray(), 0, 0

    def put(code: int, width: int) -> None:
        nonlocal bits, count
        bits, count = (bits << width) | code, count + width
        while count >= 8:
            out.append((bits >> (count - 8)) & 255)
            count -= 8
            bits &= (1 << count) - 1

    table, width, word = {bytes([n]): n for n in range(256)}, 9, b""
    size = 258
    put(256, 9)
    for n in range(len(data)):
        longer = word + data[n : n + 1]
        if longer in table:
            word = longer
            continue
        put(table[word], width)
        table[longer] = size
        size += 1
        width = 10 if size == 511 else 11 if size == 1023 else 12 if size == 2047 else width
        if size == 4094:
            put(256, width)
            table, width, size = {bytes([n]): n for n in range(256)}, 9, 258
        word = data[n : n + 1]
    put(table[word], width)
    put(257, width)
    if count:
        out.append((bits << (8 - count)) & 255)
    return bytes(out)


def packbits(data: bytes) -> bytes:
    parts = (data[at : at + 128] for at in range(0, len(data), 128))
    return b"".join(bytes([len(part) - 1]) + part for part in parts)


PACK: dict[int, Callable[[bytes], bytes]] = {1: bytes, 8: zlib.compress, 5: lzw, 32773: packbits}


def _differences(values: list[int], samples: int) -> list[int]:
    return [value - (values[n - samples] if n >= samples else 0) for n, value in enumerate(values)]


def tiff(
    pixels: Pixels = left_dark,
    code: str = "B",
    compression: int = 1,
    predictor: int = 1,
    tile: int = 0,
    order: str = "<",
) -> bytes:
    """A TIFF of one image.

    Args:
        pixels: the bands at a place.
        code: of `struct` for a sample.
        compression, predictor: as the tags of these names.
        tile: side of the tiles; 0: strips of ten rows.
        order: `<` or `>`.
    """
    samples = len(pixels(0, 0))
    mask = (1 << 8 * struct.calcsize(code)) - 1
    across, down = (tile, tile) if tile else (WIDTH, 10)
    blocks = []
    for top in range(0, HEIGHT, down):
        for left in range(0, WIDTH, across):
            rows = range(top, top + down if tile else min(HEIGHT, top + down))
            content = b""
            for y in rows:
                row = [v for x in range(left, left + across) for v in pixels(min(x, WIDTH - 1), min(y, HEIGHT - 1))]
                if predictor == 2:
                    row = [value & mask for value in _differences(row, samples)]
                content += struct.pack(f"{order}{len(row)}{code}", *row)
            blocks.append(PACK[compression](content))
    bits = 8 * struct.calcsize(code)
    form = 3 if code in "fd" else 2 if code in "bhi" else 1
    tags = {256: [WIDTH], 257: [HEIGHT], 258: [bits] * samples, 259: [compression], 277: [samples], 317: [predictor]}
    tags |= {262: [2 if samples >= 3 else 1], 284: [1], 339: [form] * samples}
    tags |= {322: [tile], 323: [tile]} if tile else {278: [10]}
    counts = [len(part) for part in blocks]
    offsets = [8 + sum(counts[:n]) for n in range(len(counts))]
    tags |= {324: offsets, 325: counts} if tile else {273: offsets, 279: counts}
    return _file(tags, blocks, order)


def _file(tags: dict[int, list[int]], blocks: Sequence[bytes], order: str) -> bytes:
    start = 8 + sum(map(len, blocks))
    start += start % 2
    extra = start + 2 + 12 * len(tags) + 4
    entries, more = b"", b""
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            entries += struct.pack(f"{order}HHII", tag, 4, len(values), extra + len(more))
            more += packed
        else:
            entries += struct.pack(f"{order}HHI", tag, 4, 1) + packed
    mark = b"II" if order == "<" else b"MM"
    head = mark + struct.pack(f"{order}HI", 42, start)
    body = b"".join(blocks)
    return head + body + bytes(start - 8 - len(body)) + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + more


GRAY = {
    "plain": tiff(),
    "deflate": tiff(compression=8),
    "lzw": tiff(compression=5),
    "packbits": tiff(compression=32773),
    "predictor": tiff(compression=8, predictor=2),
    "lzw16": tiff(code="H", compression=5, predictor=2),
    "tiles": tiff(compression=8, tile=16),
    "odd-tiles": tiff(compression=8, tile=48),
    "big-endian": tiff(code="H", order=">"),
    "signed": tiff(lambda x, y: [v - 120 for v in left_dark(x, y)], code="h"),
    "float": tiff(code="f", compression=8),
    "double": tiff(code="d", tile=32),
}
"""Dark on the left and bright on the right, each."""
COLOUR = {"rgb": tiff(red_left_blue_right), "rgb-tiles": tiff(red_left_blue_right, compression=8, predictor=2, tile=16)}


def _said(compression: int) -> bytes:
    """A file that says that it is compressed in another way."""
    return tiff().replace(struct.pack("<HHII", 259, 4, 1, 1), struct.pack("<HHII", 259, 4, 1, compression))


OTHER = {
    "jpeg": (_said(7), "JPEG compression"),
    "zstd": (_said(50000), "ZSTD compression"),
    "unknown": (_said(9999), "its compression (9999)"),
}
"""Files of which there is no quick look, and why."""


def _claiming(**sizes: int) -> bytes:
    """A small file that says it has other sizes: `width`, `height`, `bands`."""
    said = tiff(compression=32773)
    for name, tag, true in (("width", 256, WIDTH), ("height", 257, HEIGHT), ("bands", 277, 1)):
        said = said.replace(struct.pack("<HHII", tag, 4, 1, true), struct.pack("<HHII", tag, 4, 1, sizes[name]))
    return said


LARGE = {
    "many-bands": _claiming(width=4000, height=4000, bands=60_000),
    "large-strips": _claiming(width=1_000_000, height=10, bands=30),
}
"""Files that would be unpacked to more than a page should hold."""

HOSTILE = {
    "empty-directory": b"II" + struct.pack("<HI", 42, 8) + bytes(6),
    "no-directory": b"II" + struct.pack("<HI", 42, 10**9),
    "loop": b"II" + struct.pack("<HI", 42, 8) + struct.pack("<H", 0) + struct.pack("<I", 8),
    "cut": tiff()[:40],
    "many-entries": b"II" + struct.pack("<HI", 42, 8) + b"\xff" * 5000,
    "huge": tiff().replace(struct.pack("<HHII", 256, 4, 1, WIDTH), struct.pack("<HHII", 256, 4, 1, 2**31)),
    "zero": tiff().replace(struct.pack("<HHII", 256, 4, 1, WIDTH), struct.pack("<HHII", 256, 4, 1, 0)),
    "bad-deflate": _said(8),
    "bad-lzw": _said(5),
    "bomb": tiff().replace(struct.pack("<HHII", 257, 4, 1, HEIGHT), struct.pack("<HHII", 257, 4, 1, 60_000)),
    "not-a-tiff": b"<script>alert('tiff')</script>",
}
