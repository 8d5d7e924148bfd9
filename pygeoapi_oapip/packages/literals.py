"""Puts the files that a package carries along (defaults) into the document itself, as CWL literals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from ..errors import InvalidPackage
from .cwltypes import secondary_name, secondary_patterns
from .fetch import NOWHERE, Reader

MAX_EMBEDDED = 1024 * 1024
"""Bytes of all files that are made part of one document. CWL limits `contents` to 64 KiB; cwltool, and all that builds
on it, reads more, so that packages in local folders may have larger companions."""

_REMOTE = ("http", "https", "s3")


def embed_files(document: Any, reader: Reader) -> None:
    """Replace, in place, the local files and folders that File and Directory objects point at.

    What is beside a local package becomes a literal with `contents` or `listing`; http(s) and s3 addresses stay,
    made absolute.

    Raises:
        InvalidPackage: together larger than MAX_EMBEDDED, not text, or not to be read.
    """
    _Embedding(reader).visit(document)


class _Embedding:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.size = 0

    def visit(self, value: Any) -> None:
        if isinstance(value, dict):
            if "default" in value:
                self.accompany(value["default"], secondary_patterns(value))
            address = value.get("location") or value.get("path")
            if value.get("class") in ("File", "Directory") and _is_address(address):
                self.embed(value, urljoin(self.reader.base, address))
            for item in value.values():
                self.visit(item)
        elif isinstance(value, list):
            for item in value:
                self.visit(item)

    def embed(self, value: dict[str, Any], url: str) -> None:
        value.pop("location", None)
        value.pop("path", None)
        if urlsplit(url).scheme in _REMOTE and not url.startswith(NOWHERE):
            value["location"] = url
            return
        value.setdefault("basename", _name(url))
        if value["class"] == "Directory":
            value.setdefault("listing", [self.child(entry) for entry in self.reader.entries(url)])
        else:
            value["contents"] = self.contents(url)
            value["size"] = len(value["contents"].encode())

    def accompany(self, default: Any, patterns: Sequence[str]) -> None:
        """Name the secondary files of the default of a parameter that are beside it."""
        for file in default if isinstance(default, list) else [default]:
            address = isinstance(file, dict) and (file.get("location") or file.get("path"))
            if not patterns or not _is_address(address) or "secondaryFiles" in file:
                continue
            url = urljoin(self.reader.base, address)
            beside = [secondary_name(url, pattern) for pattern in patterns]
            found = [self.child(each) for each in beside if self.reader.exists(each)]
            if found:
                file["secondaryFiles"] = found

    def child(self, url: str) -> dict[str, Any]:
        child: dict[str, Any] = {"class": "Directory" if self.reader.is_folder(url) else "File"}
        self.embed(child, url)
        return child

    def contents(self, url: str) -> str:
        content = self.reader.read(url)
        self.size += len(content)
        advice = "Give it an http(s) or s3 address instead."
        if self.size > MAX_EMBEDDED:
            raise InvalidPackage(f"The files that the package carries have more than {MAX_EMBEDDED} bytes. {advice}")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidPackage(f"The file {_name(url)!r}, a default of the package, is not text. {advice}") from None


def _name(url: str) -> str:
    return PurePosixPath(unquote(urlsplit(url).path)).name


def _is_address(text: Any) -> bool:
    return isinstance(text, str) and "$(" not in text and "${" not in text and not text.startswith("_:")
