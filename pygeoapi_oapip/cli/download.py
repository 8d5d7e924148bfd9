"""Results of a job written to a folder."""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from .client import Client


@dataclass(frozen=True, slots=True)
class Saved:
    """A result that is now a file."""

    output: str
    path: Path
    media_type: str
    size: int


def save_results(client: Client, results: Mapping[str, Any], folder: Path) -> list[Saved]:
    """Write each result to `folder`: files under their own names, other values as `OUTPUT.json`.

    Args:
        client: the server that the results come from.
        results: a results document (Part 1 results.yaml).
        folder: is made where it does not exist; a name that is taken gets a number.

    Returns:
        What was written, in the order of the results.
    """
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    for output, value in results.items():
        links = list(links_of(value))
        if links:
            saved += [_save_link(client, output, link, folder) for link in links]
        else:
            saved.append(_save_value(output, value, folder))
    return saved


def links_of(value: Any) -> Iterator[Mapping[str, Any]]:
    """Each link (Part 1 link.yaml) in a result, in order."""
    if isinstance(value, list):
        for item in value:
            yield from links_of(item)
    elif isinstance(value, dict):
        if isinstance(value.get("href"), str):
            yield value
            yield from links_of(value.get("secondaryFiles", []))
        else:
            for item in value.values():
                yield from links_of(item)


def file_name(link: Mapping[str, Any], fallback: str) -> str:
    """The name for what a link leads to: its title where that is a file name, else the last part of the URL."""
    title = str(link.get("title") or "")
    ending = mimetypes.guess_extension(str(link.get("type") or "").partition(";")[0]) or ""
    if is_archive(link) and _safe(title):
        return _safe(title).removesuffix(ending) + ending
    if title and ("." in title or "length" in link) and _safe(title) == title:
        return title
    name = _safe(unquote(PurePosixPath(urlsplit(link["href"]).path).name)) or _safe(fallback)
    return name if "." in name else name + ending


def is_archive(link: Mapping[str, Any]) -> bool:
    """True for a directory, which servers of this kind send as one archive (a file would have a length)."""
    return link.get("type") == "application/zip" and "length" not in link


def _safe(name: str) -> str:
    """A name from a server as one that stays in its folder."""
    kept = "".join("_" if c in "/\\:\0" or ord(c) < 32 else c for c in name).strip()
    return "" if kept in (".", "..") else kept


def _free(folder: Path, name: str) -> Path:
    path = folder / name
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    return path


def _save_link(client: Client, output: str, link: Mapping[str, Any], folder: Path) -> Saved:
    path, media_type = _free(folder, file_name(link, output)), str(link.get("type") or "")
    return Saved(output, path, media_type, client.download(link["href"], path, media_type=media_type))


def _save_value(output: str, value: Any, folder: Path) -> Saved:
    content, media_type = json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n", "application/json"
    if isinstance(value, dict) and isinstance(value.get("value"), str) and value.get("mediaType"):
        media_type = str(value["mediaType"])
        binary = value.get("encoding") == "base64"
        content = base64.b64decode(value["value"]) if binary else value["value"].encode()
    ending = mimetypes.guess_extension(media_type.partition(";")[0]) or ".bin"
    path = _free(folder, (_safe(output) or "result") + ending)
    path.write_bytes(content)
    return Saved(output, path, media_type, len(content))
