"""The version of an answer is the first one that the client accepts; what is wrong is told in the version asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client as HttpClient

from pygeoapi_oapip.engines.builtin.wps_echo import DESCRIPTION
from pygeoapi_oapip.errors import UnresolvableReference
from pygeoapi_oapip.testing.operations import FakeOperations
from pygeoapi_oapip.wps.application import PLACE_KEY, Addresses, Place, WpsDoor
from pygeoapi_oapip.wps.door import WpsOptions
from pygeoapi_oapip.wps.terms import ReferenceGiven
from tests.wps.v2.conftest import HEAD
from tests.wps.validation import validate

OWS = {"2.0": "http://www.opengis.net/ows/2.0", "1.0.0": "http://www.opengis.net/ows/1.1"}


@pytest.fixture
def client(tmp_path: Path) -> HttpClient:
    def read(reference: ReferenceGiven) -> bytes:
        raise UnresolvableReference(reference.href)

    operations: Any = FakeOperations(tmp_path)
    operations.processes_by_id[DESCRIPTION.id] = DESCRIPTION
    door = WpsDoor(operations, WpsOptions(read), Addresses("http://host", "/wps"), 10**6)

    def application(environ: Any, start: Any) -> Any:
        return door({**environ, PLACE_KEY: Place("", "/wps")}, start)

    return HttpClient(application)


def version_of(answer: Any) -> str:
    """The version of an answer, which is valid in it."""
    version = "2.0.0" if b"http://www.opengis.net/wps/2.0" in answer.data else "1.0.0"
    root = validate(version, answer.data)
    return version if root.tag.endswith("Capabilities") else root[0].get("exceptionCode")


@pytest.mark.parametrize(
    ("accepted", "answered"),
    [
        ("2.0.0,1.0.0", "2.0.0"),
        ("1.0.0,2.0.0", "1.0.0"),
        ("3.0.0, 2.0.0", "2.0.0"),
        ("1.0.0", "1.0.0"),
        ("3.0.0,4.0.0", "VersionNegotiationFailed"),
    ],
)
def test_first_version_that_is_accepted(client: HttpClient, accepted: str, answered: str) -> None:
    assert version_of(client.get(f"/?service=WPS&request=GetCapabilities&acceptversions={accepted}")) == answered
    for words in OWS:
        versions = "".join(f"<o:Version>{word}</o:Version>" for word in accepted.split(","))
        body = (
            f'<w:GetCapabilities xmlns:w="http://www.opengis.net/wps/{words}" xmlns:o="{OWS[words]}" service="WPS">'
            f"<o:AcceptVersions>{versions}</o:AcceptVersions></w:GetCapabilities>"
        )
        assert version_of(client.post("/", data=body)) == answered, words


@pytest.mark.parametrize(
    ("query", "answered"),
    [
        ("version=2.0.0", "2.0.0"),
        ("version=1.0.0", "1.0.0"),
        ("version=1.0.0&acceptversions=2.0.0", "2.0.0"),
        ("version=3.0.0", "VersionNegotiationFailed"),
    ],
)
def test_version_parameter(client: HttpClient, query: str, answered: str) -> None:
    assert version_of(client.get(f"/?service=WPS&request=GetCapabilities&{query}")) == answered


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("service=WMS&version=2.0.0&request=GetCapabilities", 400, "InvalidParameterValue"),
        ("version=2.0.0&request=GetStatus&jobid=1", 400, "MissingParameterValue"),
        ("service=WPS&version=2.0.0", 400, "MissingParameterValue"),
        ("service=WPS&version=2.0.0&request=Wait", 501, "OperationNotSupported"),
        ("service=WPS&version=2.0.0&request=GetStatus&jobid=1&JOBID=2", 400, "InvalidParameterValue"),
    ],
)
def test_what_is_wrong_is_told_in_the_version_asked_for(client: HttpClient, query: str, status: int, code: str) -> None:
    answer = client.get(f"/?{query}")
    assert (answer.status_code, version_of(answer)) == (status, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (f"<wps:Wait {HEAD}/>", 501, "OperationNotSupported"),
        (f"<wps:execute {HEAD}/>", 501, "OperationNotSupported"),
        (f"<wps:StatusInfo {HEAD}/>", 501, "OperationNotSupported"),
        (f"<wps:GetStatus {HEAD}/>".replace('"2.0.0"', '"9"'), 400, "InvalidParameterValue"),
        (f"<wps:GetStatus {HEAD}/>".replace('"WPS"', '"WFS"'), 400, "InvalidParameterValue"),
        (f"<wps:GetStatus {HEAD}>", 400, "NoApplicableCode"),
        (f'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><wps:GetStatus {HEAD}>&e;</wps:GetStatus>', 400, ""),
        (f"<wps:GetStatus {HEAD}><wps:JobID>{'x' * 10**6}</wps:JobID></wps:GetStatus>", 413, "SizeExceeded"),
    ],
)
def test_documents_that_are_wrong(client: HttpClient, body: str, status: int, code: str) -> None:
    answer = client.post("/", data=body)
    assert b"/wps/2.0" in answer.data and b"root:" not in answer.data
    assert (answer.status_code, version_of(answer)) == (status, code or "NoApplicableCode")
