"""A hostile user against the browser of those who look after the server: nothing that he writes is run, nor taken for
HTML, on any page, nor when a result is opened by itself."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Dialog, Error, Page, Response

from pygeoapi_oapip.auth.passwords import Account, hash_password, write_account
from pygeoapi_oapip.testing.live_server import LiveServer

from .packages import BEACON, USER, evil, failing, files, package

WAIT = 60_000
"""Milliseconds that a page may take for anything."""
SECRET = "a long password"


@dataclass
class Scene:
    """The server, and what the hostile user has put there."""

    server: LiveServer
    job: str
    failed: str


def ask(server: LiveServer, method: str, path: str, **options: Any) -> requests.Response:
    named = base64.b64encode(f"{USER}:{SECRET}".encode()).decode("ascii")
    headers = {**options.pop("headers", {}), "Authorization": f"Basic {named}"}
    return requests.request(method, server.url + path, headers=headers, timeout=240, **options)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    passwords = tmp_path_factory.mktemp("passwords") / "passwords"
    for name, roles in ((USER, ()), ("olga", ("operator",)), ("root", ("admin",))):
        write_account(passwords, Account(name, hash_password(SECRET), frozenset(roles), frozenset({"<b>group</b>"})))
    with LiveServer(tmp_path_factory.mktemp("server"), {"auth": {"type": "basic", "file": str(passwords)}}) as server:
        kind = {"Content-Type": "application/cwl+json"}
        for text in (package(), failing()):
            made = ask(server, "POST", "/processes", data=text.encode(), headers=kind)
            assert made.status_code == 201, made.text
        jobs = []
        for process in ("hostile", "hostile-fails"):
            body = {"inputs": {"word": evil("input")} if process == "hostile" else {}}
            headers = {"Prefer": "wait=60"}
            ran = ask(server, "POST", f"/processes/{process}/execution", json=body, headers=headers)
            jobs.append(ran.headers["Location"].rpartition("/")[2])
        for job, word in zip(jobs, ("successful", "failed"), strict=True):
            status = ask(server, "GET", f"/jobs/{job}").json()
            assert status["status"] == word, status
            assert ask(server, "PUT", f"/jobs/{job}/sharing", json={"groups": ["<b>group</b>"]}).status_code == 200
        yield Scene(server, *jobs)


class Witness:
    """Counts what a hostile text has reached."""

    def __init__(self, context: BrowserContext) -> None:
        self.hits: list[str] = []
        context.on("requestfinished", lambda request: self._see(request.url))
        context.on("requestfailed", self._failed)
        context.on("dialog", self._told)

    def _told(self, dialog: Dialog) -> None:
        self.hits.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _failed(self, request: Any) -> None:
        if request.failure not in ("csp", "origin"):  # what the policy of the page forbids is not sent
            self._see(request.url)

    def _see(self, url: str) -> None:
        if urlsplit(url).path.startswith(BEACON):
            self.hits.append(url)

    def look(self, page: Page, url: str) -> None:
        """Open an address, and let everything on it happen."""
        page.goto(url)
        page.wait_for_load_state("networkidle")


def browsing(browser: Browser, user: str) -> BrowserContext:
    token = base64.b64encode(f"{user}:{SECRET}".encode()).decode()
    made = browser.new_context(
        extra_http_headers={"Authorization": f"Basic {token}"}, viewport={"width": 1280, "height": 900}
    )
    made.set_default_timeout(WAIT)
    return made


@pytest.fixture
def context(browser: Browser, scene: Scene) -> Iterator[BrowserContext]:
    """Of an administrator, who sees everything."""
    made = browsing(browser, "root")
    yield made
    made.close()


@pytest.fixture
def witness(context: BrowserContext) -> Iterator[Witness]:
    made = Witness(context)
    yield made
    assert made.hits == []


def pages(scene: Scene) -> list[str]:
    jobs = [
        f"/jobs/{job}{rest}"
        for job in (scene.job, scene.failed)
        for rest in ("", "/logs?f=html", "/inputs?f=html", "/exceptions?f=html", "/results?f=html", "/prov?f=html")
    ]
    return [
        *("/", "/processes", "/jobs", "/health", "/openapi?f=html", "/processes/hostile", "/processes/hostile-fails"),
        *(
            "/processes/hostile/package?f=html",
            "/processes/hostile/history?f=html",
            "/processes/hostile/sharing?f=html",
        ),
        *(f"/jobs/{scene.job}/sharing?f=html", f"/jobs/{scene.job}/results/tree", *jobs),
        *(f"/jobs/{scene.job}/results/{key}?f=html" for key in ("said", "places", "rows", "table", "page", "drawing")),
        *(f"/jobs/{scene.job}/results/tree/{name}?f=html" for name in ("collection.json", "item.json", "page.html")),
        f"/processes/hostile?from={scene.job}#run",
        f"/processes/{quote(evil('path'), safe='')}",
        f"/jobs?processID={quote(evil('query'), safe='')}",
        f"/nothing/{quote(evil('nothing'), safe='/')}",
    ]


def test_no_page_runs_anything(scene: Scene, context: BrowserContext, witness: Witness) -> None:
    page = context.new_page()
    for path in pages(scene):
        witness.look(page, scene.server.url + path)
        assert witness.hits == [], path
        assert page.evaluate("document.querySelector('[onerror], [onload], main iframe, main script') === null"), path
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        page.wait_for_load_state("networkidle")
        assert witness.hits == [], path


def test_operator_who_looks_at_jobs_runs_nothing(scene: Scene, browser: Browser) -> None:
    made = browsing(browser, "olga")
    witness, page = Witness(made), made.new_page()
    for path in ("/jobs", f"/jobs/{scene.failed}", f"/jobs/{scene.job}/logs?f=html"):
        witness.look(page, scene.server.url + path)
        assert page.locator("h1").inner_text().startswith(("Job", "Log")), path
    assert witness.hits == []
    made.close()


def test_api_documentation_shows_hostile_descriptions_as_text(
    scene: Scene, context: BrowserContext, witness: Witness
) -> None:
    page = context.new_page()
    witness.look(page, scene.server.url + "/openapi?f=html")
    page.wait_for_selector(".opblock-tag")
    closed = page.locator(".opblock-tag[data-is-open=false]")
    while closed.count():
        closed.first.click()
    blocks = page.locator(".opblock", has_text="hostile")
    assert blocks.count() > 1
    for block in blocks.all():
        block.locator("button").first.click()
    page.wait_for_selector(".opblock.is-open .opblock-description-wrapper")
    page.wait_for_load_state("networkidle")
    described = page.locator("#swagger-ui")
    assert "constructor.constructor('fetch(1)')" in described.inner_text(), "hostile texts are there"
    assert described.locator("[onerror], [onload], iframe, script, form, meta, [href^='javascript:']").count() == 0


def test_form_with_hostile_labels_is_used(scene: Scene, context: BrowserContext, witness: Witness) -> None:
    page = context.new_page()
    witness.look(page, f"{scene.server.url}/processes/hostile?from={scene.job}#run")
    page.wait_for_selector("#execute [data-id=word]")
    assert evil("input") in page.locator("#execute [data-id=word]").locator("input, textarea").first.input_value()
    page.locator("#execute button[type=submit]").click()
    page.wait_for_selector("#followed #job[data-status=successful]")
    page.wait_for_load_state("networkidle")


ALONE = (
    *(f"results/{name.partition('.')[0]}" for name in files() if name != "rows.json"),
    *("results/said", "results/table", "results/tree/page.html", "results/tree/item.json", "logs?f=text"),
)


@pytest.mark.parametrize("path", ALONE)
def test_result_that_is_opened_by_itself_runs_nothing(
    scene: Scene, context: BrowserContext, witness: Witness, path: str
) -> None:
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    try:
        page.goto(f"{scene.server.url}/jobs/{scene.job}/{path}")
        page.wait_for_load_state("networkidle")
    except Error as error:  # what is saved is no page
        assert "Download is starting" in str(error)
    assert answers[0].status == 200
    assert answers[0].headers["x-content-type-options"] == "nosniff"


def test_documents_of_wps_run_nothing(scene: Scene, context: BrowserContext, witness: Witness) -> None:
    for query in (
        "request=GetCapabilities&version=1.0.0",
        "request=DescribeProcess&version=1.0.0&identifier=hostile",
        "request=DescribeProcess&version=2.0.0&identifier=hostile",
        f"request=GetStatus&version=2.0.0&jobid={scene.failed}",
        f"request={quote(evil('request'))}",
        f"request=DescribeProcess&version=1.0.0&identifier={quote(evil('identifier'))}",
    ):
        witness.look(context.new_page(), f"{scene.server.url}/wps?service=WPS&{query}")
    for job in (scene.job, scene.failed):
        witness.look(context.new_page(), f"{scene.server.url}/wps/status/{job}")


def test_the_witness_would_see_it(browser: Browser, scene: Scene) -> None:
    """The same texts on a page without our protection."""
    made = browser.new_context()
    witness = Witness(made)
    made.route("**/open", lambda route: route.fulfill(body=f"<p>{evil('open')}</p>", content_type="text/html"))
    page = made.new_page()
    page.goto(f"{scene.server.url}/open")
    page.wait_for_load_state("networkidle")
    assert len(witness.hits) > 2
    made.close()
