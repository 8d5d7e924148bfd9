"""CWL types as one small tree, whatever way a document writes them (`string[]?`, lists, SchemaDef names)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..model.json import JSON, JSONObject
from .document import as_list, find_process, items_by_class, short_id

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "string", "Any", "File", "Directory")


@dataclass(frozen=True, slots=True)
class CWLType:
    """A type: `kind` is one of PRIMITIVES, or `array`, `record`, `enum`, `union`."""

    kind: str
    items: tuple[CWLType, ...] = ()
    """The item type of an array; the members of a union, `null` left out."""
    fields: Mapping[str, CWLType] = field(default_factory=dict)
    symbols: tuple[str, ...] = ()
    nullable: bool = False
    label: str = ""
    doc: str = ""
    formats: tuple[str, ...] = ()
    """Of a File, as full URIs; expressions left out."""
    secondary: tuple[str, ...] = ()
    """Patterns of secondary files of a File."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input or output of a process."""

    id: str
    type: CWLType
    label: str = ""
    doc: str = ""
    default: JSON = None
    has_default: bool = False
    raw: JSONObject = field(default_factory=dict)
    """As the document has it."""

    @property
    def optional(self) -> bool:
        """True if a request need not give a value."""
        return self.type.nullable or self.has_default or self.type.kind == "null"


class TypeReader:
    """Reads the parameters of one process of a packed document.

    Args:
        document: as in `Package.document`.
        entry: as in `Package.entry`.
    """

    def __init__(self, document: JSONObject, entry: str) -> None:
        self.process = find_process(document, entry)
        namespaces = {**_mapping(document.get("$namespaces")), **_mapping(self.process.get("$namespaces"))}
        self.namespaces = {str(key): str(value) for key, value in namespaces.items()}
        self._named: dict[str, JSONObject] = {}
        self._reading: set[str] = set()
        self._collect(document)
        self._collect(self.process)

    def inputs(self) -> list[Parameter]:
        """The inputs, in order."""
        return [self._parameter(item) for item in as_list(self.process.get("inputs"), "id", "type")]

    def outputs(self) -> list[Parameter]:
        """The outputs, in order."""
        return [self._parameter(item) for item in as_list(self.process.get("outputs"), "id", "type")]

    def expand(self, name: str) -> str:
        """A URI whose prefix is one of `$namespaces`, in full."""
        prefix, colon, rest = name.partition(":")
        return self.namespaces[prefix] + rest if colon and prefix in self.namespaces else name

    def _collect(self, value: JSON) -> None:
        """Index the named types (SchemaDefRequirement and in place) below `value` by their last part."""
        if isinstance(value, Mapping):
            if value.get("type") in ("record", "enum", "array") and isinstance(value.get("name"), str):
                self._named.setdefault(_type_name(value["name"]), value)
                self._named[short_id(value["name"])] = value
            for item in value.values():
                self._collect(item)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for item in value:
                self._collect(item)

    def _parameter(self, item: Any) -> Parameter:
        has_default = item.get("default") is not None
        return Parameter(
            id=short_id(item.get("id")),
            type=self.read(item.get("type"), item),
            label=text_of(item.get("label")),
            doc=text_of(item.get("doc")),
            default=item.get("default"),
            has_default=has_default,
            raw=item,
        )

    def read(self, raw: JSON, about: JSONObject) -> CWLType:
        """The type that `raw` says.

        Args:
            raw: the value of a `type` or `items` member.
            about: the parameter or record field that has it: its `format` and `secondaryFiles` are of its files.
        """
        if isinstance(raw, str):
            return self._read_name(raw, about)
        if isinstance(raw, Mapping):
            return self._read_schema(raw, about)
        members = [self.read(item, about) for item in raw] if isinstance(raw, Sequence) else []
        real = tuple(member for member in members if member.kind != "null")
        nullable = len(real) < len(members) or any(member.nullable for member in real)
        if not real:
            return CWLType("null", nullable=True)
        if len(real) == 1:
            return _nullable(real[0], nullable)
        return CWLType("union", items=real, nullable=nullable)

    def _read_name(self, name: str, about: JSONObject) -> CWLType:
        if name.endswith("?"):
            return _nullable(self.read(name[:-1], about), True)
        if name.endswith("[]"):
            return CWLType("array", items=(self.read(name[:-2], about),))
        if name in ("File", "stdin", "stdout", "stderr"):
            return CWLType("File", formats=self._formats(about), secondary=secondary_patterns(about))
        if name in PRIMITIVES:
            return CWLType(name, nullable=name == "null")
        found = self._named.get(_type_name(name)) or self._named.get(short_id(name))
        if found is None or name in self._reading:
            return CWLType("Any")
        self._reading.add(name)
        try:
            return self._read_schema(found, about)
        finally:
            self._reading.discard(name)

    def _read_schema(self, raw: JSONObject, about: JSONObject) -> CWLType:
        imported = raw.get("$import")
        if isinstance(imported, str):
            return self._read_name(imported, about)
        return replace(self._read_kind(raw, about), label=text_of(raw.get("label")), doc=text_of(raw.get("doc")))

    def _read_kind(self, raw: JSONObject, about: JSONObject) -> CWLType:
        kind = raw.get("type")
        if kind == "array":
            return CWLType("array", items=(self.read(raw.get("items"), about),))
        if kind == "enum":
            symbols = raw.get("symbols")
            return CWLType("enum", symbols=tuple(map(_symbol, symbols if isinstance(symbols, list) else [])))
        if kind == "record":
            found = as_list(raw.get("fields"), "name", "type")
            return CWLType("record", fields={short_id(item.get("name")): self._field(item) for item in found})
        return self.read(kind, about)

    def _field(self, item: JSONObject) -> CWLType:
        read = self.read(item.get("type"), item)
        return replace(read, label=text_of(item.get("label")) or read.label, doc=text_of(item.get("doc")) or read.doc)

    def _formats(self, about: JSONObject) -> tuple[str, ...]:
        found = about.get("format")
        names = found if isinstance(found, Sequence) and not isinstance(found, str) else [found]
        return tuple(self.expand(name) for name in names if isinstance(name, str) and "$" not in name)


