"""GetCapabilities and DescribeProcess of 2.0.0, each answer validated against its schema."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pygeoapi_oapip.engines.builtin.wps_echo import DESCRIPTION
from pygeoapi_oapip.errors import UnresolvableReference
from pygeoapi_oapip.model.identity import ANONYMOUS
from pygeoapi_oapip.store.base import ProcessPage
from pygeoapi_oapip.wiring import Wired
from pygeoapi_oapip.wps.door import WpsOptions, WpsRequest
from pygeoapi_oapip.wps.terms import ReferenceGiven
from tests.wps.v2.conftest import ADDRESS, BASE, ECHO, HEAD, NAMES, Client

NO_VERSION = HEAD.replace('version="2.0.0"', "")
LATER = b"""
cwlVersion: v1.2
class: CommandLineTool
id: later
label: A & <B>
baseCommand: 'true'
inputs:
  n: int[]
outputs: {o: stdout}
"""
SUMMARIES = "wps:Contents/wps:ProcessSummary"
SECTIONS = ["ServiceIdentification", "ServiceProvider", "OperationsMetadata", "Languages", "Contents"]


def sections(root: Any) -> list[str]:
    return [item.tag.rpartition("}")[2] for item in root]


def test_capabilities_say_who_offers_what(wps: Client) -> None:
    got = wps.get(request="GetCapabilities")
    assert (got.status, got.name, sections(got.root)) == (200, "Capabilities", SECTIONS)
    assert got.texts("ows:ServiceIdentification/ows:ServiceTypeVersion") == ["2.0.0", "1.0.0"]
    assert got.text("ows:ServiceProvider/ows:ProviderName") == "Provider"
    operations = got.texts("ows:OperationsMetadata/ows:Operation/@name")
    assert operations == ["GetCapabilities", "DescribeProcess", "Execute", "GetStatus", "GetResult", "Dismiss"]
    assert got.texts("//ows:Operation[@name='Execute']//ows:Post/@xlink:href") == [ADDRESS]
    assert got.texts("//ows:Operation[@name='Execute']//ows:Get") == []
    assert set(got.texts(f"{SUMMARIES}/ows:Identifier")) == {"echo", ECHO}
    assert all(got.texts(f"{SUMMARIES}/ows:Abstract")), "QGIS wants an abstract"
    assert set(got.texts(f"{SUMMARIES}/@jobControlOptions")) == {"sync-execute async-execute dismiss"}
    assert set(got.texts(f"{SUMMARIES}/@outputTransmission")) == {"value reference"}


@pytest.mark.parametrize(
    "body",
    [
        f"<wps:GetCapabilities {NO_VERSION}/>",
        f"<wps:GetCapabilities {HEAD}/>",
        f"<wps:GetCapabilities {HEAD}><ows:AcceptVersions><ows:Version>2.0.0</ows:Version><ows:Version>1.0.0"
        "</ows:Version></ows:AcceptVersions></wps:GetCapabilities>",
        '<GetCapabilities service="WPS" xmlns="http://www.opengis.net/wps/1.0.0" '
        'xmlns:ows="http://www.opengis.net/ows/1.1"><ows:AcceptVersions><ows:Version>2.0.0</ows:Version>'
        "</ows:AcceptVersions></GetCapabilities>",
    ],
)
def test_capabilities_by_xml(wps: Client, body: str) -> None:
    assert sections(wps.post(body).root) == SECTIONS


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("All", SECTIONS),
        ("all,Contents", SECTIONS),
        ("Contents", ["Contents"]),
        ("contents,serviceidentification", ["ServiceIdentification", "Contents"]),
        ("OperationsMetadata,Languages", ["OperationsMetadata", "Languages"]),
    ],
)
def test_sections(wps: Client, wanted: str, there: list[str]) -> None:
    assert sections(wps.get(request="GetCapabilities", sections=wanted).root) == there
    names = "".join(f"<ows:Section>{name}</ows:Section>" for name in wanted.split(","))
    body = f"<wps:GetCapabilities {HEAD}><ows:Sections>{names}</ows:Sections></wps:GetCapabilities>"
    assert sections(wps.post(body).root) == there


def test_unknown_section_is_refused(wps: Client) -> None:
    assert wps.get(request="GetCapabilities", sections="Nonsense").failure == (400, "InvalidParameterValue", "Sections")


@pytest.mark.parametrize(
    ("formats", "wanted"),
    [
        ("", "text/xml"),
        ("text/html,application/xml,text/xml", "application/xml"),
        ("text/xml; charset=utf-8", "text/xml"),
        ("image/png", "text/xml"),
    ],
)
def test_first_of_the_formats_that_there_is(wps: Client, formats: str, wanted: str) -> None:
    answer = wps.get(request="GetCapabilities", acceptformats=formats).answer
    assert answer.media_type == f"{wanted}; charset=utf-8"


def test_update_sequence(wps: Client) -> None:
    now = wps.get(request="GetCapabilities").root.get("updateSequence")
    assert int(now) > 0
    assert sections(wps.get(request="GetCapabilities", updatesequence=now).root) == []
    assert sections(wps.get(request="GetCapabilities", updatesequence="0").root) == SECTIONS
    later = wps.get(request="GetCapabilities", updatesequence=str(int(now) + 1000))
    assert later.failure == (400, "InvalidUpdateSequence", "updateSequence")


def test_versions_that_are_not_offered(wps: Client) -> None:
    binding = wps.binding
    with pytest.raises(Exception, match=r"none of the versions 3\.0\.0"):
        wps.binding.answer(_versions("3.0.0"), wps.service, ANONYMOUS)
    assert binding.answer(_versions("3.0.0,2.0.0"), wps.service, ANONYMOUS).status == 200


def _versions(words: str) -> Any:
    given = {"service": "WPS", "request": "GetCapabilities", "acceptversions": words}
    return WpsRequest("GET", ADDRESS, BASE, parameters=given, version="2.0.0")


def test_description_of_the_suites_echo(wps: Client) -> None:
    got = wps.get(request="DescribeProcess", identifier=ECHO)
    assert (got.name, got.texts("wps:ProcessOffering/@processVersion")) == ("ProcessOfferings", ["1.0.0"])
    process = "wps:ProcessOffering/wps:Process"
    assert got.texts(f"{process}/wps:Input/ows:Identifier") == list(DESCRIPTION.inputs)
    literal = f"{process}/wps:Input[ows:Identifier='literalInput']/wps:LiteralData"
    assert got.text(f"{literal}/LiteralDataDomain[@default='true']/ows:DataType") == "string"
    assert got.texts(f"{literal}/wps:Format/@mimeType") == ["text/plain", "text/xml"]
    formats = f"{process}/wps:Input[ows:Identifier='complexInput']/wps:ComplexData/wps:Format"
    assert got.texts(f"{formats}[@default='true']/@mimeType") == ["application/xml"]
    assert got.texts(f"{formats}[@default='true']/@maximumMegabytes") == ["50"]
    assert {"text/xml", "text/plain"} <= set(got.texts(f"{formats}/@mimeType"))
    box = f"{process}/wps:Output[ows:Identifier='boundingboxOutput']/wps:BoundingBoxData/wps:SupportedCRS"
    assert got.texts(f"{box}[@default='true']") == ["urn:ogc:def:crs:OGC:1.3:CRS84"]
    pause = f"{process}/wps:Input[ows:Identifier='pause']"
    assert got.texts(f"{pause}/@minOccurs") == ["0"]
    assert got.texts(f"{pause}//ows:Range/ows:MaximumValue") == ["3600"]
    assert got.texts(f"{pause}//ows:DefaultValue") == ["0"]


def test_allowed_values_and_repeated_inputs(wps: Client) -> None:
    got = wps.get(request="DescribeProcess", identifier="echo")
    band = "//wps:Input[ows:Identifier='band']"
    assert got.texts(f"{band}//ows:AllowedValues/ows:Value") == ["red", "green", "blue", "nir"]
    assert got.texts("//wps:Input[ows:Identifier='names']/@maxOccurs") == ["10"]
    assert got.texts("//wps:Input[ows:Identifier='message']//ows:AnyValue") == ["None"]


@pytest.mark.parametrize("names", [["echo", ECHO], [ECHO, "echo", ECHO], ["ALL"], ["all"]])
def test_several_descriptions(wps: Client, names: list[str]) -> None:
    body = "".join(f"<ows:Identifier>{name}</ows:Identifier>" for name in names)
    for got in (
        wps.get(request="DescribeProcess", identifier=",".join(names)),
        wps.post(f"<wps:DescribeProcess {HEAD}>{body}</wps:DescribeProcess>"),
    ):
        found = got.texts("wps:ProcessOffering/wps:Process/ows:Identifier")
        wanted = list(dict.fromkeys(names)) if names[0].lower() != "all" else ["echo", ECHO]
        assert found == wanted


def test_all_unknown_processes_are_named(wps: Client) -> None:
    got = wps.get(request="DescribeProcess", identifier="no,echo,never")
    assert got.failure == (404, "NoSuchProcess", "no, never")


def test_descriptions_follow_the_processes(wps: Client, wired: Wired) -> None:
    from pygeoapi_oapip.operations import Deployment

    before = len(wps.get(request="GetCapabilities").texts(SUMMARIES))
    wired.service.deploy(ANONYMOUS, Deployment(LATER, "application/cwl+yaml"))
    try:
        assert len(wps.get(request="GetCapabilities").texts(SUMMARIES)) == before + 1
        root = wps.binding.answer(_describe("later"), wps.service, ANONYMOUS).content
        assert b"A &amp; &lt;B&gt;" in root and b'maxOccurs="unbounded"' in root
    finally:
        wired.service.undeploy(ANONYMOUS, "later")
    assert len(wps.get(request="GetCapabilities").texts(SUMMARIES)) == before
    assert wps.get(request="DescribeProcess", identifier="later").failure[1] == "NoSuchProcess"


def _describe(name: str) -> Any:
    given = {"service": "WPS", "version": "2.0.0", "request": "DescribeProcess", "identifier": name}
    return WpsRequest("GET", ADDRESS, BASE, parameters=given, version="2.0.0")


class ManyProcesses:
    """Operations with a thousand processes."""

    def __init__(self) -> None:
        self.lists = 0
        self.rows = [replace(DESCRIPTION, id=f"p{number:04}") for number in range(1000)]

    def revision(self) -> str:
        return "7"

    def processes(self, principal: object, limit: int, offset: int) -> ProcessPage:
        self.lists += 1
        page = tuple(self.rows[offset : offset + min(limit, 300)])
        return ProcessPage(page, offset + len(page) < len(self.rows), len(self.rows))


def test_a_thousand_processes_cost_nothing_the_second_time() -> None:
    def read(reference: ReferenceGiven) -> bytes:
        raise UnresolvableReference(reference.href)

    service: Any = ManyProcesses()
    client = Client(service, WpsOptions(read))
    assert len(client.get(request="GetCapabilities").texts(f"{SUMMARIES}/ows:Identifier")) == 1000
    pages = service.lists
    request = _versions("2.0.0")
    for _ in range(5):
        client.binding.answer(request, service, ANONYMOUS)
    assert service.lists == pages, "they were read again"


def test_addresses_keep_the_prefix(wps: Client) -> None:
    answer = wps.binding.answer(
        replace(_versions("2.0.0"), address="http://localhost:5000/alice/wps"), wps.service, ANONYMOUS
    )
    assert b'href="http://localhost:5000/alice/wps"' in answer.content
    assert NAMES["wps"].encode() in answer.content
