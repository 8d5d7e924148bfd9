"""What is wrong is said by an exception report of OWS 2.0, with the right code, locator and HTTP status."""

from __future__ import annotations

import time

import pytest

from pygeoapi_oapip.errors import Internal, OapipError, StoreUnavailable
from pygeoapi_oapip.wps.dispatch import version_seen
from tests.wps.v2.conftest import ECHO, HEAD, Client, Got

LITERAL = '<wps:Input id="literalInput"><wps:Data>hello</wps:Data></wps:Input>'
OUTPUT = '<wps:Output id="literalOutput"/>'


def data(name: str, content: str, attributes: str = "") -> str:
    return f'<wps:Input id="{name}"><wps:Data {attributes}>{content}</wps:Data></wps:Input>'


def refused(got: Got) -> tuple[int, str, str]:
    """The failure, after a look whether it tells of this machine."""
    text = got.content.decode()
    assert "Traceback" not in text and "/tmp" not in text and "/work" not in text
    assert got.answer.media_type.startswith("text/xml")
    return got.failure


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("service=WPS&version=2.0.0&request=DescribeProcess", (400, "MissingParameterValue", "identifier")),
        ("service=WPS&version=2.0.0&request=DescribeProcess&identifier=", (400, "MissingParameterValue", "identifier")),
        ("service=WPS&version=2.0.0&request=DescribeProcess&identifier=x", (404, "NoSuchProcess", "x")),
        ("service=WPS&version=2.0.0&request=DescribeProcess&identifier=CWL", (404, "NoSuchProcess", "CWL")),
        ("service=WPS&version=2.0.0&request=GetStatus", (400, "MissingParameterValue", "jobID")),
        ("service=WPS&version=2.0.0&request=GetStatus&jobid=x", (404, "NoSuchJob", "jobID")),
        ("service=WPS&version=2.0.0&request=GetResult&jobid=../../x", (404, "NoSuchJob", "jobID")),
        ("service=WPS&version=2.0.0&request=Dismiss&jobid=%00", (404, "NoSuchJob", "jobID")),
        ("service=WPS&request=GetStatus&jobid=x", (400, "MissingParameterValue", "version")),
    ],
)
def test_parameters(wps: Client, query: str, wanted: tuple[int, str, str]) -> None:
    assert refused(wps.get(query)) == wanted


