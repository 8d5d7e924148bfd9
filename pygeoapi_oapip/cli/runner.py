"""`oapip cwl-runner`: behaves as a CWL runner, on any OGC API - Processes server that takes CWL (for cwltest)."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import click

from .arguments import connect, read_document, server_option
from .client import Client, Document
from .download import file_name, is_archive
from .failures import CommandError, ExitCode, Refused
from .processes import APPLICATION_PACKAGE, CWL_JSON

UNSUPPORTED_TITLE = "This server cannot run the process"
"""Title of `errors.PlanRejected`: what cwltest calls unsupported."""


@click.command("cwl-runner")
@click.argument("tool", metavar="TOOL[#ENTRY]")
@click.argument("job", required=False, type=click.Path(path_type=Path))
@click.option("--outdir", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where outputs go.")
@click.option("--quiet", is_flag=True, help="Only the output object, no job log.")
@server_option
def cwl_runner(tool: str, job: Path | None, outdir: Path, quiet: bool, server: str) -> None:
    """Run a CWL document as a CWL runner does.

    Deploys it, executes it with the input object in JOB, writes the outputs into --outdir and prints the output object.

    Local files are given to the server as file: references, so it must be on this machine and allow them
    (staging.allow_files). Exit codes: 0 done, 1 failed, 33 the server cannot run this document.
    """
    client = connect(server)
    path, _, entry = tool.partition("#")
    process_id = _deployed(client, Path(unquote(path.removeprefix("file://"))), entry or None)
    order = _job_order(job, process_id) if job else {}
    inputs = {key: _sent(value, job.parent if job else Path()) for key, value in order.items() if value is not None}
    with _unsupported():
        begun = client.execute(process_id, {"inputs": inputs, "response": "document"})
    ended = client.wait(begun.job_id, longest=0.5)
    if not quiet or ended["status"] != "successful":
        click.echo(client.log(begun.job_id), err=True)
    if ended["status"] != "successful":
        raise CommandError(str(ended.get("message") or ended["status"]))
    outdir.mkdir(parents=True, exist_ok=True)
    found = client.results(begun.job_id)
    outputs = {key: None for key in client.process(process_id).get("outputs") or {}}
    outputs |= {key: _received(client, value, outdir.resolve()) for key, value in found.items()}
    json.dump(outputs, sys.stdout, indent=4, sort_keys=True)
    sys.stdout.write("\n")


def _deployed(client: Client, path: Path, entry: str | None) -> str:
    """Deploy the packed document under an id made from its content; returns the id."""
    from ..errors import OapipError
    from ..packages.load import load_local_package

    try:
        package = load_local_package(path, entry)
    except OapipError as error:
        unsupported = "not supported" in error.detail.lower()
        raise CommandError(error.detail, ExitCode.UNSUPPORTED if unsupported else ExitCode.FAILED) from None
    content = json.dumps([package.document, package.entry], sort_keys=True)
    process_id = "cwl-" + hashlib.sha256(content.encode()).hexdigest()[:24]
    unit = {"type": "application/cwl", "mediaType": CWL_JSON, "value": package.document}
    body = json.dumps({"processDescription": {"id": process_id}, "executionUnit": unit}).encode()
    with _unsupported():
        try:
            client.deploy(body, APPLICATION_PACKAGE, package.entry.lstrip("#") or None)
        except Refused as refused:
            if refused.status != 409:
                raise
    return process_id


@contextmanager
def _unsupported() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        if refused.problem.get("title") == UNSUPPORTED_TITLE or refused.status == 501:
            raise CommandError(refused.message, ExitCode.UNSUPPORTED) from None
        raise


def _job_order(job: Path, process_id: str) -> Mapping[str, Any]:
    order = read_document(job)
    if order is None:
        return {}
    if not isinstance(order, dict):
        raise CommandError(f"{job} holds no input object", ExitCode.USAGE)
    return {key: value for key, value in order.items() if not key.startswith("cwl:")}


def _sent(value: Any, base: Path) -> Any:
    """A value of the input object as an input of an execute request."""
    if isinstance(value, list):
        return [_sent(item, base) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class") in ("File", "Directory"):
        return {"value": _located(value, base), "mediaType": "application/cwl+json"}
    return {"value": {key: _located(item, base) for key, item in value.items()}}


def _located(value: Any, base: Path) -> Any:
    """The same value with absolute locations."""
    if isinstance(value, list):
        return [_located(item, base) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _located(item, base) for key, item in value.items()}
    location = found.pop("path", None) or found.get("location")
    if value.get("class") in ("File", "Directory") and location:
        found["location"] = location if urlsplit(location).scheme else (base / unquote(location)).resolve().as_uri()
    return found


def _received(client: Client, value: Any, folder: Path) -> Any:
    """A result as a value of the output object, with its files in `folder`."""
    if isinstance(value, list):
        return [_received(client, item, folder) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("href"), str):
        return _directory(client, value, folder) if is_archive(value) else _file(client, value, folder)
    if "value" in value and "mediaType" in value:
        return _received(client, value["value"], folder)
    return {key: _received(client, item, folder) for key, item in value.items()}


def _file(client: Client, link: Document, folder: Path) -> Document:
    path = _own_place(folder, file_name(link, "output"), link["href"])
    client.download(link["href"], path)
    found = file_object(path)
    if link.get("secondaryFiles"):
        found["secondaryFiles"] = [_received(client, part, path.parent) for part in link["secondaryFiles"]]
    return found


def _own_place(folder: Path, name: str, url: str) -> Path:
    """A free path for a file that keeps its name: in a folder of its own where the name is taken."""
    path = folder / name
    if path.exists():
        path = folder / hashlib.sha256(url.encode()).hexdigest()[:12] / name
        path.parent.mkdir(exist_ok=True)
    return path


def _directory(client: Client, link: Document, folder: Path) -> Document:
    path = _own_place(folder, file_name(link, "output").removesuffix(".zip"), link["href"])
    archive = path.with_name(path.name + ".download")
    client.download(link["href"], archive)
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(parents=True)
    with zipfile.ZipFile(archive) as content:
        content.extractall(path)
    archive.unlink()
    inner = path / path.name
    if list(path.iterdir()) == [inner] and inner.is_dir():
        path = inner
    return directory_object(path)


def directory_object(path: Path) -> Document:
    """A CWL Directory with its listing."""
    listing = [directory_object(item) if item.is_dir() else file_object(item) for item in sorted(path.iterdir())]
    return {**_place(path), "class": "Directory", "listing": listing}


def file_object(path: Path) -> Document:
    """A CWL File with its checksum and size."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha1").hexdigest()
    return {**_place(path), "class": "File", "checksum": f"sha1${digest}", "size": path.stat().st_size}


def _place(path: Path) -> Document:
    return {"location": path.as_uri(), "path": str(path), "basename": path.name}
