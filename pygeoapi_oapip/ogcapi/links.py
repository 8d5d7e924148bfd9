"""Addresses and link objects. Every URL that a response holds is made here, from one base."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from ..model.json import JSON

OGC_REL = "http://www.opengis.net/def/rel/ogc/1.0/"
JSON_TYPE = "application/json"
HTML_TYPE = "text/html"
OPENAPI_TYPE = "application/vnd.oai.openapi+json;version=3.0"
OPENAPI31_TYPE = "application/vnd.oai.openapi+json;version=3.1"

Link = dict[str, JSON]


def link(href: str, rel: str, kind: str, title: str) -> Link:
    """Part 1 link.yaml."""
    return {"href": href, "rel": rel, "type": kind, "title": title}


def header(links: Iterable[Mapping[str, JSON]]) -> str:
    """The same links as a Link header value (RFC 8288); those that a header cannot hold are left out."""
    parts = []
    for item in links:
        own = {name: str(item[name]) for name in ("rel", "type") if item.get(name)}
        href = str(item.get("href") or "")
        if href and all(map(_fits_header, (href, *own.values()))):
            parts.append("; ".join([f"<{href}>", *(f'{name}="{text}"' for name, text in own.items())]))
    return ", ".join(parts)


def _fits_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and not set(text) & set('<>"\\')


@dataclass(frozen=True, slots=True)
class Links:
    """Absolute addresses below one base."""

    base: str
    """`server.url`, plus the prefix that the request came by; no `/` at its end."""

    def root(self) -> str:
        """The landing page."""
        return f"{self.base}/"

    def processes(self) -> str:
        """The process list."""
        return f"{self.base}/processes"

    def process(self, process_id: str) -> str:
        """One process."""
        return f"{self.base}/processes/{quote(process_id, safe='')}"

    def execution(self, process_id: str) -> str:
        """Where a process is executed."""
        return f"{self.process(process_id)}/execution"

    def jobs(self) -> str:
        """The job list."""
        return f"{self.base}/jobs"

    def job(self, job_id: str) -> str:
        """The status of one job."""
        return f"{self.base}/jobs/{quote(job_id, safe='')}"

    def results(self, job_id: str) -> str:
        """The results of one job."""
        return f"{self.job(job_id)}/results"

    def pair(self, address: str, title: str, own: str = JSON_TYPE) -> list[Link]:
        """`self` and `alternate` for a resource that has JSON and HTML.

        Args:
            address: without `f`; a query is kept.
            title: of the resource.
            own: media type of the representation that holds the links.
        """
        mark = "&" if "?" in address else "?"
        rows = ((JSON_TYPE, "json", "JSON"), (HTML_TYPE, "html", "HTML"))
        return [
            link(f"{address}{mark}f={form}", "self" if kind == own else "alternate", kind, f"{title} as {name}")
            for kind, form, name in rows
        ]


def paging(address: str, query: list[tuple[str, str]], limit: int, offset: int, more: bool) -> list[Link]:
    """`next` and `prev` links of one page of a list.

    Args:
        address: of the list, without a query.
        query: the further parameters of the request, which the links keep.
        limit: rows in a page.
        offset: rows before this page.
        more: True if there are rows after this page.
    """

    def page(start: int) -> str:
        return f"{address}?{urlencode([*query, ('limit', str(limit)), ('offset', str(start))])}"

    found = []
    if offset > 0:
        found.append(link(page(max(0, offset - limit)), "prev", JSON_TYPE, "Previous page"))
    if more:
        found.append(link(page(offset + limit), "next", JSON_TYPE, "Next page"))
    return found
