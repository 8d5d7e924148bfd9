"""`make demo`: a server, a real package and its results from beginning to end, shown and checked."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from ..testing.live_server import LiveServer
from .arguments import read_value
from .client import Client
from .demo_checks import DemoFailed, check_files, check_history, expected_counts, make_raster, must
from .demo_wps import asynchronous, synchronous, version_2
from .download import Saved, save_results
from .failures import CommandError, Refused
from .printing import console, size, styled, watching
from .processes import read_package

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "config" / "packages" / "slope-classes.cwl"
REAL_RASTER = ROOT.parent / "shared" / "data" / "rasters" / "slope.tif"
THRESHOLDS, OTHER_THRESHOLDS = [10.0, 50.0, 150.0, 400.0], [100.0]
OUT = console()


@click.command()
@click.option("--outdir", type=click.Path(path_type=Path), default=Path("demo-output"), help="Where results go.")
def main(outdir: Path) -> None:
    """Start a server, deploy a package, run it, check the results, stop the server. Exit code 0 if all was right."""
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="oapip-demo-") as folder:
            server = LiveServer(Path(folder))
            _title("Start a server", "oapip serve")
            with server:
                OUT.print(f"  {escape(server.output().strip())}  [dim]{time.monotonic() - began:.1f} s[/]")
                _story(Client(server.url), Path(folder), outdir)
                _title("Stop the server")
            _stopped(server)
    except (CommandError, DemoFailed, RuntimeError) as error:
        text = error.message if isinstance(error, CommandError) else str(error)
        OUT.print(f"[bold red]demo failed:[/] {escape(text)}")
        sys.exit(1)
    OUT.print(Panel(f"All checks held in {time.monotonic() - began:.0f} s. Results: {outdir}/", style="green"))


def _story(client: Client, folder: Path, outdir: Path) -> None:
    raster = REAL_RASTER
    if not raster.is_file():
        raster = folder / "slope.tif"
        make_raster(raster)
    process_id = _deploy(client)
    saved, job_id = _asynchronous(client, process_id, raster, outdir)
    _show_files(saved, raster)
    _synchronous(client, process_id, raster)
    _refusal(client, process_id)
    _over_wps(client, process_id, raster)
    _title("Log and list of jobs", f"oapip logs {job_id[:8]}…; oapip jobs")
    lines = [line for line in client.log(job_id).splitlines() if "cells" in line]
    must(len(lines) >= len(THRESHOLDS) + 1, "the log has what the tool wrote")
    for line in lines:
        OUT.print(f"  [dim]{escape(line)}[/]")
    jobs = list(client.jobs())
    must({job["jobID"] for job in jobs} >= {job_id}, "the list has the job")
    must({job["status"] for job in jobs} == {"successful"}, "all jobs in the list are successful")
    for job in jobs:
        OUT.print(f"  {job['jobID']}  {job['processID']}  {styled(job['status'])}")


def _deploy(client: Client) -> str:
    _title("Deploy an application package", f"oapip deploy {PACKAGE.relative_to(ROOT)}")
    body, media_type, entry = read_package(str(PACKAGE), None, None)
    process_id = str(client.deploy(body, media_type, entry)["id"])
    process = client.process(process_id)
    must(process_id == "slope-classes", "the process has the id of the package")
    must(list(process["inputs"]) == ["raster", "thresholds"], "the description has the inputs")
    must({"classes", "statistics", "quicklook", "cells"} == set(process["outputs"]), "and the outputs")
    OUT.print(f"  [bold]{process_id}[/] {process['version']}: {process['title']}")
    for name, item in process["inputs"].items():
        OUT.print(f"    {name}: {escape(str(item.get('description', '')))}")
    return process_id


def _asynchronous(client: Client, process_id: str, raster: Path, outdir: Path) -> tuple[list[Saved], str]:
    _title("Run it", f"oapip execute {process_id} -i raster=file:{raster.name} … --outdir {outdir}")
    begun = client.execute(process_id, _request(raster, THRESHOLDS))
    must(not begun.finished, "a request that prefers respond-async is answered with a job at once")
    history: list[str] = []
    with watching(process_id) as show:

        def seen(status: dict[str, Any]) -> None:
            history.append(status["status"])
            show(status)

        status = client.wait(begun.job_id, seen, longest=0.2)
    must(status["status"] == "successful", f"the job succeeds (it says: {status.get('message')})")
    check_history(history, status)
    results = client.results(begun.job_id)
    must(results["cells"] == expected_counts(raster, THRESHOLDS), "the counts are those of another computation")
    if outdir.is_dir():
        for name in ("classes.tif", "statistics.json", "quicklook.png", "cells.json"):
            (outdir / name).unlink(missing_ok=True)
    return save_results(client, results, outdir), begun.job_id


def _show_files(saved: list[Saved], raster: Path) -> None:
    table = Table("output", "file", "type", "size", box=None, header_style="bold", padding=(0, 2))
    for item in saved:
        table.add_row(item.output, str(item.path), item.media_type, size(item.size))
    OUT.print(table)
    statistics = check_files({item.output: item for item in saved}, raster, THRESHOLDS)
    largest = max(row["cells"] for row in statistics)
    for row in statistics:
        limits = f"{'' if row['from'] is None else row['from']} … {'' if row['to'] is None else row['to']}"
        bar = "█" * max(1, round(40 * row["cells"] / largest))
        OUT.print(f"    {limits:>16} [cyan]{bar}[/] {row['cells']}")


def _synchronous(client: Client, process_id: str, raster: Path) -> None:
    _title("Run it again and wait in one request", f"oapip execute {process_id} … --sync")
    began = time.monotonic()
    begun = client.execute(process_id, _request(raster, OTHER_THRESHOLDS), wait=30)
    must(begun.finished, "a request that prefers wait=30 is answered with the results")
    must(begun.document["cells"] == expected_counts(raster, OTHER_THRESHOLDS), "with other counts")
    OUT.print(f"  cells: {begun.document['cells']}  [dim]{time.monotonic() - began:.2f} s[/]")


def _over_wps(client: Client, process_id: str, raster: Path) -> None:
    _title("Run it over WPS 1.0.0 and 2.0.0, for older clients", f"curl {client.server}/wps -d @execute.xml")
    expected = expected_counts(raster, OTHER_THRESHOLDS)
    for name, run in (("1.0.0, sync", synchronous), ("1.0.0, async", asynchronous), ("2.0.0, async", version_2)):
        began = time.monotonic()
        ran = run(client, process_id, raster, OTHER_THRESHOLDS)
        must(ran.cells == expected, f"WPS {name} gives the same counts (it gave {ran.cells})")
        OUT.print(f"  {name:12}  cells: {ran.cells}  {ran.told}  [dim]{time.monotonic() - began:.2f} s[/]")


def _refusal(client: Client, process_id: str) -> None:
    _title("Ask for something impossible")
    try:
        client.execute(process_id, {"inputs": {"thresholds": "steep"}})
    except Refused as refused:
        must(refused.status == 400, f"wrong inputs are refused with 400 (it was {refused.status})")
        OUT.print(f"  [yellow]{escape(refused.message)}[/]")
        return
    raise DemoFailed("wrong inputs are refused")


def _stopped(server: LiveServer) -> None:
    until = time.monotonic() + 5
    left = server.processes()
    while left and time.monotonic() < until:
        time.sleep(0.1)
        left = server.processes()
    must(not left, f"no process is left (there is {left})")
    must(server.output().endswith("oapip: stopped\n"), f"the server stops cleanly (it said: {server.output()})")
    OUT.print("  no process left")


def _request(raster: Path, thresholds: list[float]) -> dict[str, Any]:
    inputs = {"raster": read_value(f"file:{raster}", {}), "thresholds": thresholds}
    return {"inputs": inputs, "response": "document"}


def _title(text: str, command: str = "") -> None:
    OUT.print(f"\n[bold]{text}[/]" + (f"  [dim]$ {escape(command)}[/]" if command else ""))


if __name__ == "__main__":
    main()
