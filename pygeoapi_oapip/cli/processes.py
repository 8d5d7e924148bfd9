"""Commands about the processes of a server: deploy, processes, describe, undeploy."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import yaml

from ..errors import OapipError
from .arguments import connect, json_option, server_option
from .failures import CommandError, ExitCode, Refused
from .plain import say
from .printing import print_json, print_process, print_table

CWL_YAML, CWL_JSON = "application/cwl+yaml", "application/cwl+json"
APPLICATION_PACKAGE = "application/ogcapppkg+json"


@click.command()
@click.argument("package", metavar="FILE|URL")
@click.option("--id", "process_id", metavar="ID", help="Id of the process (default: the id in the package).")
@click.option("--entry", metavar="ID", help="Entry point, where the package holds several processes.")
@click.option("--replace", is_flag=True, help="Replace the process if it is deployed.")
@server_option
@json_option
def deploy(package: str, process_id: str | None, entry: str | None, replace: bool, server: str, as_json: bool) -> None:
    """Deploy an application package.

    It is CWL or an OGC application package. A local document is sent with all local documents that it refers to. A
    URL is read by the server.
    """
    body, media_type, entry = read_package(package, process_id, entry)
    client = connect(server)
    try:
        process = client.deploy(body, media_type, entry)
        done = "deployed"
    except Refused as refused:
        if not (replace and refused.status == 409):
            raise
        known = process_id or process_id_of(body, entry)
        client.replace(known, body, media_type, entry)
        process = client.process(known)
        done = "replaced"
    if as_json:
        print_json(process)
    else:
        say(f"{process.get('id')} {process.get('version', '')} {done} at {client.server}")


@click.command()
@server_option
@json_option
def processes(server: str, as_json: bool) -> None:
    """List the processes of a server."""
    found = list(connect(server).processes())
    if as_json:
        print_json({"processes": found})
        return
    rows = [[str(p.get(key) or "") for key in ("id", "version", "title")] for p in found]
    print_table(("id", "version", "title"), rows, "no processes")


@click.command()
@click.argument("process_id", metavar="ID")
@server_option
@json_option
def describe(process_id: str, server: str, as_json: bool) -> None:
    """Show the inputs and outputs of a process."""
    process = connect(server).process(process_id)
    if as_json:
        print_json(process)
    else:
        print_process(process)


@click.command()
@click.argument("process_id", metavar="ID")
@server_option
def undeploy(process_id: str, server: str) -> None:
    """Remove a deployed process; its running jobs go on."""
    connect(server).undeploy(process_id)
    say(f"{process_id} undeployed")


def read_package(source: str, process_id: str | None, entry: str | None) -> tuple[bytes, str, str | None]:
    """The body, media type and entry point of a deploy request.

    Args:
        source: a path, `path#entry`, or the URL of a package.
        process_id: an id that the process shall have, or None.
        entry: the entry point, or None.

    Raises:
        CommandError: there is no such file, or it is not a package.
    """
    source, _, fragment = source.partition("#")
    entry = entry or fragment or None
    if re.match(r"https?://", source):
        unit: dict[str, Any] = {"href": source + (f"#{entry}" if entry else ""), "type": "application/cwl"}
        return _application_package(process_id, unit), APPLICATION_PACKAGE, None
    path = Path(source)
    body = _read(path)
    document = _parse(body, source)
    if "executionUnit" in document:
        return body, APPLICATION_PACKAGE, entry
    if not _self_contained(document):
        packed = _packed(path, entry)
        document, entry = dict(packed[0]), packed[1] or entry
        body = json.dumps(document).encode()
    if process_id is not None:
        unit = {"type": "application/cwl", "value": document, "mediaType": CWL_JSON}
        return _application_package(process_id, unit), APPLICATION_PACKAGE, entry
    return body, CWL_JSON if body.lstrip().startswith(b"{") else CWL_YAML, entry


def process_id_of(body: bytes, entry: str | None) -> str:
    """The id that a package gives its process, for addressing one that is deployed already.

    Raises:
        CommandError: the package does not say it.
    """
    document = _parse(body, "the package")
    described = document.get("processDescription") or {}
    nested = described.get("process") if isinstance(described, dict) else None
    found = entry or (nested or described).get("id") or document.get("id")
    graph = document.get("$graph")
    if not found and isinstance(graph, list):
        flows = [p for p in graph if isinstance(p, dict) and (len(graph) == 1 or p.get("class") == "Workflow")]
        found = flows[0].get("id") if len(flows) == 1 else None
    if not found:
        raise CommandError("the package does not name one process: say which with --id", ExitCode.USAGE)
    return str(found).rpartition("#")[2].rpartition("/")[2]


def _application_package(process_id: str | None, unit: dict[str, Any]) -> bytes:
    package: dict[str, Any] = {"executionUnit": unit}
    if process_id is not None:
        package["processDescription"] = {"id": process_id}
    return json.dumps(package).encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", ExitCode.USAGE) from None


def _parse(body: bytes, name: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(body)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} is neither JSON nor YAML: {str(error).splitlines()[0]}", ExitCode.USAGE) from None
    if not isinstance(document, dict):
        raise CommandError(f"{name} is not an application package", ExitCode.USAGE)
    return document


def _self_contained(value: Any) -> bool:
    """True if no `run`, `$import` or `$include` leads out of the document."""
    if isinstance(value, list):
        return all(_self_contained(item) for item in value)
    if not isinstance(value, dict):
        return True
    if any(key in value for key in ("$import", "$include", "$mixin")):
        return False
    run = value.get("run")
    if isinstance(run, str) and not run.startswith("#"):
        return False
    return all(_self_contained(item) for item in value.values())


def _packed(path: Path, entry: str | None) -> tuple[Any, str]:
    from ..packages.load import load_local_package

    try:
        package = load_local_package(path, entry)
    except OapipError as error:
        raise CommandError(f"{path}: {error.detail}") from None
    return package.document, package.entry.lstrip("#")
