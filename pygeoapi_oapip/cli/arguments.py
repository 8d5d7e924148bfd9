"""Options that several commands share, and `-i name=value` read as inputs of an execute request."""

from __future__ import annotations

import base64
import json
import mimetypes
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import yaml

from .client import Client
from .failures import CommandError, ExitCode

DEFAULT_SERVER = "http://localhost:5000"
_Command = TypeVar("_Command", bound=Callable[..., Any])
_URL = re.compile(r"(https?|s3|file)://")
_BRANCHES = ("oneOf", "anyOf", "allOf")


def server_option(command: _Command) -> _Command:
    """Add `--server URL` (else OAPIP_SERVER, else http://localhost:5000)."""
    return click.option(
        "--server",
        envvar="OAPIP_SERVER",
        default=DEFAULT_SERVER,
        show_default=True,
        metavar="URL",
        help="Address of the server (or OAPIP_SERVER).",
    )(command)


def connect(server: str) -> Client:
    """A client that is closed when the present command ends."""
    from .credentials import credentials_for

    client = Client(server, auth=credentials_for(server))
    click.get_current_context().call_on_close(client.close)
    return client


def json_option(command: _Command) -> _Command:
    """Add `--json`: the server's own document instead of text for people."""
    return click.option("--json", "as_json", is_flag=True, help="Print the server's JSON document.")(command)


def read_document(path: Path) -> Any:
    """A JSON or YAML file.

    Raises:
        CommandError: it cannot be read or is neither.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", ExitCode.USAGE) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} is neither JSON nor YAML: {str(error).splitlines()[0]}", ExitCode.USAGE) from None


def read_inputs(pairs: Sequence[str], file: Path | None, description: Mapping[str, Any]) -> dict[str, Any]:
    """The `inputs` member of an execute request.

    Args:
        pairs: `name=value` as given by `-i`; a name given more than once makes an array.
        file: a document with an object of inputs, or an execute request with `inputs`; `pairs` win over it.
        description: the process description, whose schemas tell numbers from text.

    Raises:
        CommandError: a pair has no name, names no input of the process, or its file cannot be read.
    """
    inputs = dict(_inputs_of(read_document(file), file)) if file else {}
    known = description.get("inputs") or {}
    given: dict[str, list[Any]] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise CommandError(f"-i {pair}: write an input as name=value", ExitCode.USAGE)
        if name not in known:
            raise CommandError(
                f"-i {name}: the process has no such input (it has: {', '.join(known) or 'none'})", ExitCode.USAGE
            )
        given.setdefault(name, []).append(read_value(text, known[name].get("schema") or {}))
    return inputs | {name: values[0] if len(values) == 1 else values for name, values in given.items()}


def _inputs_of(document: Any, file: Path) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise CommandError(f"{file} holds no object of inputs", ExitCode.USAGE)
    inputs = document.get("inputs", document)
    return inputs if isinstance(inputs, dict) else document


def read_value(text: str, schema: Mapping[str, Any]) -> Any:
    """One value as its schema wants it.

    `@FILE` is the JSON or YAML value in a file, `file:PATH` a file that is sent within the request, a URL a
    reference where the input is a file; all else is text, or JSON where the schema is not text.
    """
    if text.startswith("@"):
        return read_document(Path(text[1:]))
    if text.startswith("file:") and not text.startswith("file://"):
        return _upload(Path(text.removeprefix("file:")))
    if _URL.match(text) and _takes_files(schema):
        return {"href": text}
    if "string" in _types(schema):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _upload(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", ExitCode.USAGE) from None
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return {"value": base64.b64encode(content).decode("ascii"), "mediaType": media_type, "encoding": "base64"}


def _takes_files(schema: Mapping[str, Any]) -> bool:
    if any(key in schema for key in ("contentMediaType", "contentEncoding")) or schema.get("format") == "uri":
        return True
    return any(_takes_files(part) for part in _parts(schema))


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    if _takes_files(schema):
        return frozenset({"file"})
    own = schema.get("type", ())
    types = frozenset([own] if isinstance(own, str) else own)
    if types == {"array"} and isinstance(schema.get("items"), dict):
        return _types(schema["items"])
    return types.union(*(_types(part) for key in _BRANCHES for part in schema.get(key, ())))


def _parts(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts: list[Mapping[str, Any]] = [
        part for key in _BRANCHES for part in schema.get(key, ()) if isinstance(part, dict)
    ]
    items = schema.get("items")
    return [*parts, items] if isinstance(items, dict) else parts