def text_of(value: JSON) -> str:
    """A label or doc: text, or a list of lines."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(str(line) for line in value)
    return str(value) if value is not None else ""


def requirement(process: JSONObject, name: str) -> JSONObject | None:
    """A requirement of a process, or else the hint."""
    for kind in ("requirements", "hints"):
        found = items_by_class(process.get(kind))
        if name in found:
            return dict(found[name])
    return None


def _mapping(value: JSON) -> JSONObject:
    return value if isinstance(value, Mapping) else {}


def _nullable(read: CWLType, nullable: bool) -> CWLType:
    return replace(read, nullable=True) if nullable else read


def _type_name(name: JSON) -> str:
    return str(name).rpartition("#")[2]


def _symbol(value: Any) -> str:
    return str(value).rpartition("#")[2].rpartition("/")[2]


def secondary_patterns(about: JSONObject) -> tuple[str, ...]:
    """The `secondaryFiles` of a parameter or record field: patterns, and expressions as they are."""
    found = about.get("secondaryFiles")
    items = found if isinstance(found, Sequence) and not isinstance(found, str) else [found]
    patterns = (item.get("pattern") if isinstance(item, Mapping) else item for item in items)
    return tuple(str(pattern) for pattern in patterns if pattern)


def secondary_name(name: str, pattern: str) -> str:
    """The name or URL of a secondary file (CWL v1.2 SecondaryFileSchema: `^` takes one extension away)."""
    pattern = pattern.removesuffix("?")
    while pattern.startswith("^"):
        folder, slash, last = name.rpartition("/")
        stem = last.rpartition(".")[0] or last
        name, pattern = folder + slash + stem, pattern[1:]
    return name + pattern
