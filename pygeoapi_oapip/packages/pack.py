"""Makes one self-contained document of a package that refers to others.

Own work, because `cwltool.pack` (3.3.2026) loses the network access of v1.0 tools in mixed versions, renames every
id, and fails on some documents of the conformance suite, and `cwl_utils.pack` reads files by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urldefrag

from ..errors import InvalidPackage
from .cwltool_check import explained, loading_context, resolve, upgrade
from .document import VERSIONS
from .fetch import Reader
from .guard import is_exact_integer

_REFERENCES = frozenset(
    {"id", "name", "source", "outputSource", "scatter", "out", "type", "items", "run", "$import", "types", "fields"}
)
_DROPPED = frozenset({"$schemas", "http://commonwl.org/cwltool#original_cwlVersion"})


def pack(uri: str, reader: Reader) -> dict[str, Any]:
    """The process at `uri` and all that it runs as one `$graph`, in the newest of their CWL versions.

    Returns:
        A CWL document as plain JSON values. Its first process is the entry point.

    Raises:
        InvalidPackage: cwltool cannot resolve the package.
    """
    with explained(reader):
        return _Packer(reader).pack(uri)


class _Packer:
    def __init__(self, reader: Reader) -> None:
        self.context = loading_context(reader)
        self.found: dict[str, tuple[Any, str]] = {}
        """Absolute URI of each process -> the process and its version, in order of discovery."""
        self.names: dict[str, str] = {}
        """Absolute URI of a process or document -> its name in the packed document."""
        self.blank: dict[str, str] = {}
        self.types: set[str] = set()

    def pack(self, uri: str) -> dict[str, Any]:
        self.collect(uri)
        versions = {version for _, version in self.found.values()}
        target = max(versions, key=VERSIONS.index)
        graph = []
        for address, (process, version) in self.found.items():
            if version != target:
                process = upgrade(process, address, version, target, self.context)
            graph.append(self.plain(process))
        for item in graph:
            for key in ("cwlVersion", "$namespaces", "$base"):
                item.pop(key, None)
        return {"cwlVersion": target, "$graph": graph}

    def collect(self, uri: str) -> None:
        """Find the process at `uri` and, depth first, all that it runs."""
        queue = [uri]
        while queue:
            address = queue.pop(0)
            if address in self.names:
                continue
            process, version = resolve(address, self.context)
            if isinstance(process, Sequence):
                process = _main_of(process, address)
            true_address = str(process["id"])
            if true_address not in self.found:
                self.found[true_address] = (process, version)
                self.names[true_address] = self.name(true_address)
            self.names[address] = self.names[true_address]
            queue.extend(_runs(process))

    def name(self, address: str) -> str:
        document, fragment = urldefrag(address)
        stem = unquote(document.rpartition("/")[2]).partition(".")[0]
        wanted = fragment or re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-") or "process"
        name, number = wanted, 2
        while name in self.names.values():
            name, number = f"{wanted}_{number}", number + 1
        return name

    def plain(self, value: Any, key: str = "") -> Any:
        """A copy of a resolved value in plain types, with the addresses that it holds renamed."""
        if isinstance(value, Mapping):
            named = value.get("name")
            if isinstance(named, str) and key != "fields" and "type" in value:
                if named in self.types:
                    return {"$import": self.renamed(named)}
                self.types.add(named)
            return {
                str(k): self.plain(v, str(k)) for k, v in value.items() if k not in _DROPPED and not self.foreign(k, v)
            }
        if isinstance(value, str):
            if key == "symbols":
                return value.rpartition("#")[2].rpartition("/")[2]
            return self.renamed(str(value)) if key in _REFERENCES else str(value)
        if isinstance(value, Sequence):
            return [self.plain(item, key) for item in value]
        return _plain_number(value) if isinstance(value, float) else value

    def foreign(self, key: str, value: Any) -> bool:
        """True for the `id` that schema-salad gives to an imported document, and for names made on loading."""
        return key == "id" and isinstance(value, str) and "#" not in value and value not in self.names

    def renamed(self, address: str) -> str:
        """The name in the packed document of an address: exact, or below a process, or in another document."""
        if address.startswith("_:"):
            return self.blank.setdefault(address, f"#anonymous_{len(self.blank) + 1}")
        if address in self.names:
            return "#" + self.names[address]
        document, fragment = urldefrag(address)
        above = fragment
        while above:
            above = above.rpartition("/")[0]
            process = f"{document}#{above}" if above else document
            if process in self.names:
                return f"#{self.names[process]}/{fragment[len(above) :].lstrip('/')}"
        if fragment and document:
            return f"#{unquote(document.rpartition('/')[2])}/{fragment}"
        return address


def _plain_number(value: float) -> float:
    """A number without its notation, except that `1.23e5` is 123000, as `guard` reads it."""
    return int(value) if getattr(value, "_exp", None) and is_exact_integer(value) else float(value)


def _main_of(found: Sequence[Any], address: str) -> Any:
    for process in found:
        if str(process["id"]).endswith("#main"):
            return process
    ids = ", ".join(urldefrag(str(process["id"]))[1] for process in found)
    raise InvalidPackage(f"{address.rpartition('/')[2]} has several processes; name one of: {ids}.")


def _runs(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        own = [str(value["run"])] if isinstance(value.get("run"), str) else []
        return own + [run for item in value.values() for run in _runs(item)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [run for item in value for run in _runs(item)]
    return []
