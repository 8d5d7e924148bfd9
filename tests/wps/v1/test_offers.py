"""GetCapabilities and DescribeProcess of WPS 1.0.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pygeoapi_oapip.model.identity import ANONYMOUS
from pygeoapi_oapip.operations import Deployment
from pygeoapi_oapip.wps.v1 import pywps_parts
from tests.wps.v1.conftest import BASE, HEAD, Door, make_door

TOOL = (
    "cwlVersion: v1.2\nclass: CommandLineTool\nid: {}\nbaseCommand: 'true'\ninputs: {{}}\noutputs: {{said: stdout}}\n"
)


def test_capabilities_name_every_process(door: Door) -> None:
    got = door.get(request="GetCapabilities")
    found = got.texts("//wps:ProcessOfferings/wps:Process/ows:Identifier")
    assert got.status == 200
    assert {"echo", "report"} <= set(found)
    assert len(got.texts("//wps:Process/ows:Abstract")) == len(found)
    assert all(got.texts("//wps:Process/ows:Abstract"))
    assert set(got.texts("//ows:Operation//@xlink:href")) == {f"{BASE}/wps"}


def test_post_asks_for_the_same(door: Door) -> None:
    body = HEAD.replace('version="1.0.0"', "")
    assert door.post(f"<wps:GetCapabilities {body}/>").text == door.get(request="GetCapabilities").text
    form = "service=WPS&request=GetCapabilities"
    posted = door.post(form, kind="application/x-www-form-urlencoded")
    assert posted.text == door.get(form).text


@pytest.mark.parametrize(
    ("accepted", "root"),
    [("1.0.0,2.0.0", "1.0.0"), ("2.0.0,1.0.0", "2.0.0"), ("9.0, 1.0.0", "1.0.0"), ("3.0.0,2.0.0", "2.0.0")],
)
def test_the_first_acceptable_version_wins(door: Door, accepted: str, root: str) -> None:
    got = door.get(f"service=WPS&request=GetCapabilities&AcceptVersions={accepted}")
    assert got.root.get("version") == root
    versions = "".join(f"<ows:Version>{word.strip()}</ows:Version>" for word in accepted.split(","))
    head = HEAD.replace('version="1.0.0"', "")
    body = f"<wps:GetCapabilities {head}><ows:AcceptVersions>{versions}</ows:AcceptVersions></wps:GetCapabilities>"
    assert door.post(body.replace("ows:AcceptVersions", "wps:AcceptVersions")).root.get("version") == root


def test_no_acceptable_version_is_told(door: Door) -> None:
    got = door.get("service=WPS&request=GetCapabilities&AcceptVersions=0.4.0")
    assert got.failure == (400, "VersionNegotiationFailed", "AcceptVersions")
    assert door.get("service=WPS&request=GetCapabilities&version=3.0.0").failure[1] == "VersionNegotiationFailed"


@pytest.mark.parametrize(
    "query",
    [
        "SERVICE=WPS&REQUEST=DescribeProcess&VERSION=1.0.0&IDENTIFIER=echo,report",
        "service=wps&request=describeprocess&version=1.0.0&Identifier=echo,report,echo",
        "sErViCe=WPS&Request=DESCRIBEPROCESS&identifier=%20echo,%20report",
    ],
)
def test_several_processes_whatever_the_case(door: Door, query: str) -> None:
    assert door.get(query).texts("//ProcessDescription/ows:Identifier") == ["echo", "report"]


def test_all_processes(door: Door) -> None:
    described = door.get(request="DescribeProcess", identifier="all").texts("//ProcessDescription/ows:Identifier")
    assert described == door.get(request="GetCapabilities").texts("//wps:Process/ows:Identifier")


def test_post_describes_one(door: Door) -> None:
    got = door.post(f"<wps:DescribeProcess {HEAD}><ows:Identifier>report</ows:Identifier></wps:DescribeProcess>")
    assert got.one("//ProcessDescription/@storeSupported") == "true"
    assert got.one("//ProcessDescription/@statusSupported") == "true"
    inputs = {item.findtext("{*}Identifier"): item for item in got.find("//DataInputs/Input")}
    assert inputs["many"].get("maxOccurs") == "2147483647"
    assert [value.text for value in inputs["unit"].iter("{*}Value")] == ["metre", "foot"]
    assert inputs["unit"].findtext(".//DefaultValue") == "metre"
    assert inputs["place"].findtext(".//MimeType") == "application/json"
    outputs = {item.findtext("{*}Identifier"): item for item in got.find("//ProcessOutputs/Output")}
    assert outputs["folder"].findtext(".//MimeType") == "application/zip"


def test_formats_have_their_own_encodings(door: Door) -> None:
    got = door.get(request="DescribeProcess", identifier="echo")
    (image,) = got.find("//Input[ows:Identifier='image']/ComplexData")
    formats = [(item.findtext("MimeType"), item.findtext("Encoding")) for item in image.iter("Format")]
    assert formats[0] == ("image/tiff", None)
    assert ("image/tiff", "base64") in formats
    assert ("image/tiff; subtype=geotiff", "base64") in formats


def test_bounds_that_are_not_there_are_not_written(door: Door) -> None:
    got = door.get(request="DescribeProcess", identifier="echo")
    assert got.texts("//Input[ows:Identifier='cloudCover']//ows:MaximumValue") == ["100"]
    assert all(got.texts("//ows:MinimumValue")) and all(got.texts("//ows:MaximumValue"))


def test_a_default_of_false_is_told_in_words(door: Door) -> None:
    got = door.get(request="DescribeProcess", identifier="echo")
    assert got.find("//Input[ows:Identifier='fail']//DefaultValue") == []
    assert got.one("//Input[ows:Identifier='fail']/ows:Abstract").endswith("(default: false)")


@pytest.mark.parametrize(
    ("query", "failure"),
    [
        ("service=WPS&version=1.0.0&request=DescribeProcess", (400, "MissingParameterValue", "Identifier")),
        ("service=WPS&request=DescribeProcess&identifier=", (400, "MissingParameterValue", "Identifier")),
        ("service=WPS&request=DescribeProcess&identifier=echo,nope", (400, "InvalidParameterValue", "Identifier")),
        ("service=WPS&version=1.0.0", (400, "MissingParameterValue", "request")),
        ("request=GetCapabilities", (400, "MissingParameterValue", "service")),
        ("service=WMS&request=GetCapabilities", (400, "InvalidParameterValue", "service")),
        ("service=WPS&request=GetMap", (501, "OperationNotSupported", "GetMap")),
        ("service=WPS&version=1.0.0&request=GetStatus&jobid=1", (501, "OperationNotSupported", "GetStatus")),
        ("service=WPS&version=7&request=DescribeProcess&identifier=echo", (400, "InvalidParameterValue", "version")),
        ("service=WPS&request=GetCapabilities&REQUEST=Execute", (400, "InvalidParameterValue", "REQUEST")),
        ("service=WPS&request=GetCapabilities&language=xx", (400, "InvalidParameterValue", "language")),
        ("service=WPS&request=GetCapabilities&x=%ff", (400, "InvalidParameterValue", "")),
        ("service=WPS&request=DescribeProcess&identifier=CWL", (400, "InvalidParameterValue", "Identifier")),
        (
            "service=WPS&request=DescribeProcess&identifier=" + ",".join(map(str, range(1001))),
            (400, "InvalidParameterValue", "identifier"),
        ),
        ("service=WPS&version=2.0.0&request=DescribeProcess&identifier=CWL", (404, "NoSuchProcess", "CWL")),
        ("service=WPS&request=Execute&identifier=CWL", (400, "InvalidParameterValue", "identifier")),
        ("&".join(f"a{n}=1" for n in range(2000)), (400, "InvalidParameterValue", "")),
        ("service=WPS&request=Execute&identifier=echo&datainputs=;=@@", (400, "InvalidParameterValue", "")),
        ("", (400, "MissingParameterValue", "service")),
    ],
)
def test_what_is_wrong_is_named(door: Door, query: str, failure: tuple[int, str, str]) -> None:
    assert door.send(query_string=query).failure == failure


def test_failures_are_of_the_version_asked_for(door: Door) -> None:
    assert (
        door.get("version=2.0.0&request=GetCapabilities").root.tag == "{http://www.opengis.net/ows/2.0}ExceptionReport"
    )
    assert (
        door.get("version=1.0.0&request=GetCapabilities").root.tag == "{http://www.opengis.net/ows/1.1}ExceptionReport"
    )
    assert door.get("service=WPS&request=GetStatus").root.tag == "{http://www.opengis.net/ows/2.0}ExceptionReport"


def test_a_language_may_leave_its_region_out(door: Door) -> None:
    assert door.get(request="GetCapabilities", language="en").status == 200
    assert door.get(request="GetCapabilities", language="EN-us").status == 200


def test_what_is_deployed_and_undeployed_is_seen_at_once(door: Door, configuration: dict[str, Any]) -> None:
    other = make_door(door.service, configuration)
    names = "//wps:Process/ows:Identifier"
    before = other.get(request="GetCapabilities").texts(names)
    door.service.deploy(ANONYMOUS, Deployment(TOOL.format("fresh").encode(), "application/cwl+yaml"))
    try:
        for each in (door, other):
            assert each.get(request="GetCapabilities").texts(names) == sorted([*before, "fresh"])
            assert each.get(request="DescribeProcess", identifier="fresh").status == 200
    finally:
        door.service.undeploy(ANONYMOUS, "fresh")
    for each in (door, other):
        assert each.get(request="GetCapabilities").texts(names) == before
        assert each.get(request="DescribeProcess", identifier="fresh").failure[1:] == (
            "InvalidParameterValue",
            "Identifier",
        )


def test_documents_are_made_once(door: Door, configuration: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def render(template: str, values: Mapping[str, Any]) -> bytes:
        made.append(template)
        return b"<made/>"

    monkeypatch.setattr(pywps_parts, "render", render)
    fresh = make_door(door.service, configuration)
    for _ in range(3):
        fresh.get(request="GetCapabilities")
        fresh.get(request="DescribeProcess", identifier="echo")
    assert made == ["capabilities/main.xml", "describe/main.xml"]
