"""Turns the JSON document of a resource into its HTML page.

Each page shows what the JSON representation of the same resource holds (Part 1 /req/html/content). Context keys:

    doc            the JSON document, an object (all pages)
    service_title  the title of the service, for the header (optional)
    process_id     the process that a `history` is of
    job_id         the job that `results`, `output`, `directory`, `logs`, `inputs`, `exceptions` are of
    output_id      the output that `output` or `directory` show
    title          the heading of `document`, which shows any JSON object
    limit          the largest request body in bytes, which the form of `process` keeps within (optional)
    notice         a sentence for a banner on top of the page, for example that there is no authentication (optional)
    user           the name of the person who is signed in (optional)
    login          address of the login, where one can log in here (optional)
    provider       address where `logout` leads on to, or ""
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader, Template

from . import present

PAGES = frozenset(
    (
        "landing",
        "conformance",
        "processes",
        "process",
        "history",
        "jobs",
        "job",
        "results",
        "logs",
        "error",
        "logout",
        "openapi",
        "inputs",
        "exceptions",
        "output",
        "directory",
        "package",
        "health",
        "document",
    )
)
"""The names that `render` takes."""

_ABSENT = {
    "service_title": "",
    "process_id": "",
    "job_id": "",
    "output_id": "",
    "title": "",
    "limit": 0,
    "notice": "",
    "user": "",
    "login": "",
    "provider": "",
}


def render(page: str, context: Mapping[str, Any], base: str) -> str:
    """The HTML page of a resource.

    Args:
        page: one of `PAGES`.
        context: `doc` and the further keys that the module text lists.
        base: the address of the landing page, without a `/` at its end; all links of the page begin with it.

    Raises:
        KeyError: the page does not exist, or the context has no `doc`.
    """
    if page not in PAGES:
        raise KeyError(page)
    base = base.rstrip("/")
    values = {**_ABSENT, **context, "doc": context["doc"], "page": page, "base": base}
    return _template(page).render(values, static=f"{base}/oapip-static")


def templates_path() -> Path:
    """The folder for `server.templates.path`: pygeoapi's own pages in the same look, with no asset of another host."""
    return Path(__file__).parent / "templates" / "pygeoapi"


def static_path() -> Path:
    """The folder for `server.templates.static`, which goes with `templates_path`."""
    return Path(__file__).parent / "static"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pygeoapi_oapip.ui", "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(present.FILTERS)
    return environment


def _template(page: str) -> Template:
    return _environment().get_template(f"{page}.html")
