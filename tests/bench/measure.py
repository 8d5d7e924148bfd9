"""All figures, and the page that they make."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from pygeoapi_oapip.testing.live_server import LiveServer

from . import execution, reading
from .calrissian_jobs import on_kubernetes
from .figures import Figure, table
from .filling import ECHO
from .million import million_jobs
from .staging import inputs_from_s3
from .stock import against_stock
from .users import many_users
from .wes import on_toil
from .wps import wps

PARTS = ("execution", "reading", "million", "stock", "wps", "wes", "staging", "kubernetes", "users")


def measure(quick: bool, parts: tuple[str, ...], folder: Path) -> list[Figure]:
    """The figures of these parts; `quick` takes fewer rows and runs."""
    figures: list[Figure] = []
    print(f"bench: {', '.join(parts)}; this takes some minutes", file=sys.stderr)
    if "execution" in parts:
        figures += execution.start_and_memory(folder)
        with LiveServer(folder / "main") as server:
            server.deploy(ECHO)
            time.sleep(reading.SETTLE)
            figures.append(execution.sync_latency(server, folder, 10 if quick else 40))
            figures.append(execution.async_throughput(server, folder, 100 if quick else 500, 4 if quick else 10))
    if "reading" in parts or "stock" in parts:
        many = reading.Filled(folder / "many", 1000, 100_000)
        with many.running():
            if "reading" in parts:
                figures += reading.scaling(many, folder, 50 if quick else 300)
                figures += reading.medians(many, 50 if quick else 300)
                figures.append(reading.rate(many, 2 if quick else 5))
            if "stock" in parts:
                figures += against_stock(many, folder, quick)
    if "wps" in parts:
        figures += wps(folder, quick)
    return figures + _long(quick, parts, folder)


def _long(quick: bool, parts: tuple[str, ...], folder: Path) -> list[Figure]:
    """Those with servers of others or very many rows."""
    figures: list[Figure] = []
    if "million" in parts:
        figures += million_jobs(folder, 100_000 if quick else 1_000_000, 20 if quick else 60)
    if "users" in parts:
        figures += many_users(folder, 100_000 if quick else 1_000_000, 40 if quick else 300)
    if "wes" in parts:
        figures += on_toil(folder, quick)
    if "staging" in parts:
        figures += inputs_from_s3(folder, quick)
    if "kubernetes" in parts:
        figures += on_kubernetes(folder, quick)
    return figures


def page(figures: list[Figure], load: float) -> str:
    """docs/benchmarks.md."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    return (
        "# Benchmarks\n\nMade by `make bench`. Each row is measured in one run against what a user has otherwise; "
        f"the ratio counts, the absolute times belong to the machine ({machine}; load of other programs when it began: "
        f"{load:.1f}). Times of GET are medians of whole requests over one kept connection, client included. "
        "How it is done: `tests/bench`.\n\n" + table(figures) + "\n"
    )


def main() -> int:
    """Measure, print, write; 1 if a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows and runs")
    parser.add_argument("--write", type=Path, help="Markdown file to write the table to")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="some parts only")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="oapip-bench-") as name:
        figures = measure(options.quick, tuple(options.only), Path(name))
    text = page(figures, load)
    print(text)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    return 0 if all(figure.held is not False for figure in figures) else 1
