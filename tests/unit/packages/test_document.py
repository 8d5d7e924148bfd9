"""packages.document: what depends on where a document is."""

from __future__ import annotations

from typing import Any

import pytest

from pygeoapi_oapip.packages.document import is_self_contained


@pytest.mark.parametrize(
    "part",
    [
        {"$import": "types.yml"},
        {"$include": "lib.js"},
        {"run": "tool.cwl"},
        {"run": "tools.cwl#echo"},
        {"type": "types.yml#box"},
        {"type": {"type": "array", "items": "../types.yml#box[]"}},
        {"default": {"class": "File", "location": "words.txt"}},
        {"default": [{"class": "Directory", "path": "/data"}]},
    ],
)
def test_documents_that_need_others(part: Any) -> None:
    assert not is_self_contained({"steps": [{"a": part}]})


@pytest.mark.parametrize(
    "part",
    [
        {"run": "#tool"},
        {"run": {"class": "ExpressionTool", "expression": "${return {a: inputs.b.c#d};}"}},
        {"type": "#box"},
        {"type": "File", "format": "http://example.com/onto.owl#tiff"},
        {"default": {"class": "File", "location": "https://example.com/words.txt"}},
        {"default": {"class": "File", "contents": "hello", "basename": "a.txt"}},
        {"valueFrom": "$(inputs.a.path)#1"},
        {"path": "not of a File"},
    ],
)
def test_documents_that_stand_alone(part: Any) -> None:
    assert is_self_contained({"steps": [{"a": part}]})
