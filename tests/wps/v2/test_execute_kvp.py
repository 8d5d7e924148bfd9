"""Execute by parameters: those of 1.0.0 with `mode` and `response`, answered in 2.0.0."""

from __future__ import annotations

import pytest

from tests.wps.v2.conftest import ECHO, NAMES, Client

LITERAL = "wps:Output[@id='literalOutput']/wps:Data/wps:LiteralValue"


def test_document(wps: Client) -> None:
    inputs = "literalInput=a%3Bb;boundingboxInput=11,46.2,11.6,46.6"
    got = wps.get(f"service=WPS&version=2.0.0&request=Execute&identifier={ECHO}&datainputs={inputs}")
    assert (got.name, got.text(LITERAL)) == ("Result", "a;b")
    assert got.text(".//ows:LowerCorner") == "11.0 46.2"
    both = wps.get(request="Execute", identifier=ECHO, datainputs="literalInput=x", responsedocument="literalOutput")
    assert both.texts("wps:Output/@id") == ["literalOutput"]


@pytest.mark.parametrize(
    "words", [{"rawdataoutput": "literalOutput"}, {"responsedocument": "literalOutput", "response": "raw"}]
)
def test_raw(wps: Client, words: dict[str, str]) -> None:
    got = wps.get(request="Execute", identifier=ECHO, datainputs="literalInput=x", **words)
    assert (got.name, got.root.text) == ("LiteralValue", "x")


@pytest.mark.parametrize("words", [{"mode": "async"}, {"storeexecuteresponse": "true", "status": "true"}])
def test_asynchronous(wps: Client, words: dict[str, str]) -> None:
    started = wps.get(request="Execute", identifier=ECHO, datainputs="literalInput=x", **words)
    assert started.name == "StatusInfo"
    job_id = started.text("wps:JobID")
    wps.wait(job_id)
    assert wps.get(request="GetResult", jobid=job_id).root.findtext(LITERAL, namespaces=NAMES) == "x"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ({"mode": "later"}, (400, "InvalidParameterValue", "mode")),
        ({"response": "pdf"}, (400, "InvalidParameterValue", "response")),
        ({"response": "raw"}, (400, "InvalidParameterValue", "response")),
        ({"identifier": ""}, (400, "MissingParameterValue", "identifier")),
        ({"identifier": "none"}, (404, "NoSuchProcess", "identifier")),
        ({"datainputs": "other=1"}, (400, "NoSuchInput", "other")),
        ({"responsedocument": "other"}, (400, "NoSuchOutput", "other")),
    ],
)
def test_what_is_wrong(wps: Client, words: dict[str, str], wanted: tuple[int, str, str]) -> None:
    given = {"identifier": ECHO, "datainputs": "literalInput=x", **words}
    assert wps.get(request="Execute", **given).failure == wanted