@pytest.mark.parametrize("case", [str.upper, str.lower, str.title])
def test_case_of_names_does_not_count(wps: Client, case: object) -> None:
    assert callable(case)
    names = {"service": "WPS", "version": "2.0.0", "request": "DescribeProcess", "identifier": ECHO}
    query = "&".join(f"{case(name)}={value}" for name, value in names.items())
    assert wps.get(query).name == "ProcessOfferings"


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ((' mode="sync"', ""), (400, "MissingParameterValue", "mode")),
        (('mode="sync"', 'mode="later"'), (400, "InvalidParameterValue", "mode")),
        (('mode="sync"', 'mode="SYNC"'), (400, "InvalidParameterValue", "mode")),
        ((' response="document"', ""), (400, "MissingParameterValue", "response")),
        (('response="document"', 'response="pdf"'), (400, "InvalidParameterValue", "response")),
        ((' service="WPS"', ""), (400, "MissingParameterValue", "service")),
        ((' version="2.0.0"', ""), (400, "MissingParameterValue", "version")),
        (('version="2.0.0"', 'version="1.0.0"'), (400, "InvalidParameterValue", "version")),
        ((f"<ows:Identifier>{ECHO}</ows:Identifier>", ""), (400, "MissingParameterValue", "identifier")),
        ((ECHO, " "), (400, "MissingParameterValue", "identifier")),
        ((ECHO, "org.example.None"), (404, "NoSuchProcess", "identifier")),
        ((ECHO, "CWL"), (404, "NoSuchProcess", "identifier")),
        ((ECHO, "../jobs"), (404, "NoSuchProcess", "identifier")),
        (
            ("http://www.opengis.net/ows/2.0", "http://www.opengis.net/ows/1.1"),
            (400, "MissingParameterValue", "identifier"),
        ),
        (('<wps:Input id="literalInput">', "<wps:Input>"), (400, "MissingParameterValue", "id")),
        (('id="literalInput"', 'id="other"'), (400, "NoSuchInput", "other")),
        (('id="literalOutput"', 'id="other"'), (400, "NoSuchOutput", "other")),
        ((' id="literalOutput"', ""), (400, "MissingParameterValue", "id")),
        (
            ('id="literalOutput"', 'id="literalOutput" transmission="mail"'),
            (400, "InvalidParameterValue", "transmission"),
        ),
        ((OUTPUT, OUTPUT * 2), (400, "InvalidParameterValue", "literalOutput")),
        (('response="document"><', 'response="raw"><'), (400, "InvalidParameterValue", "response")),
        ((LITERAL, ""), (400, "WrongInputData", "inputs")),
        ((LITERAL, LITERAL * 2), (400, "TooManyInputs", "literalInput")),
    ],
)
def test_execute(wps: Client, change: tuple[str, str], wanted: tuple[int, str, str]) -> None:
    attributes = f'{HEAD} mode="sync" response="document"'
    body = f"<wps:Execute {attributes}><ows:Identifier>{ECHO}</ows:Identifier>{LITERAL}{OUTPUT}"
    body += '<wps:Output id="complexOutput"/></wps:Execute>'
    assert wps.post(body).name == "Result", "without the change it is right"
    changed = body.replace(*change)
    assert changed != body
    assert refused(wps.post(changed)) == wanted


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ('<wps:Input id="literalInput"/>', (400, "WrongInputData", "literalInput")),
        (
            '<wps:Input id="literalInput"><wps:Data>a</wps:Data><wps:Data>b</wps:Data></wps:Input>',
            (400, "WrongInputData", "literalInput"),
        ),
        ('<wps:Input id="literalInput"><Data>a</Data></wps:Input>', (400, "WrongInputData", "literalInput")),
        ('<wps:Input id="literalInput"><wps:Reference/></wps:Input>', (400, "MissingParameterValue", "literalInput")),
        (
            '<wps:Input id="complexInput"><wps:Reference xlink:href="http://a.example/"><wps:BodyReference/>'
            "</wps:Reference></wps:Input>",
            (400, "MissingParameterValue", "complexInput"),
        ),
        (
            f'<wps:Input id="literalInput">{LITERAL}</wps:Input>',
            (400, "InvalidParameterValue", "literalInput"),
        ),
        (data("complexInput", "<a/><b/>"), (400, "WrongInputData", "complexInput")),
        (data("complexInput", "text <a/>"), (400, "WrongInputData", "complexInput")),
        (data("complexInput", "<a/>", 'mimeType="image/png"'), (400, "NoSuchFormat", "complexInput")),
        (data("complexInput", "<a/>", 'encoding="utf-99"'), (400, "WrongInputData", "complexInput")),
        (data("complexInput", "!!!", 'encoding="base64"'), (400, "WrongInputData", "complexInput")),
        (data("boundingboxInput", "<ows:BoundingBox/>"), (400, "WrongInputData", "boundingboxInput")),
        (data("boundingboxInput", "1,2,3"), (400, "WrongInputData", "boundingboxInput")),
        (
            data(
                "boundingboxInput",
                "<ows:BoundingBox><ows:LowerCorner>a b</ows:LowerCorner><ows:UpperCorner>1 2</ows:UpperCorner>"
                "</ows:BoundingBox>",
            ),
            (400, "WrongInputData", "boundingboxInput"),
        ),
        (
            data(
                "boundingboxInput",
                '<ows:BoundingBox dimensions="3"><ows:LowerCorner>1 2</ows:LowerCorner><ows:UpperCorner>3 4'
                "</ows:UpperCorner></ows:BoundingBox>",
            ),
            (400, "WrongInputData", "boundingboxInput"),
        ),
        (
            data(
                "boundingboxInput",
                "<ows:BoundingBox><ows:LowerCorner>nan inf</ows:LowerCorner><ows:UpperCorner>3 4</ows:UpperCorner>"
                "</ows:BoundingBox>",
            ),
            (400, "WrongInputData", "boundingboxInput"),
        ),
        (data("pause", "long"), (400, "WrongInputData", "pause")),
        (data("pause", "-1"), (400, "WrongInputData", "pause")),
        (data("pause", "1e999"), (400, "WrongInputData", "pause")),
        (data("fail", "maybe"), (400, "WrongInputData", "fail")),
    ],
)
def test_inputs(wps: Client, content: str, wanted: tuple[int, str, str]) -> None:
    assert refused(wps.execute(content)) == wanted


def test_reference_that_may_not_be_read(wps: Client) -> None:
    for href in ("file:///etc/passwd", "http://127.0.0.1:1/x", "http://[::1]/x", "gopher://a.example/"):
        for name in ("literalInput", "complexInput"):
            content = f'<wps:Input id="{name}"><wps:Reference xlink:href="{href}"/></wps:Input>'
            got = wps.execute(content)
            status, code, _ = refused(got)
            assert 400 <= status < 500 and code == "DataNotAccessible", got.content
            assert "root:" not in got.content.decode()


