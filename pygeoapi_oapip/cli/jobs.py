"""Commands about the jobs of a server: execute, jobs, status, logs, results, dismiss."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from .arguments import connect, json_option, read_inputs, server_option
from .client import ENDED, Client, Document
from .download import save_results
from .failures import CommandError, ExitCode
from .plain import say
from .printing import duration, print_json, print_status, print_table, size, watching

SYNC_WAIT = 300.0
"""Seconds asked for by `execute --sync`; the server may allow fewer and answer with a job."""

_outdir = click.option(
    "--outdir", type=click.Path(file_okay=False, path_type=Path), help="Write the results into this folder."
)


@click.command()
@click.argument("process_id", metavar="ID")
@click.option("-i", "--input", "pairs", multiple=True, metavar="NAME=VALUE", help="An input; see below.")
@click.option(
    "--inputs", "file", type=click.Path(dir_okay=False, exists=True, path_type=Path), help="Inputs as JSON or YAML."
)
@click.option("--wait", is_flag=True, help="Wait for the job and print its results.")
@click.option("--sync", is_flag=True, help="Ask for the results in the same answer (Prefer: wait).")
@_outdir
@server_option
@json_option
def execute(  # noqa: PLR0913  one parameter for each option
    process_id: str,
    pairs: tuple[str, ...],
    file: Path | None,
    wait: bool,
    sync: bool,
    outdir: Path | None,
    server: str,
    as_json: bool,
) -> None:
    """Execute a process.

    Prints the id of the job, or with --wait, --sync or --outdir the results.

    \b
    -i size=10               a number, text or JSON value, as the process describes the input
    -i raster=https://...    a reference, where the input is a file
    -i raster=file:a.tif     a local file, sent within the request
    -i area=@area.json       a JSON or YAML value from a file
    -i v=1 -i v=2            an array
    """
    client = connect(server)
    inputs = read_inputs(pairs, file, client.process(process_id)) if pairs or file else {}
    begun = client.execute(process_id, {"inputs": inputs, "response": "document"}, SYNC_WAIT if sync else None)
    if begun.finished:
        _show_results(client, begun.document, outdir, as_json)
    elif wait or sync or outdir:
        _end_of(client, begun.job_id, quiet=as_json)
        _show_results(client, client.results(begun.job_id), outdir, as_json)
    elif as_json:
        print_json(begun.document)
    else:
        say(begun.job_id)


@click.command()
@click.option("--status", type=click.Choice(["accepted", "running", "successful", "failed", "dismissed"]))
@click.option("--process", "process_id", metavar="ID", help="Only jobs of this process.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, newest first.")
@server_option
@json_option
def jobs(status: str | None, process_id: str | None, limit: int, server: str, as_json: bool) -> None:
    """List jobs, newest first."""
    found = list(connect(server).jobs(limit, status=status, processID=process_id))
    if as_json:
        print_json({"jobs": found})
        return
    rows = [
        [*(str(job.get(key) or "") for key in ("jobID", "processID", "status", "created")), duration(job)]
        for job in found
    ]
    print_table(("job", "process", "status", "created", "took"), rows, "no jobs")


@click.command()
@click.argument("job_id", metavar="JOB")
@click.option("--watch", is_flag=True, help="Wait until the job has ended; exit code 1 unless it is successful.")
@server_option
@json_option
def status(job_id: str, watch: bool, server: str, as_json: bool) -> None:
    """Show the status of a job."""
    client = connect(server)
    if watch:
        with watching(job_id) as seen:
            found = client.wait(job_id, None if as_json else seen)
    else:
        found = client.job(job_id)
    if as_json:
        print_json(found)
    else:
        print_status(found)
    if watch and found.get("status") != "successful":
        raise click.exceptions.Exit(ExitCode.FAILED)


@click.command()
@click.argument("job_id", metavar="JOB")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@server_option
def logs(job_id: str, follow: bool, server: str) -> None:
    """Show the log of a job, also while it runs."""
    client = connect(server)
    shown = 0
    while True:
        ended = not follow or client.job(job_id).get("status") in ENDED
        text = client.log(job_id)
        say(text[shown:], nl=False)
        shown = len(text)
        if ended:
            return
        time.sleep(0.5)


@click.command()
@click.argument("job_id", metavar="JOB")
@_outdir
@server_option
@json_option
def results(job_id: str, outdir: Path | None, server: str, as_json: bool) -> None:
    """Show the results of a job, or write them into a folder."""
    client = connect(server)
    _show_results(client, client.results(job_id), outdir, as_json)


@click.command()
@click.argument("job_id", metavar="JOB")
@server_option
@json_option
def dismiss(job_id: str, server: str, as_json: bool) -> None:
    """Stop a job, or remove one that has ended with its results."""
    document = connect(server).dismiss(job_id)
    if as_json:
        print_json(document)
    else:
        say(f"{job_id} {document.get('status', 'dismissed')}")


def _end_of(client: Client, job_id: str, quiet: bool) -> Document:
    """Wait for a job that must succeed.

    Raises:
        CommandError: it failed or was dismissed.
    """
    with watching(job_id) as seen:
        ended = client.wait(job_id, None if quiet else seen)
    if ended.get("status") != "successful":
        raise CommandError(f"job {job_id} {ended.get('status')}: {ended.get('message') or 'no reason given'}")
    return ended


def _show_results(client: Client, found: dict[str, Any], outdir: Path | None, as_json: bool) -> None:
    if outdir is None:
        print_json(found)
        return
    saved = save_results(client, found, outdir)
    if as_json:
        print_json(found)
        return
    rows = [[item.output, str(item.path), item.media_type, size(item.size)] for item in saved]
    print_table(("output", "file", "type", "size"), rows, "the job has no results")
