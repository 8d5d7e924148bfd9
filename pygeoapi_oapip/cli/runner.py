"""`oapip cwl-runner`: behaves as a CWL runner, on any OGC API - Processes server that takes CWL (for cwltest)."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import click

from ..errors import OapipError, UnresolvableReference
from ..packages.document import choose_entry, find_process, is_self_contained, items_by_class
from ..packages.guard import decode, parse_mapping, parse_value
from ..packages.ontology import absolute
from .arguments import connect, server_option
from .client import Client, Document
from .download import file_name, is_archive
from .failures import CommandError, ExitCode, Refused
from .plain import say
from .processes import APPLICATION_PACKAGE, CWL_JSON, CWL_YAML

_REQUIREMENTS = "cwl:requirements"
UNSUPPORTED_TITLE = "This server cannot run the process"
"""Title of `errors.PlanRejected`: what cwltest calls unsupported."""


@click.command("cwl-runner")
@click.argument("tool", metavar="TOOL[#ENTRY]")
@click.argument("job_path", metavar="[JOB]", required=False)
@click.option("--outdir", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where outputs go.")
@click.option("--quiet", is_flag=True, help="Only the output object, no job log.")
@server_option
def cwl_runner(tool: str, job_path: str | None, outdir: Path, quiet: bool, server: str) -> None:
    """Run a CWL document as a CWL runner does.

    Deploys it, executes it with the input object in JOB, writes the outputs into --outdir and prints the output object.

    Local files are given to the server as file: references, so it must be on this machine and allow them
    (staging.allow_files). Exit codes: 0 done, 1 failed, 33 the server cannot run this document.
    """
    client = connect(server)
    path, _, entry = tool.partition("#")
    job = _path(job_path) if job_path else None
    order = _job_order(job) if job else {}
    process_id = _deployed(client, _path(path), entry or None, order.get(_REQUIREMENTS))
    process = client.process(process_id)
    order = _with_formats(order, _prefixes(_path(path)))
    inputs = {key: _sent(value, job.parent if job else Path()) for key, value in _values(order, process)}
    with _unsupported():
        begun = client.execute(process_id, {"inputs": inputs, "response": "document"})
    ended = client.wait(begun.job_id, longest=0.5)
    if not quiet or ended["status"] != "successful":
        say(client.log(begun.job_id), err=True)
    if ended["status"] != "successful":
        raise CommandError(str(ended.get("message") or ended["status"]))
    outdir.mkdir(parents=True, exist_ok=True)
    found = client.results(begun.job_id)
    outputs = {key: None for key in process.get("outputs") or {}}
    outputs |= {key: _received(client, value, outdir.resolve()) for key, value in found.items()}
    json.dump(outputs, sys.stdout, indent=4, sort_keys=True)
    sys.stdout.write("\n")


def _deployed(client: Client, path: Path, entry: str | None, requirements: Any) -> str:
    """Deploy the document under an id made from its content; returns the id.

    A document that needs nothing else is sent as it is, and the server alone checks it. Others are packed here.
    """
    try:
        content, media_type, entry = _content(path, entry)
        if requirements:
            content, media_type = _with_requirements(content, entry, requirements), CWL_JSON
    except OapipError as error:
        unsupported = "not supported" in error.detail.lower()
        raise CommandError(error.detail, ExitCode.UNSUPPORTED if unsupported else ExitCode.FAILED) from None
    process_id = "cwl-" + hashlib.sha256(f"{entry}\n{content}".encode()).hexdigest()[:24]
    unit = {"type": "application/cwl", "mediaType": media_type, "value": content}
    body = json.dumps({"processDescription": {"id": process_id}, "executionUnit": unit}).encode()
    with _unsupported():
        try:
            client.deploy(body, APPLICATION_PACKAGE, entry)
        except Refused as refused:
            if refused.status != 409:
                raise
    return process_id


def _content(path: Path, entry: str | None) -> tuple[str, str, str | None]:
    """The text of a CWL document that needs no other one, its media type and its entry point.

    Raises:
        OapipError: it cannot be read, or packed.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UnresolvableReference(f"The package {path.name!r} cannot be read: {error.strerror}.") from None
    if is_self_contained(parse_mapping(source)):
        return decode(source), CWL_JSON if source.lstrip()[:1] == b"{" else CWL_YAML, entry
    from ..packages.load import load_local_package

    package = load_local_package(path, entry)
    return json.dumps(package.document, sort_keys=True), CWL_JSON, package.entry.lstrip("#") or None


