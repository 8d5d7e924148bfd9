"""The HTML pages of a real server: no dead link, nothing from another host."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

from pygeoapi_oapip.testing.live_server import LiveServer

ASSETS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
LIMIT = 400
JOB = re.compile(r"/jobs/([0-9a-f-]{36})")
PYGEOAPI = "/TileMatrixSets/TileMatrixSets"
"""A dead link on a page of pygeoapi's own (0.21)."""


class Page(HTMLParser):
    """Collects where a page leads, and what it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.assets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a" and values.get("href") and "hidden" not in values:
            self.links.append(str(values["href"]))
        if tag in ASSETS and values.get(ASSETS[tag]) and values.get("rel") not in ("canonical", "alternate"):
            self.assets.append(str(values[ASSETS[tag]]))


def crawl(server: LiveServer, first: str, jobs: tuple[str, ...]) -> tuple[dict[str, int], set[str]]:
    """Follow all links from a page within the server, except to other jobs than these (other tests leave many).

    Returns:
        URL -> status of each page and asset, and the assets on other hosts.
    """
    host = urlsplit(server.url).netloc
    statuses: dict[str, int] = {}
    foreign: set[str] = set()
    waiting = [server.url + first]
    while waiting:
        url = waiting.pop()
        found = JOB.search(url)
        if url in statuses or (found and found[1] not in jobs):
            continue
        assert len(statuses) < LIMIT
        answer = server.get(url.removeprefix(server.url), headers={"Accept": "text/html,*/*;q=0.1"})
        statuses[url] = answer.status_code
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        page = Page()
        page.feed(answer.text)
        foreign |= {
            f"{asset} in {url}" for asset in page.assets if urlsplit(urljoin(url, asset)).netloc not in ("", host)
        }
        targets = {urldefrag(urljoin(url, target)).url for target in (*page.links, *page.assets)}
        waiting += [target for target in targets if urlsplit(target).netloc == host and PYGEOAPI not in target]
    return statuses, foreign


def test_no_link_is_dead_and_nothing_comes_from_other_hosts(server: LiveServer) -> None:
    good = server.submit("say", {"message": "hello"})
    server.ended(good)
    gone = server.submit("pause", {"seconds": 60})
    server.dismiss(gone)
    server.ended(gone)
    statuses, foreign = crawl(server, "/", (good, gone))
    assert not foreign
    dead = {url: status for url, status in statuses.items() if status >= 400}
    assert not dead, dead
    for path in ("/processes/say", "/jobs", f"/jobs/{good}", f"/jobs/{good}/results", f"/jobs/{good}/logs"):
        assert any(url.startswith(server.url + path) for url in statuses), path
