"""Links in headers and numbers of lists, as clients of other servers read them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from pygeoapi_oapip.ogcapi.links import header


def linked(client: FlaskClient, path: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The document, and addresses by relation of its Link headers."""
    answer = client.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    found = re.findall(r'<([^>]*)>; rel="([^"]*)"', ", ".join(answer.headers.getlist("Link")))
    return dict(answer.json or {}), {rel: href for href, rel in found}


@pytest.mark.parametrize("path", ["/processes", "/processes?limit=1", "/processes/echo", "/jobs"])
def test_links_of_documents_are_in_the_headers_too(client: FlaskClient, path: str) -> None:
    for _ in range(2):  # the second one is kept
        document, headers = linked(client, path)
        rows: list[dict[str, str]] = document["links"]
        assert rows and {row["rel"]: row["href"] for row in rows if row["rel"] != "profile"} == {
            rel: href for rel, href in headers.items() if rel != "profile"
        }


def test_lists_tell_how_many_there_are(client: FlaskClient) -> None:
    document, _ = linked(client, "/processes?limit=1")
    assert document["numberTotal"] == document["numberMatched"] >= 1 and len(document["processes"]) == 1
    document, _ = linked(client, "/jobs")
    assert document["numberTotal"] == len(document["jobs"])


@pytest.mark.parametrize("bad", ["https://x/\r\nSet-Cookie: a=b", 'https://x/">', "https://x/<y>", "https://x/é", ""])
def test_what_a_header_cannot_hold_is_left_out(bad: str) -> None:
    good = {"href": "https://x/a", "rel": "self", "type": "text/html", "title": "é\n"}
    assert header([{"href": bad, "rel": "about"}, good, {**good, "rel": bad or '"'}]) == (
        '<https://x/a>; rel="self"; type="text/html"'
    )
