from __future__ import annotations

import pytest

from pygeoapi_oapip.nested.addresses import LONGEST, OwnAddresses, resolve

OWN = OwnAddresses("http://example.org/oapi")
PARENT = OWN.description("parent")


@pytest.mark.parametrize(
    "reference",
    [
        "child",
        "./child",
        "../processes/child",
        "/oapi/processes/child",
        "//example.org/oapi/processes/child",
        "http://example.org/oapi/processes/child",
        "HTTP://Example.ORG:80/oapi/processes/child",
        "http://example.org/oapi/processes/child/",
        "http://example.org/oapi/processes/child/execution",
        "http://example.org/oapi/processes/child?f=json",
        "http://example.org/oapi/processes/child#top",
        "http://example.org/oapi/ogc-api/processes/child",
        "http://example.org/oapi/eve/ogc-api/processes/child",
        "http://example.org/oapi/processes/%63hild",
    ],
)
@pytest.mark.requirement("part3/nested-processes/referenced-process")
def test_references_to_a_process_of_this_server(reference: str) -> None:
    assert OWN.process_id(resolve(reference, PARENT)) == "child"


@pytest.mark.parametrize(
    "reference",
    [
        "/processes/child",
        "https://example.org/oapi/processes/child",
        "http://example.org:8080/oapi/processes/child",
        "http://example.com/oapi/processes/child",
        "http://example.org/oapi-2/processes/child",
        "http://example.org/oapi/x/processes/child",
        "http://example.org/oapi/collections/child",
        "http://example.org/oapi/processes/a/b",
        "http://example.org/oapi/processes/",
        "http://evil.example/?http://example.org/oapi/processes/child",
    ],
)
@pytest.mark.requirement("part3/remote-core-processes/referenced-process")
def test_references_that_lead_elsewhere(reference: str) -> None:
    assert OWN.process_id(resolve(reference, PARENT)) is None


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "a" * (LONGEST + 1),
        "file:///etc/passwd",
        "ftp://example.org/processes/a",
        "javascript:alert(1)",
        "https://",
        "http://[::1",
        "http://example.org:99999/processes/a",
        "http://example.org:0/processes/a",
        "http://user:secret@example.org/processes/a",
        "a b",
        "a\nb",
        "\x7f",
    ],
)
def test_references_that_are_none(reference: str) -> None:
    with pytest.raises(ValueError, match="must"):
        resolve(reference, PARENT)


def test_an_id_with_a_slash_is_one_segment() -> None:
    assert OWN.process_id(OWN.description("a/b c")) == "a/b c"
