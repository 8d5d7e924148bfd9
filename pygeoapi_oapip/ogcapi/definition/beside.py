"""pygeoapi's own document, as far as it is merged into ours: made valid, self-contained, and out of our names' way.

pygeoapi refers to documents on other hosts, which a reader without network cannot resolve and which our pages may not
load; and administrators may bring their own document. What is wrong in it is put right or left out, path by path.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .schemas30 import strict

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
OTHER_NAME = "pygeoapi."
"""Stands before the names of components that we have too."""

_KINDS = ("schemas", "parameters", "responses", "headers", "requestBodies")
_PLACES = frozenset({"query", "header", "path", "cookie"})
_STATUS = re.compile(r"[1-5](?:\d\d|XX)|default")

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Beside:
    """What is taken over."""

    paths: Node = field(default_factory=dict)
    components: Node = field(default_factory=dict)
    tags: list[Node] = field(default_factory=list)


def cleaned(host: Mapping[str, Any], own: Mapping[str, Any], paths: Collection[str]) -> Beside:
    """The valid parts of pygeoapi's document.

    Args:
        host: the document.
        own: our components, whose names stay ours.
        paths: our paths; those, and all below `/processes` and `/jobs`, are left out.
    """
    given: Mapping[str, Any] = host.get("components") or {}
    names = {
        f"#/components/{kind}/{name}": f"#/components/{kind}/{_new_name(name, own.get(kind, {}))}"
        for kind in _KINDS
        for name in given.get(kind) or {}
    }
    called = {
        names[f"#/components/parameters/{key}"]: str(node.get("name"))
        for key, node in (given.get("parameters") or {}).items()
        if isinstance(node, Mapping)
    }
    cleaner = _Cleaner(names, called, set())
    found = {
        path: cleaner.path_item(path, item)
        for path, item in (host.get("paths") or {}).items()
        if path not in paths and not path.startswith(("/processes", "/jobs")) and isinstance(item, Mapping)
    }
    components = {
        kind: {_new_name(name, own.get(kind, {})): cleaner.component(kind, name, node) for name, node in rows.items()}
        for kind in _KINDS
        if (rows := given.get(kind))
    }
    tags = [tag for tag in host.get("tags") or () if isinstance(tag, Mapping) and tag.get("name")]
    return Beside(found, components, [_tag(tag) for tag in tags])


def _new_name(name: str, taken: Collection[str]) -> str:
    clean = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return OTHER_NAME + clean if clean in taken else clean


def _tag(tag: Mapping[str, Any]) -> Node:
    description = tag.get("description")
    return {"name": str(tag["name"]), **({"description": description} if isinstance(description, str) else {})}


@dataclass(frozen=True, slots=True)
class _Cleaner:
    names: Mapping[str, str]
    """Old reference -> new reference, of the components that exist."""
    called: Mapping[str, str]
    """New reference of a parameter -> its name."""
    operation_ids: set[str]

    def path_item(self, path: str, item: Mapping[str, Any]) -> Node:
        shared = list(self._parameters(path, item.get("parameters")))
        found: Node = {"parameters": shared} if shared else {}
        for method in METHODS:
            if isinstance(item.get(method), Mapping):
                found[method] = self._operation(path, item[method], shared)
        return found

    def _operation(self, path: str, operation: Mapping[str, Any], shared: list[Node]) -> Node:
        found: Node = {key: operation[key] for key in ("summary", "description") if isinstance(operation.get(key), str)}
        if operation.get("tags"):
            found["tags"] = [str(tag) for tag in operation["tags"]]
        identifier = operation.get("operationId")
        if isinstance(identifier, str) and identifier not in self.operation_ids:
            self.operation_ids.add(identifier)
            found["operationId"] = identifier
        parameters = list(self._parameters(path, operation.get("parameters")))
        known = {self.called.get(item["$ref"], "") if "$ref" in item else item["name"] for item in shared + parameters}
        parameters += [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in dict.fromkeys(re.findall(r"{(\w+)}", path))
            if name not in known
        ]
        if parameters:
            found["parameters"] = parameters
        body = operation.get("requestBody")
        if isinstance(body, Mapping) and (clean := self._body(body)):
            found["requestBody"] = clean
        responses = self._responses(operation.get("responses"))
        return {**found, "responses": responses or {"default": {"description": "The answer of pygeoapi."}}}

    def component(self, kind: str, name: str, node: Any) -> Node:
        """A component of that kind; one that cannot be put right is one that says nothing."""
        if not isinstance(node, Mapping):
            node = {}
        match kind:
            case "schemas":
                return self._schema(node)
            case "parameters":
                return self._parameter("", node) or {"name": name, "in": "query", "schema": {"type": "string"}}
            case "responses":
                return self._response(node, name)
            case "headers":
                return {"schema": self._schema(node.get("schema") or {})}
            case _:
                return self._body(node) or {"content": {"*/*": {}}}

    def _parameters(self, path: str, given: Any) -> Iterator[Node]:
        seen = set()
        for node in given if isinstance(given, list) else ():
            clean = self._parameter(path, node) if isinstance(node, Mapping) else None
            mark = str(clean and (clean.get("$ref") or (clean["name"], clean["in"])))
            if clean is not None and mark not in seen:
                seen.add(mark)
                yield clean

    def _parameter(self, path: str, node: Mapping[str, Any]) -> Node | None:
        reference = node.get("$ref")
        if isinstance(reference, str):
            if reference in self.names:
                return {"$ref": self.names[reference]}
            last = reference.rpartition("/")[2].removesuffix(".yaml")
            return None if f"{{{last}}}" in path else {"name": last, "in": "query", "schema": {}}
        name, place = node.get("name"), node.get("in")
        if not isinstance(name, str) or place not in _PLACES:
            return None
        if place == "path" and path and f"{{{name}}}" not in path:
            return None
        found: Node = {"name": name, "in": place, **({"required": True} if place == "path" else {})}
        found |= {key: node[key] for key in ("description", "style") if isinstance(node.get(key), str)}
        found |= {key: node[key] for key in ("required", "explode") if isinstance(node.get(key), bool)}
        return {**found, "schema": self._schema(node.get("schema") or {})}

    def _body(self, node: Mapping[str, Any]) -> Node:
        if node.get("$ref") in self.names:
            return {"$ref": self.names[node["$ref"]]}
        content = self._content(node.get("content"))
        return {"content": content, **({"required": True} if node.get("required") is True else {})} if content else {}

    def _responses(self, given: Any) -> Node:
        rows = given.items() if isinstance(given, Mapping) else ()
        return {
            str(status): self._response(node, str(status))
            for status, node in rows
            if isinstance(node, Mapping) and _STATUS.fullmatch(str(status))
        }

    def _response(self, node: Mapping[str, Any], name: str) -> Node:
        reference = node.get("$ref")
        if isinstance(reference, str):
            if reference in self.names:
                return {"$ref": self.names[reference]}
            return {"description": reference.rpartition("/")[2]}
        content = self._content(node.get("content"))
        return {"description": str(node.get("description") or name), **({"content": content} if content else {})}

    def _content(self, given: Any) -> Node:
        rows = given.items() if isinstance(given, Mapping) else ()
        return {
            str(kind): {"schema": self._schema(media["schema"])} if "schema" in media else {}
            for kind, media in rows
            if isinstance(media, Mapping)
        }

    def _schema(self, schema: Any) -> Node:
        found: Node = self._renamed(strict(schema))
        return found

    def _renamed(self, schema: Any) -> Any:
        if isinstance(schema, list):
            return [self._renamed(item) for item in schema]
        if not isinstance(schema, Mapping):
            return schema
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return {"$ref": self.names[reference]} if reference in self.names else {}
        return {key: self._renamed(value) for key, value in schema.items()}
