"""Reads cwltool's own schema files with a parser written in C: cwltool starts in half the time.

schema-salad reads them with ruamel.yaml, which takes ten times as long. Only text that comes with the installed
packages is read in this way, never a user's.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import yaml
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.main import YAML

_LOCK = threading.Lock()
_SLOW: dict[str, Any] = {"load": YAML.load, "load_all": YAML.load_all}
"""ruamel.yaml's own methods."""

_SCALARS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    "float": (r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?", "-+0123456789"),
}
"""Plain scalars that are not strings, in the way of YAML 1.2 (10.3.2 Core schema), with their first characters."""


@contextmanager
def quick_schemas() -> Iterator[None]:
    """Let this thread read YAML with the C parser, where PyYAML has it. Other threads see no difference."""
    if not yaml.__with_libyaml__:
        yield
        return
    own = threading.get_ident()

    def quick_load(self: YAML, stream: Any) -> Any:
        return parse(_text(stream)) if threading.get_ident() == own else _SLOW["load"](self, stream)

    def quick_load_all(self: YAML, stream: Any) -> Iterator[Any]:
        return iter([parse(_text(stream))]) if threading.get_ident() == own else _SLOW["load_all"](self, stream)

    with _LOCK:
        for name, quick in (("load", quick_load), ("load_all", quick_load_all)):
            setattr(YAML, name, quick)
        try:
            yield
        finally:
            for name, slow in _SLOW.items():
                setattr(YAML, name, slow)


def parse(text: str) -> Any:
    """The one document of a YAML text, in the types of ruamel.yaml with positions, without comments."""
    return yaml.load(text, Loader=_loader())


def _text(stream: Any) -> str:
    return stream if isinstance(stream, str) else str(stream.read())


@cache
def _loader() -> type[Any]:
    class SchemaLoader(yaml.CSafeLoader):
        """A safe loader of YAML 1.2."""

        yaml_implicit_resolvers: dict[str, Any] = {}

    for name, (pattern, first) in _SCALARS.items():
        SchemaLoader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(f"(?:{pattern})$"), list(first))
    SchemaLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
    SchemaLoader.add_constructor("tag:yaml.org,2002:seq", _sequence)
    return SchemaLoader


def _mapping(loader: Any, node: yaml.MappingNode) -> CommentedMap:
    made = CommentedMap()
    made.lc.line, made.lc.col = _place(node)
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        made[key] = loader.construct_object(value_node, deep=True)
        made.lc.add_kv_line_col(key, [*_place(key_node), *_place(value_node)])
    return made


def _sequence(loader: Any, node: yaml.SequenceNode) -> CommentedSeq:
    made = CommentedSeq(loader.construct_object(item, deep=True) for item in node.value)
    made.lc.line, made.lc.col = _place(node)
    for number, item in enumerate(node.value):
        made.lc.add_idx_line_col(number, _place(item))
    return made


def _place(node: yaml.Node) -> list[int]:
    return [node.start_mark.line, node.start_mark.column]
