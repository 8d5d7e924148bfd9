"""Loads application packages: parses, finds the entry point, validates with cwltool, and packs into one document.

cwltool keeps its schemas in module globals, so one package is validated at a time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

from ..errors import InvalidPackage, UnresolvableReference
from ..model.process import Package
from .borrowed import with_own_names
from .cwltool_check import LOCK, load_schema, quiet, validate
from .document import (
    VERSIONS,
    choose_entry,
    needs_container,
    needs_javascript,
    reachable,
    refers_by_address,
    refuse_cycles,
    version_of,
)
from .fetch import NOWHERE, Fetch, Reader, read_below, refuse_all
from .guard import PACKAGE_BYTES, decode, parse_mapping, parse_value
from .literals import embed_files
from .ontology import as_address, carried, declared_formats, relations
from .pack import pack

__all__ = ["Fetch", "load_local_package", "load_named", "load_package", "warm"]


def load_package(
    source: bytes,
    media_type: str,
    *,
    entry: str | None = None,
    base_url: str = "",
    fetch: Fetch = refuse_all,
    max_bytes: int = PACKAGE_BYTES,
) -> Package:
    """Load an untrusted CWL package (v1.0, v1.1 or v1.2).

    Args:
        source: the document, YAML or JSON.
        media_type: kept in the package.
        entry: id of the process to run, with or without `#` (Part 2 `w`); None: the fragment of `base_url`, else the
            only one that no other uses.
        base_url: http(s) URL that the document was read from; "" if it was sent by value.
        fetch: reads the documents that it refers to; nothing is reached in another way.
        max_bytes: largest accepted size of `source`.

    Raises:
        TooLarge: `source`, or all documents together.
        WorkflowNotFound, AmbiguousWorkflow: `entry` names nothing, or is needed.
        InvalidPackage: anything else that is wrong with it; the text says what and where.
        OapipError: what `fetch` raises.
    """
    base, fragment = urldefrag(base_url)
    reader = Reader(fetch, base or NOWHERE + "package.cwl")
    return _load(source, media_type, entry or fragment or None, reader, max_bytes)


def load_named(source: bytes, entry: str | None, base_url: str, known: Mapping[str, bytes], fetch: Fetch) -> Package:
    """Load an untrusted CWL package that came with other documents.

    Args:
        source: the main document.
        entry: as in `load_package`.
        base_url: URL that its references are resolved against.
        known: the other documents by URL.
        fetch: reads the documents that are not known.

    Raises:
        OapipError: as in `load_package`.
    """
    reader = Reader(fetch, base_url)
    for url, content in known.items():
        parse_value(content)
        reader.give(url, decode(content))
    return _load(source, "", entry, reader, len(source))


def load_local_package(
    path: Path, entry: str | None = None, *, root: Path | None = None, fetch: Fetch = refuse_all
) -> Package:
    """Load a trusted package from a file, with the files that it refers to.

    Args:
        path: the document.
        entry: as in `load_package`.
        root: files outside this folder may not be referred to; None: all files may.
        fetch: reads references that are not files.

    Raises:
        UnresolvableReference: `path` cannot be read.
        OapipError: as in `load_package`.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UnresolvableReference(f"The package {path.name!r} cannot be read: {error.strerror}.") from None
    media_type = "application/cwl+json" if source.lstrip()[:1] == b"{" else "application/cwl+yaml"
    reader = Reader(read_below(root, fetch), path.resolve().as_uri(), files=True)
    return _load(source, media_type, entry, reader, PACKAGE_BYTES)


def warm() -> None:
    """Fill cwltool's schema caches (about 4 s, once per process), so that the first deployment is as fast as others."""
    for version in reversed(VERSIONS):
        with LOCK, quiet():
            load_schema(version)


def _load(source: bytes, media_type: str, entry: str | None, reader: Reader, max_bytes: int) -> Package:
    sent = parse_mapping(source, max_bytes=max_bytes)
    document = with_own_names(sent)
    chosen = choose_entry(document, entry)
    refuse_cycles(document)
    reader.seed(decode(source) if document is sent else json.dumps(document))
    with LOCK, quiet():
        validate(reader.base + chosen, reader)
        if reader.used or refers_by_address(document):
            document = _outer_metadata(document) | pack(reader.base + chosen, reader)
            chosen = "#" + str(document["$graph"][0]["id"]).removeprefix("#")
    _keep_formats(document, reader)
    embed_files(document, reader)
    for process in reachable(document, chosen):
        if process.get("class") == "Operation":
            raise InvalidPackage("A step runs an Operation, which describes work and cannot run.")
    return Package(
        document=document,
        entry=chosen,
        source=source,
        media_type=media_type,
        requires_container=needs_container(document, chosen),
        requires_javascript=needs_javascript(document, chosen),
        cwl_version=version_of(document),
    )


def _keep_formats(document: dict[str, Any], reader: Reader) -> None:
    """Put what the ontologies of a package say about its formats in the place of their addresses.

    Those that a sent package names are not read: they are large, and mostly of the whole world's things.
    """
    addresses = document.pop("$schemas", None)
    found = set(carried({"$schemas": addresses}))
    formats = declared_formats(document, document.get("$namespaces") or {})
    if reader.files and isinstance(addresses, list) and formats:
        urls = [urljoin(reader.base, item) for item in addresses if isinstance(item, str)]
        found |= relations(((url, decode(reader.read(url))) for url in urls if url.startswith("file:")), formats)
    if found:
        document["$schemas"] = [as_address(found)]


def _outer_metadata(document: dict[str, Any]) -> dict[str, Any]:
    """What a document with a `$graph` says about itself (`s:softwareVersion`), and its prefixes."""
    return {
        key: value
        for key, value in document.items()
        if key in ("$namespaces", "$schemas") or (":" in key and "$graph" in document)
    }