def _with_requirements(content: str, entry: str | None, requirements: Any) -> str:
    """The document with the `cwl:requirements` of the input object put over those of its entry point (CWL v1.2
    CommandLineTool, 3.1 Input object): the server gets a process of its own for them."""
    document = parse_mapping(content.encode())
    process = find_process(document, choose_entry(document, entry))
    merged = {**items_by_class(process.get("requirements")), **items_by_class(requirements)}
    changed = {**process, "requirements": [{**item, "class": name} for name, item in merged.items()]}
    if "$graph" not in document:
        return json.dumps(changed, sort_keys=True)
    others = [item for item in document["$graph"] if item.get("id") != process.get("id")]
    return json.dumps({**document, "$graph": [changed, *others]}, sort_keys=True)


@contextmanager
def _unsupported() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        if refused.problem.get("title") == UNSUPPORTED_TITLE or refused.status == 501:
            raise CommandError(refused.message, ExitCode.UNSUPPORTED) from None
        raise


def _path(text: str) -> Path:
    return Path(unquote(text.removeprefix("file://")) if text.startswith("file://") else text)


def _job_order(job: Path) -> Mapping[str, Any]:
    try:
        order = parse_value(job.read_bytes())
    except OSError as error:
        raise CommandError(f"{job}: {error.strerror}", ExitCode.USAGE) from None
    except OapipError as error:
        raise CommandError(f"{job}: {error.detail}", ExitCode.USAGE) from None
    if order is None:
        return {}
    if not isinstance(order, dict):
        raise CommandError(f"{job} holds no input object", ExitCode.USAGE)
    return order


def _prefixes(path: Path) -> Mapping[str, str]:
    """The `$namespaces` of a document that was read before; they hold in its input object too, as in cwltool."""
    return parse_mapping(path.read_bytes()).get("$namespaces") or {}


def _with_formats(value: Any, prefixes: Mapping[str, str]) -> Any:
    """The same value, the formats of its files without prefix."""
    if isinstance(value, list):
        return [_with_formats(item, prefixes) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _with_formats(item, prefixes) for key, item in value.items()}
    if value.get("class") == "File" and isinstance(value.get("format"), str):
        found["format"] = absolute(value["format"], prefixes)
    return found


def _values(order: Mapping[str, Any], process: Document) -> Iterator[tuple[str, Any]]:
    """What the input object has for the inputs of the process; CWL runners pass over all else."""
    known = process.get("inputs") or {}
    return ((key, value) for key, value in order.items() if value is not None and key in known)


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
    path = _own_place(folder, _name_of(link), link["href"])
    client.download(link["href"], path, media_type=str(link.get("type") or ""))
    found = file_object(path)
    if link.get("format"):
        found["format"] = link["format"]
    if link.get("secondaryFiles"):
        found["secondaryFiles"] = [_received(client, part, path.parent) for part in link["secondaryFiles"]]
    return found


def _name_of(link: Document) -> str:
    """The basename of an output: the link's title as it is, if that can be a name on this machine."""
    title = str(link.get("title") or "")
    if title and PurePosixPath(title).name == title and title != ".." and "\0" not in title:
        return title
    name = file_name(link, "output")
    return name.removesuffix(".zip") if is_archive(link) else name


def _own_place(folder: Path, name: str, url: str) -> Path:
    """A free path for a file that keeps its name: in a folder of its own where the name is taken."""
    path = folder / name
    if path.exists():
        path = folder / hashlib.sha256(url.encode()).hexdigest()[:12] / name
        path.parent.mkdir(exist_ok=True)
    return path


def _directory(client: Client, link: Document, folder: Path) -> Document:
    path = _own_place(folder, _name_of(link), link["href"])
    archive = path.with_name(path.name + ".download")
    client.download(link["href"], archive, media_type=str(link["type"]))
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as content:
            content.extractall(path)
    except zipfile.BadZipFile:
        raise CommandError(f"{link['href']} is not the archive that the server calls it") from None
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
