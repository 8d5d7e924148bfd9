"""Every resource that people may look at has a page, and the page holds what the JSON document holds."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient

from pygeoapi_oapip.model.run import LogLine
from pygeoapi_oapip.testing.operations import FakeOperations
from pygeoapi_oapip.ui.present import moment

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
JSON_ONLY = {"self", "alternate"}
"""Relations whose links differ between the representations."""


class Page(HTMLParser):
    """The text of a page, and the addresses of its `<a>` elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.addresses: set[str] = set()
        self.doctype = ""
        self.feed(html)

    def handle_decl(self, decl: str) -> None:
        self.doctype = decl

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.addresses.add(str(dict(attrs).get("href")))


@pytest.fixture
def job(client: FlaskClient) -> str:
    body = {"inputs": {"message": "hello & <b>"}}
    response = client.post("/processes/echo/execution", json=body, headers={"Prefer": "wait=5"})
    return str(response.headers.get("Location") or response.headers["Link"].split(">")[0]).rpartition("/")[2]


def leaves(document: Any) -> Iterator[object]:
    """Each text and number of a document, the links left out."""
    if isinstance(document, dict):
        for key, part in document.items():
            if key != "links":
                yield from leaves(part)
    elif isinstance(document, list):
        for part in document:
            yield from leaves(part)
    elif document is not None and not isinstance(document, bool):
        yield document


def links(document: Any) -> Iterator[dict[str, str]]:
    """Each link of a document."""
    if isinstance(document, dict):
        yield from document.get("links", ())
        for part in document.values():
            yield from links(part)
    elif isinstance(document, list):
        for part in document:
            yield from links(part)


def shown(leaf: object, page: Page) -> bool:
    text = str(leaf)
    return text in page.text or text in page.addresses or moment(text) in page.text


CORE = ("/", "/conformance", "/processes", "/processes/echo", "/jobs/{job}")


@pytest.mark.requirement("part1/html/definition", "part1/html/content")
@pytest.mark.parametrize("path", [*CORE, "/jobs", "/jobs/{job}/results", "/jobs/{job}/inputs"])
def test_a_page_holds_all_that_its_document_holds(client: FlaskClient, job: str, path: str) -> None:
    path = path.format(job=job)
    document = client.get(path, headers={"Accept": "application/json"}).json
    response = client.get(path, headers={"Accept": "text/html"})
    assert (response.status_code, response.mimetype) == (200, "text/html")
    page = Page(response.text)
    assert page.doctype == "doctype html"
    # the list says the kind of all jobs in its heading; "unbounded" is told as "0 or more"
    fixed = {"process", "ogc-api-processes"} if path == "/jobs" else {"unbounded"}
    hidden = [leaf for leaf in leaves(document) if not shown(leaf, page) and leaf not in fixed]
    assert not hidden
    for link in links(document):
        href = link["href"]
        if link["rel"] in JSON_ONLY or (path == "/jobs" and "/jobs/" in href):
            continue
        if link["rel"].endswith("/execute"):
            assert f"POST {href}" in page.text or path == "/processes"
        else:
            assert href in page.addresses or path == "/processes", link


PAGES = (
    *CORE,
    "/health",
    "/jobs",
    "/processes/echo/package",
    "/processes/echo/history",
    "/jobs/{job}/results",
    "/jobs/{job}/inputs",
    "/jobs/{job}/exceptions",
    "/jobs/{job}/logs",
    "/jobs/{job}/definition",
    "/jobs/{job}/prov",
    "/openapi",
)


@pytest.mark.requirement("part1/html/definition")
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("asked", ["f", "Accept"])
def test_every_resource_has_a_page_for_browsers(client: FlaskClient, job: str, path: str, asked: str) -> None:
    path = path.format(job=job)
    response = client.get(f"{path}?f=html") if asked == "f" else client.get(path, headers={"Accept": BROWSER})
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Accept" in response.headers["Vary"]


@pytest.mark.requirement("part1/json/definition")
@pytest.mark.parametrize("path", PAGES)
def test_programs_never_get_a_page(client: FlaskClient, job: str, path: str) -> None:
    for accept in ("application/json", "*/*", "application/json, text/html;q=0.5"):
        response = client.get(path.format(job=job), headers={"Accept": accept})
        assert response.mimetype != "text/html"


def test_a_page_of_a_sick_server_says_so(client: FlaskClient, operations: FakeOperations) -> None:
    operations.healthy = False
    response = client.get("/health", headers={"Accept": BROWSER})
    assert (response.status_code, response.mimetype) == (503, "text/html")
    assert "degraded" in response.text


@pytest.mark.parametrize("f", ["xml", "HTML", "json html"])
def test_a_representation_that_is_none_is_refused_in_the_form_that_is_wanted(client: FlaskClient, f: str) -> None:
    response = client.get("/jobs", query_string={"f": f}, headers={"Accept": BROWSER})
    assert response.status_code == 400


class TestResults:
    """Outputs of every kind."""

    @pytest.fixture(autouse=True)
    def files(self, results: bytes) -> None:
        assert results

    @pytest.mark.parametrize("path", ["score", "map", "texts", "texts/0/ä b.txt", "page", "record", "tiles"])
    def test_an_output_has_a_page(self, client: FlaskClient, job: str, path: str) -> None:
        response = client.get(f"/jobs/{job}/results/{path}?f=html")
        assert (response.status_code, response.mimetype) == (200, "text/html")
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]

    @pytest.mark.parametrize(("path", "kind"), [("map", "image/tiff"), ("page", "text/html")])
    def test_a_browser_gets_a_file_itself(self, client: FlaskClient, job: str, path: str, kind: str) -> None:
        response = client.get(f"/jobs/{job}/results/{path}", headers={"Accept": BROWSER})
        assert response.mimetype == kind
        if kind == "text/html":
            assert response.headers["Content-Security-Policy"].startswith("sandbox")

    @pytest.mark.parametrize("path", ["score", "texts", "record", "tiles"])
    def test_a_browser_gets_the_page_of_what_is_no_file(self, client: FlaskClient, job: str, path: str) -> None:
        response = client.get(f"/jobs/{job}/results/{path}", headers={"Accept": BROWSER})
        assert response.mimetype == "text/html"
        assert client.get(f"/jobs/{job}/results/{path}").mimetype == "application/json"

    def test_what_is_not_there_has_no_page(self, client: FlaskClient, job: str) -> None:
        for path in ("gone/x", "absent", "texts/9/text.txt"):
            assert client.get(f"/jobs/{job}/results/{path}?f=html").status_code in (400, 404)


@pytest.mark.parametrize(("tail", "status"), [("1", 200), ("0", 400), ("x", 400), ("-1", 400), ("99999999", 200)])
def test_the_last_lines_of_a_log(
    client: FlaskClient, operations: FakeOperations, job: str, tail: str, status: int
) -> None:
    operations.log = [LogLine(None, "INFO", "", f"line {number}") for number in range(5)]
    whole = client.get(f"/jobs/{job}/logs").json
    assert whole is not None and whole["lines"]
    response = client.get(f"/jobs/{job}/logs?tail={tail}")
    assert response.status_code == status
    if tail == "1":
        assert response.json is not None
        assert response.json["lines"] == whole["lines"][-1:]
        assert response.json["nextOffset"] == whole["nextOffset"]
        assert response.json["offset"] == whole["nextOffset"] - 1
