"""packages.deployment: Part 2 bodies."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from pygeoapi_oapip.errors import InvalidPackage, OapipError, TooLarge, UnsupportedMediaType, WorkflowNotFound
from pygeoapi_oapip.model.process import JobControl, Process
from pygeoapi_oapip.packages.deployment import read_deployment

CWL: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "id": "echo",
    "baseCommand": "echo",
    "inputs": {"message": "string"},
    "outputs": {"out": "stdout"},
}
TEXT = json.dumps(CWL)
OGC = "application/ogcapppkg+json"


def deploy(body: Any, media_type: str = OGC, workflow: str | None = None, web: Any = None) -> Process:
    source = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_deployment(source, media_type, workflow=workflow, fetch=web or (lambda url: b""), max_bytes=100_000)


@pytest.mark.requirement("part2/cwl/deploy-body", "part2/cwl/body")
@pytest.mark.parametrize(
    ("media_type", "kept"),
    [
        ("application/cwl", "application/cwl"),
        ("application/cwl+yaml", "application/cwl+yaml"),
        ("application/cwl+json", "application/cwl+json"),
        ("application/json", "application/cwl+json"),
        ("text/yaml", "application/cwl+json"),
        ("Application/CWL; charset=utf-8", "application/cwl"),
        ("", "application/cwl+json"),
    ],
)
def test_cwl_bodies(media_type: str, kept: str) -> None:
    found = deploy(CWL, media_type)
    assert found.package is not None
    assert (found.id, found.package.media_type, found.package.source) == ("echo", kept, TEXT.encode())


@pytest.mark.requirement(
    "part2/ogcapppkg/body",
    "part2/ogcapppkg/deploy-body",
    "part2/ogcapppkg/schema",
    "part2/cwl/execution-unit",
    "client/rule-14",
)
@pytest.mark.parametrize(
    "unit",
    [
        CWL,
        {"unit": CWL},
        {"value": CWL, "mediaType": "application/cwl+json"},
        {"value": TEXT, "mediaType": "application/cwl+json"},
        {"value": base64.b64encode(TEXT.encode()).decode(), "encoding": "base64", "type": "application/cwl"},
        {"href": "https://example.com/echo.cwl", "type": "application/cwl"},
        "https://example.com/echo.cwl",
    ],
)
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("media_type", [OGC, "application/json"])
def test_execution_units(unit: Any, several: bool, media_type: str, web: Any) -> None:
    body = {"processDescription": {"id": "mine"}, "executionUnit": [unit] if several else unit}
    found = deploy(body, media_type, web=web({"https://example.com/echo.cwl": TEXT.encode()}))
    assert found.package is not None
    assert (found.id, found.package.media_type) == ("mine", OGC)
    assert found.package.source == json.dumps(body).encode()
    assert found.package.document["class"] == "CommandLineTool"


@pytest.mark.requirement("part2/ogcapppkg/process-description")
@pytest.mark.parametrize("nested", [False, True])
def test_the_description_overrides_what_cwl_says(nested: bool) -> None:
    description: dict[str, Any] = {
        "id": "mine",
        "title": "T",
        "description": "D",
        "version": "9.9",
        "keywords": ["k"],
        "metadata": [{"title": "m", "role": "r", "href": "https://example.com"}],
        "jobControlOptions": ["async-execute", "sync-execute"],
        "inputs": {"message": {"title": "M", "description": "say", "schema": {"type": "integer"}}},
        "outputs": [{"id": "out", "title": "O"}],
        "outputTransmission": ["reference"],
        "mutable": False,
        "x-owner": "me",
        "links": [],
    }
    found = deploy({"processDescription": {"process": description} if nested else description, "executionUnit": CWL})
    assert (found.id, found.title, found.description, found.version) == ("mine", "T", "D", "9.9")
    assert (found.keywords, found.metadata[0]["title"]) == (("k",), "m")
    assert set(found.job_control) == {JobControl.SYNC, JobControl.ASYNC}
    assert (found.inputs["message"].title, found.inputs["message"].schema) == ("M", {"type": "string"})
    assert found.outputs["out"].title == "O"
    assert found.extra == {"x-owner": "me", "outputTransmission": ["reference"]}
    assert found.locked and not found.mutable


@pytest.mark.requirement("part2/cwl/deploy-w-param")
def test_without_w_the_first_process_that_may_be_meant_is_deployed() -> None:
    process = {key: value for key, value in CWL.items() if key != "cwlVersion"}
    two = {"cwlVersion": "v1.2", "$graph": [{**process, "id": "b"}, {**process, "id": "a"}]}
    assert deploy(two, "application/cwl").id == "b"
    assert deploy({"executionUnit": two}).id == "b"


@pytest.mark.requirement("part2/cwl/deploy-w-param", "part2/cwl/deploy-exception-workflow-not-found")
def test_w_and_fragments_choose_the_process(web: Any) -> None:
    two = {"cwlVersion": "v1.2", "$graph": [{**CWL, "id": name} for name in "ab"]}
    for process in two["$graph"]:
        del process["cwlVersion"]  # type: ignore[attr-defined]
    page = web({"https://example.com/x.cwl": json.dumps(two).encode()})
    unit = {"executionUnit": {"href": "https://example.com/x.cwl#b"}}
    assert deploy(unit, web=page).id == "b"
    assert deploy(unit, workflow="a", web=page).id == "a"
    assert deploy(two, "application/cwl", workflow="#a").id == "a"
    with pytest.raises(WorkflowNotFound, match="It has: a, b"):
        deploy(two, "application/cwl", workflow="c")


@pytest.mark.requirement("part2/deploy-replace-undeploy/deploy-unsupported-media-type")
@pytest.mark.parametrize("media_type", ["application/xml", "text/html", "multipart/byteranges"])
def test_other_media_types_are_refused(media_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=f"{media_type}.*application/cwl"):
        deploy(CWL, media_type)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "neither CWL"),
        ({"a": 1}, "neither CWL"),
        (CWL, "neither CWL"),
        ({"processDescription": {"id": "a"}}, "must be one unit (has 0)"),
        ({"executionUnit": []}, "has 0"),
        ({"executionUnit": 5}, "must be an object"),
        ({"executionUnit": {}}, "must have `href`"),
        ({"executionUnit": {"type": "image/png", "value": "x"}}, "type 'image/png' is not supported"),
        ({"executionUnit": {"href": "file:///etc/passwd"}}, "must be an http(s) URL"),
        ({"executionUnit": {"value": "%", "encoding": "base64"}}, "not base64"),
        ({"executionUnit": {"value": 5}}, "must be a mapping"),
        ({"executionUnit": CWL, "processDescription": {"id": "a b"}}, "id 'a b' is not allowed"),
        ({"executionUnit": CWL, "processDescription": {"id": 5}}, "not allowed"),
        ({"executionUnit": CWL, "processDescription": 5}, "must be an object"),
        ({"executionUnit": CWL, "processDescription": {"title": {}}}, "`title`"),
        ({"executionUnit": CWL, "processDescription": {"keywords": "a"}}, "`keywords`"),
        ({"executionUnit": CWL, "processDescription": {"metadata": ["a"]}}, "`metadata`"),
        ({"executionUnit": CWL, "processDescription": {"jobControlOptions": ["now"]}}, "`jobControlOptions`"),
        ({"executionUnit": CWL, "processDescription": {"inputs": {"z": {}}}}, "inputs.z, which the CWL has not"),
        ({"executionUnit": CWL, "processDescription": {"inputs": 5}}, "keyed by id"),
        ({"executionUnit": CWL, "processDescription": {"mutable": "no"}}, "`mutable`"),
        ({"executionUnit": CWL, "processDescription": {"outputTransmission": ["fax"]}}, "`outputTransmission`"),
        ({"executionUnit": CWL, "processDescription": {"outputTransmission": []}}, "`outputTransmission`"),
        ({"executionUnit": CWL, "processDescription": {"inputs": {"message": {"minOccurs": 0}}}}, "minOccurs"),
        ({"executionUnit": CWL, "processDescription": {"inputs": {"message": {"maxOccurs": 2}}}}, "maxOccurs"),
        (
            {"executionUnit": CWL, "processDescription": {"inputs": {"message": {"maxOccurs": "unbounded"}}}},
            "maxOccurs",
        ),
        ({"executionUnit": CWL, "processDescription": {"outputs": {"z": {}}}}, "outputs.z, which the CWL has not"),
        ({"executionUnit": CWL, "processDescription": {"inputs": {"message": {"title": 5}}}}, "inputs.message.title"),
    ],
)
def test_wrong_bodies_are_refused(body: Mapping[str, Any], text: str) -> None:
    with pytest.raises(InvalidPackage) as caught:
        deploy(body)
    assert text in caught.value.detail


def test_large_bodies_are_refused() -> None:
    with pytest.raises(TooLarge):
        deploy(b" " * 100_001, "application/cwl")


def test_what_fetch_says_is_passed_on(web: Any) -> None:
    with pytest.raises(OapipError, match="was not found"):
        deploy({"executionUnit": {"href": "https://example.com/none.cwl"}}, web=web({}))
