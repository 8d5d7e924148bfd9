from __future__ import annotations

import gzip
import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from pygeoapi_oapip.ui.pages import PAGES, render, static_path


def _documents() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ui_documents", Path(__file__).with_name("documents.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SAMPLES = _documents()
BASE: str = SAMPLES.BASE


class Page(HTMLParser):
    """Collects what the tests ask about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline_script = False
        self.text = ""
        self._script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        self.inline_script |= self._script and bool(data.strip())
        self.text += data

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]

    def addresses(self) -> list[str]:
        return [str(attrs[key]) for _, attrs in self.tags for key in ("href", "src", "action") if key in attrs]


def page(name: str, **context: Any) -> Page:
    values = {"doc": SAMPLES.DOCUMENTS[name], "job_id": SAMPLES.JOB_ID, "process_id": "a b/c", **context}
    return Page(render(name, values, BASE))


def test_there_is_a_document_for_each_page() -> None:
    assert set(SAMPLES.DOCUMENTS) == PAGES


@pytest.mark.parametrize("name", sorted(PAGES))
def test_values_are_shown_as_text_and_never_become_markup(name: str) -> None:
    found = page(name, service_title=SAMPLES.EVIL, notice=SAMPLES.EVIL, user=SAMPLES.EVIL)
    assert not found.inline_script
    assert SAMPLES.EVIL in found.text
    assert all(attrs.get("src", "").startswith(f"{BASE}/oapip-static/") for attrs in found.all("script"))  # type: ignore[union-attr]
    assert not [key for _, attrs in found.tags for key in attrs if key.startswith("on") or key == "style"]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_assets_come_from_this_service_and_exist(name: str) -> None:
    found = page(name)
    assets = [attrs.get("src") or attrs.get("href") for attrs in found.all("script", "link", "img")]
    static = [str(asset) for asset in assets if "/oapip-static/" in str(asset)]
    assert static
    for asset in assets:
        assert urlsplit(str(asset)).netloc == urlsplit(BASE).netloc
    for asset in static:
        assert (static_path() / asset.rpartition("/oapip-static/")[2]).is_file()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_link_is_absolute_and_harmless(name: str) -> None:
    for address in page(name).addresses():
        assert re.match(r"https?://|#|\?f=json$", address), address
        assert "javascript" not in address


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_has_one_heading_landmarks_a_language_and_unique_ids(name: str) -> None:
    found = page(name)
    assert len(found.all("h1")) == 1
    assert len(found.all("main")) == len(found.all("header")) == 1
    assert found.all("html")[0]["lang"] == "en"
    ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_every_control_has_a_label() -> None:
    found = page("jobs")
    labelled = {attrs["for"] for attrs in found.all("label") if "for" in attrs}
    controls = [attrs for attrs in found.all("input", "select", "textarea") if attrs.get("type") != "hidden"]
    assert {attrs["id"] for attrs in controls} - {"auto"} == labelled


def test_the_form_posts_to_the_execution_of_the_process() -> None:
    (form,) = [attrs for attrs in page("process", limit=1000).all("form") if attrs.get("id") == "execute"]
    assert form["action"] == f"{BASE}/processes/a%20b%2Fc/execution"
    assert form["data-process"] == f"{BASE}/processes/a%20b%2Fc"
    assert form["data-limit"] == "1000"
    assert "hidden" in form, "its script shows it"


def test_the_process_page_tells_types_rules_and_a_command() -> None:
    found = page("process").text
    assert "file (image/tiff)" in found and "0 to 3" not in found and "1 or more" in found
    assert f"curl -X POST '{BASE}/processes/a%20b%2Fc/execution'" in found
    assert "default " in found


@pytest.mark.parametrize(("status", "hidden"), [("successful", False), ("running", True), ("failed", True)])
def test_results_are_offered_only_when_they_are_there(status: str, hidden: bool) -> None:
    results = [{"rel": "http://www.opengis.net/def/rel/ogc/1.0/results", "href": f"{BASE}/jobs/1/results"}]
    found = page("job", doc={**SAMPLES.JOB, "status": status, "links": results if status == "successful" else []})
    (link,) = [attrs for attrs in found.all("a") if "results" in str(attrs.get("class"))]
    assert ("hidden" in link) is hidden


def test_the_progress_of_an_ended_job_is_not_shown() -> None:
    assert "hidden" in page("job").all("progress")[0]
    assert "hidden" not in page("job", doc={**SAMPLES.JOB, "status": "running"}).all("progress")[0]


def test_the_log_and_dismissal_keep_the_prefix_that_the_page_came_by() -> None:
    html = render("job", {"doc": SAMPLES.JOB}, "https://example.org/alice/ogc-api/")
    job = f"https://example.org/alice/ogc-api/jobs/{SAMPLES.JOB_ID}"
    assert f'data-job="{job}"' in html and f'href="{job}/logs?f=html"' in html


def test_pages_are_linked_both_ways() -> None:
    assert [attrs["rel"] for attrs in page("processes").all("a") if "rel" in attrs][:1] == ["next"]
    assert "prev" in [attrs.get("rel") for attrs in page("jobs").all("a")]


def test_an_image_is_shown_and_other_files_are_links() -> None:
    found = page("results")
    assert f"{BASE}/jobs/1/results/image" in [attrs["src"] for attrs in found.all("img")]
    assert f"{BASE}/g" in found.addresses()


@pytest.mark.parametrize(("name", "doc"), [("processes", {}), ("jobs", {"jobs": []}), ("results", {}), ("logs", {})])
def test_an_empty_document_makes_a_page_that_says_so(name: str, doc: dict[str, Any]) -> None:
    assert any("empty" in str(attrs.get("class")) for attrs in page(name, doc=doc).all("p"))


def test_a_process_without_inputs_can_be_run() -> None:
    found = page("process", doc={"id": "x", "inputs": {}, "outputs": {}})
    assert "None." in found.text
    assert [attrs for attrs in found.all("button") if attrs.get("type") == "submit"]


def test_an_unknown_page_is_refused() -> None:
    with pytest.raises(KeyError):
        render("../settings", {"doc": {}}, BASE)


def test_a_context_without_document_is_refused() -> None:
    with pytest.raises(KeyError):
        render("job", {}, BASE)


def test_scripts_and_styles_name_no_other_host() -> None:
    own = [file for file in static_path().iterdir() if file.is_file() and file.suffix in (".js", ".css", ".svg")]
    assert len(own) > 10
    for file in own:
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        text = text.replace("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "").replace("https://example.org/", "")
        assert not re.search(r"https?://[a-z]|@import|innerHTML|eval\(", text), file.name


def test_scripts_stay_small() -> None:
    own = [file for file in static_path().glob("*.js")]
    assert sum(len(gzip.compress(file.read_bytes())) for file in own) < 40_000
    assert max(file.stat().st_size for file in own) < 16_000


def test_a_directory_leads_to_its_page_and_its_archive() -> None:
    addresses = page("results").addresses()
    assert f"{BASE}/jobs/1/results/folder?f=html" in addresses
    assert f"{BASE}/jobs/1/results/folder?f=zip" in addresses


@pytest.mark.parametrize("name", ["results", "inputs", "output"])
def test_an_address_that_a_tool_wrote_is_not_loaded(name: str) -> None:
    link = {"href": f"{BASE}/processes/x/execution", "type": "image/png", "title": "x"}
    docs = {"results": {"a": link}, "inputs": {"inputs": {"a": link}}, "output": {"value": link}}
    found = page(name, doc=docs[name])
    assert link["href"] in found.addresses(), "it is a link"
    assert link["href"] not in [attrs.get("src") for attrs in found.all("img")]
    assert not [attrs for attrs in found.all("div") if "data-file" in attrs]


def test_an_upload_is_told_and_not_repeated() -> None:
    found = page("inputs").text
    assert "sent with the request" in found and "eA==" not in found


def test_the_link_to_the_execution_leads_to_the_form() -> None:
    rel = "http://www.opengis.net/def/rel/ogc/1.0/execute"
    link = {"rel": rel, "href": f"{BASE}/processes/x/execution", "title": "Execute"}
    found = page("process", doc={"id": "x", "links": [link]})
    assert f"{BASE}/processes/x#run" in found.addresses()
    assert f"POST {BASE}/processes/x/execution" in found.text


def test_all_links_of_a_document_are_links_of_the_page() -> None:
    for name in ("landing", "processes", "jobs", "directory", "document"):
        found = page(name)
        for link in SAMPLES.DOCUMENTS[name]["links"]:
            assert link["href"] in found.addresses(), (name, link)
