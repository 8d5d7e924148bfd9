"""Results of another server as outputs of the job here. Files are fetched: they stay when they are gone there."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ...errors import JobFailed
from ...model.answer import Answer
from ...model.json import JSON, JSONObject
from ...model.process import Package
from ...model.value import FileOutput, ListOutput, Literal, OutputValue
from ...packages.formats import extension_of, media_type_of_name
from .wire import is_content

_QUALIFIERS = frozenset({"value", "mediaType", "encoding", "schema", "format"})
_BASE64 = frozenset({"base64", "binary"})
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,100}\.[A-Za-z0-9]{1,8}")
_DEEPEST = 20


class Downloaded(Protocol):
    """A file that was fetched (`staging.base.Staged`)."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def media_type(self) -> str:
        """As its server said it."""
        ...


class Download(Protocol):
    """Fetches a file."""

    def __call__(self, url: str, folder: Path) -> Downloaded:
        """Raises as `Stager.stage`."""
        ...


class Results:
    """Reads one results document.

    Args:
        workspace: folder of the job; files go below its `outputs`.
        download: fetches links.
    """

    def __init__(self, workspace: Path, download: Download) -> None:
        self._workspace = workspace
        self._download = download
        self._count = 0

    def read(self, answer: Answer, package: Package) -> Mapping[str, OutputValue]:
        """The outputs that were asked for.

        Raises:
            JobFailed: the document does not have them.
            Unavailable, UnresolvableReference, AddressForbidden, TooLarge: a link cannot be read.
        """
        schemas: Any = package.document["outputs"]
        body = answer.json()
        if isinstance(body, Mapping) and isinstance(body.get("outputs"), Mapping) and "outputs" not in schemas:
            body = body["outputs"]
        if isinstance(body, Mapping) and any(name in body for name in schemas):
            return {name: self._value(body[name], schema) for name, schema in schemas.items() if name in body}
        if len(schemas) != 1:
            raise JobFailed(f"the results of the other server have none of the outputs {', '.join(schemas)}")
        # 2.0 and raw responses: one output comes as it is
        name, schema = next(iter(schemas.items()))
        if body is None or is_content(schema):
            return {name: self._file(answer.content, answer.media_type)}
        return {name: self._value(body, schema)}

    def _value(self, node: JSON, schema: JSONObject, depth: int = 0) -> OutputValue:
        if depth > _DEEPEST:
            raise JobFailed("the results of the other server are nested too deep")
        if isinstance(node, Mapping) and isinstance(node.get("href"), str):
            return self._link(str(node["href"]), str(node.get("type") or ""), str(node.get("title") or ""))
        if isinstance(node, Mapping) and "value" in node and set(node) <= _QUALIFIERS:
            return self._qualified(node, schema, depth)
        if isinstance(node, Sequence) and not isinstance(node, str):
            items = schema.get("items")
            inner = items if isinstance(items, Mapping) else {}
            found = tuple(self._value(item, inner, depth + 1) for item in node)
            if any(not isinstance(item, Literal) for item in found):
                return ListOutput(found)
            return Literal(node)
        if is_content(schema) and isinstance(node, str | Mapping):
            encoding = str(schema.get("contentEncoding") or "")
            return self._content(node, str(schema.get("contentMediaType") or ""), encoding)
        return Literal(node)

    def _qualified(self, node: JSONObject, schema: JSONObject, depth: int) -> OutputValue:
        nested = node.get("format")
        form = {**(nested if isinstance(nested, Mapping) else {}), **node}
        kind, encoding, inner = str(form.get("mediaType") or ""), str(form.get("encoding") or ""), node["value"]
        if isinstance(inner, str) and (is_content(schema) or encoding.lower() in _BASE64):
            return self._content(inner, kind, encoding)
        if isinstance(inner, Mapping) and is_content(schema):
            return self._content(inner, kind or "application/json", "")
        return self._value(inner, schema, depth + 1)

    def _content(self, value: str | JSONObject, media_type: str, encoding: str) -> FileOutput:
        if not isinstance(value, str):
            return self._file(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"), media_type)
        if encoding.lower() not in _BASE64:
            return self._file(value.encode("utf-8", "replace"), media_type)
        try:
            return self._file(base64.b64decode("".join(value.split()), validate=True), media_type)
        except (binascii.Error, ValueError):
            raise JobFailed("a result of the other server is not the base64 that it claims to be") from None

    def _file(self, content: bytes, media_type: str) -> FileOutput:
        path = self._folder() / f"result{extension_of(media_type)}"
        path.write_bytes(content)
        return self._output(path, media_type)

    def _link(self, href: str, media_type: str, title: str) -> FileOutput:
        fetched = self._download(href, self._folder())
        # many servers tell the name of the file there only: the address ends with the id of the output
        wanted = title if _FILE_NAME.fullmatch(title) else fetched.path.name
        safe = fetched.path.with_name(_UNSAFE.sub("_", wanted)[-200:].lstrip(".") or "result")
        fetched.path.replace(safe)
        return self._output(safe, media_type or fetched.media_type)

    def _output(self, path: Path, media_type: str) -> FileOutput:
        kind = media_type or media_type_of_name(path.name)
        return FileOutput(path.relative_to(self._workspace).as_posix(), path.name, kind, path.stat().st_size)

    def _folder(self) -> Path:
        self._count += 1
        folder = self._workspace / "outputs" / str(self._count)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