def test_format_of_an_output_that_there_is_not(wps: Client) -> None:
    complex_input = data("complexInput", "<a/>")
    got = wps.execute(f'{complex_input}<wps:Output id="complexOutput" mimeType="image/png"/>')
    assert refused(got) == (400, "NoSuchFormat", "complexOutput")


def test_very_many_of_anything_cost_little(wps: Client) -> None:
    start = time.monotonic()
    outputs = "".join(f'<wps:Output id="o{number}"/>' for number in range(20_000))
    assert refused(wps.execute(LITERAL + outputs))[1] == "NoSuchOutput"
    inputs = "".join(data(f"i{number}", "x") for number in range(9_000))
    assert refused(wps.execute(inputs))[1] == "NoSuchInput"
    assert refused(wps.execute(data("literalInput", "x") * 20_000))[1] == "TooManyInputs"
    assert refused(wps.execute(data("literalInput", "x") * 9_000))[1] == "TooManyInputs"
    names = ",".join(f"p{number}" for number in range(20_000))
    assert refused(wps.get(request="DescribeProcess", identifier=names)) == (400, "InvalidParameterValue", "identifier")
    assert time.monotonic() - start < 240


def test_nested_output_is_refused(wps: Client) -> None:
    got = wps.execute(f'{LITERAL}<wps:Output id="literalOutput"><wps:Output id="part"/></wps:Output>')
    assert refused(got) == (400, "InvalidParameterValue", "literalOutput")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (f"<wps:GetStatus {HEAD}/>", (400, "MissingParameterValue", "jobID")),
        (f"<wps:GetStatus {HEAD}><wps:JobID> </wps:JobID></wps:GetStatus>", (400, "MissingParameterValue", "jobID")),
        (f"<wps:GetResult {HEAD}><wps:JobID>x</wps:JobID></wps:GetResult>", (404, "NoSuchJob", "jobID")),
        (f"<wps:Dismiss {HEAD}><wps:JobID>x</wps:JobID></wps:Dismiss>", (404, "NoSuchJob", "jobID")),
        (f"<wps:Dismiss {HEAD}><ows:JobID>x</ows:JobID></wps:Dismiss>", (400, "MissingParameterValue", "jobID")),
        (f"<wps:DescribeProcess {HEAD}/>", (400, "MissingParameterValue", "identifier")),
        (
            f"<wps:DescribeProcess {HEAD}><ows:Identifier>x</ows:Identifier></wps:DescribeProcess>",
            (404, "NoSuchProcess", "x"),
        ),
    ],
)
def test_other_documents(wps: Client, body: str, wanted: tuple[int, str, str]) -> None:
    assert refused(wps.post(body)) == wanted


def test_reader_refuses_what_is_no_request(wps: Client) -> None:
    from lxml import etree

    from pygeoapi_oapip.wps.v2 import reader

    for text in ("<a/>", '<Execute xmlns="urn:x"/>', '<Capabilities xmlns="http://www.opengis.net/wps/2.0"/>'):
        with pytest.raises(OapipError) as caught:
            reader.read(etree.fromstring(text))
        report = Got(wps.binding.failure(caught.value), None)
        assert report.status == 501 and b'exceptionCode="OperationNotSupported"' in report.content


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(StoreUnavailable("locked"), 503, "ServerBusy"), (Internal("reference 17"), 500, "NoApplicableCode")],
)
def test_faults_of_the_server(wps: Client, error: OapipError, status: int, code: str) -> None:
    answer = wps.binding.failure(error)
    assert answer.status == status and f'exceptionCode="{code}"'.encode() in answer.content


def test_report_holds_whatever_the_message_says(wps: Client) -> None:
    from tests.wps.validation import validate

    answer = wps.binding.failure(OapipError("a \x00 <b> & \ud800 \uffff", location='x"<\x01'))
    root = validate("2.0.0", answer.content)
    assert root[0][0].text.startswith("a ? <b> & ?") and root.get("version") == "2.0.0"


@pytest.mark.parametrize(
    ("content", "version"),
    [
        (b'<wps:Execute xmlns:wps="http://www.opengis.net/wps/2.0"', "2.0.0"),
        ('<x a="http://www.opengis.net/wps/2.0">'.encode("utf-16"), "2.0.0"),
        (b'<Execute xmlns="http://www.opengis.net/wps/1.0.0"><a xmlns="http://www.opengis.net/wps/2.0"/>', "1.0.0"),
        (b'<Execute xmlns="http://www.opengis.net/wps/2.0"><a xmlns="http://www.opengis.net/wps/1.0.0"/>', "2.0.0"),
        (b"<!DOCTYPE x>", "neither"),
        (b"", "neither"),
    ],
)
def test_document_that_cannot_be_parsed_says_its_version_all_the_same(content: bytes, version: str) -> None:
    assert version_seen(content, "neither") == version
