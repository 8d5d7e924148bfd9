"""Whatever another server answers is understood or refused."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pygeoapi_oapip.engines.remote.results import Downloaded, Results
from pygeoapi_oapip.engines.remote.wire import job_address, problem_of, retry_after, status_of
from pygeoapi_oapip.errors import OapipError, UnresolvableReference
from pygeoapi_oapip.model.answer import Answer
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.model.value import files_of, output_from_json, output_to_json

SCHEMAS: list[Any] = [
    {},
    {"type": "integer"},
    {"type": "string", "contentMediaType": "image/tiff"},
    {"type": "array", "items": {"type": "string", "format": "binary"}},
    {"oneOf": [{"type": "string"}, 3], "items": 4},
]
WORDS = st.sampled_from(
    ["a", "b", "href", "value", "mediaType", "encoding", "format", "outputs", "status", "jobID", "id", "links", "rel"]
)
TEXTS = st.one_of(
    st.text(max_size=6), st.sampled_from(["base64", "successful", "http://[::1", "results", "text/plain"])
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)


def no_download(url: str, folder: Path) -> Downloaded:
    raise UnresolvableReference(f"{url!r} is not read here")


def answer(body: Any, **headers: str) -> Answer:
    return Answer(201, json.dumps(body).encode(), "http://other.example/x", headers)


@settings(max_examples=200, deadline=None)
@given(JSON, st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(SCHEMAS), min_size=1))
def test_any_results_are_read_or_refused(body: Any, schemas: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        try:
            found = Results(Path(folder), no_download).read(answer(body), Package({"outputs": schemas}, "", b"", ""))
        except OapipError as error:
            assert folder not in error.detail
            return
        for value in found.values():
            assert output_from_json(json.loads(json.dumps(output_to_json(value)))) == value
            for file in files_of(value):
                assert (Path(folder) / file.href).resolve().is_relative_to(Path(folder).resolve() / "outputs")


@settings(max_examples=200, deadline=None)
@given(JSON, TEXTS)
def test_any_status_is_read_or_refused(body: Any, text: str) -> None:
    found = answer(body, location=text, **{"retry-after": text})
    assert isinstance(job_address(found, "http://other.example/processes/p/execution"), str)
    assert problem_of(found)
    assert 0 <= retry_after(found) <= 600
    status = status_of(found, "http://other.example/jobs/1")
    assert status is None or 0 <= status.progress <= 100


def test_bytes_that_are_no_json_have_no_status() -> None:
    for content in (b"", b"<html>", b"\xff\xfe", b"[" * 100_000):
        found = Answer(200, content, "http://other.example/x")
        assert status_of(found, found.url) is None
        assert problem_of(found) == "status 200"
