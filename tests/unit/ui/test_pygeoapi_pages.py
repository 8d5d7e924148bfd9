"""pygeoapi's own pages within our frame, rendered by pygeoapi."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygeoapi
import pytest
from babel import Locale
from pygeoapi.util import render_j2_template

from pygeoapi_oapip.ui.pages import static_path, templates_path

HOME = "https://example.org/api"
EVIL = "<script>alert(1)</script>"
STOCK = Path(pygeoapi.__file__).parent / "templates"


def _config() -> dict[str, Any]:
    return {
        "server": {
            "url": HOME,
            "language": "en-US",
            "limits": {"default_items": 10},
            "map": {"url": "https://tiles.example/{z}/{x}/{y}.png", "attribution": "x"},
            "templates": {"path": str(templates_path()), "static": str(static_path())},
        },
        "metadata": {
            "identification": {"title": "Service", "description": "d", "keywords": ["k"], "url": "https://i.example"},
            "license": {"url": "https://l.example", "name": "L"},
            "provider": {"name": "P", "url": "https://p.example"},
            "contact": {"name": "C", "email": "c@c.example"},
        },
    }


def _render(template: str, data: dict[str, Any]) -> str:
    config = _config()
    return str(render_j2_template(config, config["server"]["templates"], template, data, Locale.parse("en_US")))


def _loaded(html: str) -> Iterator[str]:
    """Addresses that a browser loads by itself."""
    yield from re.findall(r"<(?:script|img|iframe)\b[^>]*\bsrc=[\"']?([^\"' >]+)", html)
    yield from re.findall(r"<link\b[^>]*\bhref=[\"']?([^\"' >]+)", html)


JOB = {"jobID": "j1", "processID": "p", "status": "successful", "message": EVIL, "progress": 100, "links": []}
PAGES: dict[str, dict[str, Any]] = {
    "landing_page.html": {"process": True, "links": []},
    "conformance.html": {"conformsTo": ["http://www.opengis.net/spec/x"]},
    "exception.html": {"description": "went wrong"},
    "openapi/swagger.html": {"openapi-document-path": f"{HOME}/openapi"},
    "openapi/redoc.html": {"openapi-document-path": f"{HOME}/openapi"},
    "asyncapi.html": {"asyncapi-document-path": f"{HOME}/asyncapi"},
    "collections/index.html": {
        "collections": [{"id": "c", "title": "C", "description": "d"}],
        "collections_path": f"{HOME}/collections",
        "links": [],
    },
    "processes/index.html": {"processes": [{"id": "p", "title": "P", "description": "d"}], "links": []},
    "processes/process.html": {
        "id": "p",
        "title": "P",
        "inputs": {"i": {"title": "I", "schema": {"type": "string"}}},
        "outputs": {"o": {"title": "O", "description": "d", "schema": {"type": "string"}}},
        "links": [],
    },
    "jobs/index.html": {"jobs": {"jobs": [JOB], "links": []}, "offset": 0},
    "jobs/job.html": {"jobs": {**JOB, "parameters": f'{{"a": "{EVIL}"}}'}},
    "jobs/results/index.html": {"job": {"id": "j1"}, "result": {"a": EVIL}},
    "tilematrixsets/index.html": {
        "tileMatrixSets": [{"id": "t", "title": "T", "uri": "u", "links": [{"href": f"{HOME}/t"}]}]
    },
}


@pytest.mark.parametrize("template", sorted(PAGES))
def test_a_page_renders_and_loads_nothing_from_another_host(template: str) -> None:
    html = _render(template, PAGES[template])
    assert "<main" in html and "</html>" in html
    addresses = list(_loaded(html))
    assert f"{HOME}/static/oapip.css" in addresses
    for address in addresses:
        assert address.startswith(f"{HOME}/static/"), address
        assert (static_path() / address.rpartition("/static/")[2]).is_file()


def test_pages_with_maps_leave_the_scripts_of_other_hosts_out() -> None:
    for file in STOCK.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        if "_base.html" in text and file.name != "_base.html":
            outside = re.sub(r"{% block (extrahead|extrafoot) %}.*?{% endblock %}", "", text, flags=re.DOTALL)
            assert not [address for address in _loaded(outside) if "://" in address], file.name


def test_the_results_page_shows_values_as_text() -> None:
    html = _render("jobs/results/index.html", PAGES["jobs/results/index.html"])
    assert EVIL not in html and "\\u003cscript\\u003ealert(1)" in html


def test_the_job_page_shows_message_and_parameters_as_text() -> None:
    html = _render("jobs/job.html", PAGES["jobs/job.html"])
    assert EVIL not in html and html.count("&lt;script&gt;") == 2


def test_the_api_page_names_the_document_that_its_script_reads() -> None:
    html = _render("openapi/swagger.html", PAGES["openapi/swagger.html"])
    assert f'data-document="{HOME}/openapi?f=json"' in html
