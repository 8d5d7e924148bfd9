"""What the demo must find: computed here in another way than in the package, so that it can be wrong."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .download import Saved

TYPES = {
    "classes": "image/tiff",
    "statistics": "application/json",
    "quicklook": "image/png",
    "cells": "application/json",
}
ORDER = ("accepted", "running", "successful")


class DemoFailed(Exception):
    """Something that must hold did not."""


def must(holds: bool, what: str) -> None:
    """Raise DemoFailed unless it holds."""
    if not holds:
        raise DemoFailed(f"this does not hold: {what}")


def expected_counts(raster: Path, thresholds: Sequence[float]) -> list[int]:
    """The number of valid cells in each class, counted one by one."""
    import rasterio

    counts = [0] * (len(thresholds) + 1)
    with rasterio.open(raster) as source:
        missing = source.nodata
        for row in source.read(1).tolist():
            for value in row:
                if value != missing and not math.isnan(value):
                    counts[bisect_right(thresholds, value)] += 1
    return counts


def check_history(history: Sequence[str], status: Mapping[str, Any]) -> None:
    """A job's statuses never go backwards, and its times follow each other."""
    places = [ORDER.index(word) for word in history]
    must(places == sorted(places) and history[-1] == "successful", f"statuses only go forward ({history})")
    times = [status[key] for key in ("created", "started", "finished")]
    must(times == sorted(times), f"created, started and finished follow each other ({times})")
    must(status["progress"] == 100, "progress is 100 at the end")


def check_files(saved: Mapping[str, Saved], raster: Path, thresholds: Sequence[float]) -> list[dict[str, Any]]:
    """The downloaded files are what they should be.

    Returns:
        The rows of the statistics file.
    """
    import rasterio

    must(set(saved) == set(TYPES), f"there is a result for each output ({sorted(saved)})")
    for output, media_type in TYPES.items():
        must(saved[output].media_type.partition(";")[0] == media_type, f"{output} is {media_type}")
        must(saved[output].path.stat().st_size == saved[output].size > 0, f"{output} is complete")
    counts = expected_counts(raster, thresholds)
    with rasterio.open(raster) as source, rasterio.open(saved["classes"].path) as classes:
        must(classes.shape == source.shape and classes.crs == source.crs, "the classes lie where the raster lies")
        cells = [cell for row in classes.read(1).tolist() for cell in row]
    must([cells.count(number + 1) for number in range(len(counts))] == counts, "the GeoTIFF has the right classes")
    picture = saved["quicklook"].path.read_bytes()
    must(picture.startswith(b"\x89PNG\r\n\x1a\n"), "the picture is a PNG")
    rows: list[dict[str, Any]] = json.loads(saved["statistics"].path.read_text(encoding="utf-8"))["classes"]
    must([row["cells"] for row in rows] == counts, "the statistics have the right counts")
    must(json.loads(saved["cells"].path.read_text(encoding="utf-8")) == counts, "and so has the output `cells`")
    return rows


def make_raster(path: Path) -> None:
    """A raster of slopes of two hills, for where the real one is not at hand."""
    import numpy
    import rasterio
    from rasterio.transform import from_origin

    y, x = numpy.mgrid[0:78, 0:84]
    hills = sum(900 * numpy.exp(-((x - a) ** 2 + (y - b) ** 2) / 150) for a, b in ((25, 30), (60, 50)))
    slope = numpy.hypot(*numpy.gradient(hills)).astype("float32") * 8
    slope[:5, :9] = -9999
    profile = {"driver": "GTiff", "width": 84, "height": 78, "count": 1, "dtype": "float32", "nodata": -9999}
    with rasterio.open(path, "w", crs="EPSG:3310", transform=from_origin(0, 0, 25, 25), **profile) as target:
        target.write(slope, 1)
