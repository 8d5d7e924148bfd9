"""Packages and stand-ins that the tests of this folder share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import UnresolvableReference
from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.packages import load

ECHO: Mapping[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "id": "echo",
    "baseCommand": "echo",
    "inputs": {"message": {"type": "string", "inputBinding": {}}},
    "outputs": {"out": "stdout"},
}


@pytest.fixture(scope="session", autouse=True)
def warm_cwltool() -> None:
    load.warm()


@pytest.fixture
def package() -> Callable[..., Package]:
    """Makes a package of a CommandLineTool with the given inputs and outputs, without asking cwltool."""

    def make(inputs: Any = None, outputs: Any = None, **members: Any) -> Package:
        document = {**ECHO, "inputs": inputs or {}, "outputs": outputs or {}, **members}
        return Package(document, "", json.dumps(document).encode(), "application/cwl+json")

    return make


class Web:
    """A `Fetch` over a table, which notes what was asked for."""

    def __init__(self, pages: Mapping[str, bytes]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.pages:
            raise UnresolvableReference(f"{url} was not found.")
        return self.pages[url]


class Shelf:
    """A `FileSource` that keeps what it is given."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def reference(self, input_id: str, href: str, media_type: str, is_directory: bool) -> JSONObject:
        return {"class": "Directory" if is_directory else "File", "location": href}

    def literal(self, input_id: str, content: bytes, media_type: str, index: int) -> JSONObject:
        location = f"file:///job/{input_id}-{index}"
        self.contents[location] = content
        return {"class": "File", "location": location}


@pytest.fixture
def web() -> Callable[[Mapping[str, bytes]], Web]:
    return Web


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def suite() -> Path:
    """The half of the CWL conformance suite beside the repository."""
    folder = Path(__file__).parents[3] / "../shared/data/cwl-v1.2-half/tests"
    if not folder.is_dir():
        pytest.skip("the CWL conformance data is not beside the repository (../shared/data/cwl-v1.2-half)")
    return folder
