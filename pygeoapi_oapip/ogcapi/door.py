"""What all views share: the operations, the options, the base address, representations and their cache."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from threading import Lock
from typing import Any

from flask import Response, request

from ..auth.context import current_principal
from ..auth.forwarded import base_of
from ..errors import InvalidQuery
from ..model.identity import Principal
from ..model.job import Job, JobStatus
from ..model.json import serialise
from ..operations import Operations
from . import documents, negotiation
from .links import HTML_TYPE, JSON_TYPE, Links, header

PREFIX_KEY = "oapip.prefix"
"""WSGI environment: the path prefix that a request came by (`/alice/ogc-api`), which its links keep."""

DOCUMENT_HEADERS = (("Vary", "Accept"), ("X-Content-Type-Options", "nosniff"))
PAGE_HEADERS = (
    *DOCUMENT_HEADERS,
    ("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
)
"""Our pages load nothing from other hosts and run no inline scripts."""

Render = Callable[[str, Mapping[str, Any], str], str]


@dataclass(frozen=True, slots=True)
class Host:
    """The pygeoapi application beside this one, as far as its documents are merged into ours."""

    landing: Callable[[], Mapping[str, Any]] = dict
    conformance: Callable[[], Sequence[str]] = tuple
    openapi: Callable[[], Mapping[str, Any]] = dict


def _pages(page: str, context: Mapping[str, Any], base: str) -> str:
    from ..ui.pages import render

    return render(page, context, base)


@dataclass(frozen=True, slots=True)
class DoorOptions:
    """What the administrator decides."""

    base_url: str
    """`server.url` of the configuration; a `/` at its end is dropped."""
    title: str = "OGC API - Processes"
    description: str = ""
    contact: Mapping[str, Any] = field(default_factory=dict)
    """OpenAPI contact object."""
    license: Mapping[str, Any] = field(default_factory=dict)
    """OpenAPI license object."""
    notice: str = ""
    """A sentence on top of every HTML page."""
    cors: bool = False
    """`server.cors`: answers may be read by scripts of any web page."""
    body_bytes: int = 50 * 1024**2
    page: int = 1000
    """Processes in a list where no limit is given."""
    jobs_page: int = 10
    """Jobs in a list where no limit is given (OGC default)."""
    max_page: int = 10_000
    max_wait: float = 30.0
    """Seconds that the legacy body member `mode: sync` waits."""
    conformance: Sequence[str] = ()
    """Further conformance classes, of parts that are not in this door."""
    security: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """OpenAPI security schemes by name; none where nobody is asked who they are."""
    login: bool = False
    """Browsers can log in at `/login`."""
    eoepca: bool = False
    """`compat.eoepca`: no job is told as `accepted`."""
    render: Render = _pages
    host: Host = field(default_factory=Host)

    def beside(self, host: Host) -> DoorOptions:
        """The same options with the documents of pygeoapi."""
        return replace(self, host=host)


class DocumentCache:
    """Serialised documents by key, the least recently used going first. Keys hold the revision, so nothing stales."""

    def __init__(self, largest: int = 32 * 1024**2) -> None:
        self._rows: OrderedDict[Hashable, tuple[bytes, str, str]] = OrderedDict()
        self._bytes = 0
        self._largest = largest
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], tuple[bytes, str]]) -> tuple[bytes, str, str]:
        """The document, its strong ETag and its Link header; made where it is not there."""
        with self._lock:
            row = self._rows.get(key)
            if row is not None:
                self._rows.move_to_end(key)
                return row
        body, links = make()
        row = (body, f'"{sha256(body).hexdigest()[:32]}"', links)
        with self._lock:
            if key not in self._rows:
                self._bytes += len(body)
            self._rows[key] = row
            while self._bytes > self._largest and len(self._rows) > 1:
                self._bytes -= len(self._rows.popitem(last=False)[1][0])
        return row


class Door:
    """One per application. Views are functions whose first argument is the door."""

    def __init__(self, operations: Operations, options: DoorOptions) -> None:
        self.operations = operations
        self.options = options
        self._base = options.base_url.rstrip("/")
        self._cache = DocumentCache()

    @property
    def base(self) -> str:
        """URL of the landing page for the present request, without the prefix of a context and `/` at its end."""
        return base_of(request.environ, self._base)

    @property
    def links(self) -> Links:
        """Addresses below the base of the present request; the only place where the base is decided."""
        return Links(self.base + request.environ.get(PREFIX_KEY, ""))

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return current_principal()

    def status(self, job: Job) -> dict[str, Any]:
        """Part 1 statusInfo.yaml of a job, as the present user sees it."""
        return self.statuses()(job)

    def statuses(self) -> documents.StatusOf:
        """`status` for many jobs: what is the same for all of them is found out once."""
        principal, links = self.principal, self.links
        named = self.operations.names_owners(principal)
        hidden = self.options.eoepca

        def status(job: Job) -> dict[str, Any]:
            document = documents.status(job, links) | documents.ownership(job, principal, named)
            if hidden and job.status is JobStatus.ACCEPTED:
                document["status"] = JobStatus.RUNNING.value
            return document

        return status

    def wanted(self, offered: tuple[str, ...] = negotiation.DOCUMENT) -> str:
        """The representation that the present request wants. Raises InvalidQuery."""
        return negotiation.wanted(asked_form(), request.headers.get("Accept"), offered)

    def media_type(self) -> str:
        """Media type of the document that the present request wants: JSON or HTML."""
        return HTML_TYPE if self.wanted() == "html" else JSON_TYPE

    def document(self, page: str, document: Mapping[str, Any], form: str = "", **values: Any) -> Response:
        """A document as JSON or as the HTML page of this name, whichever is wanted.

        Args:
            page: name of the page.
            document: what both representations hold.
            form: `json` or `html` where the view has decided already.
            values: further values of the page (pages.py lists them).
        """
        if (form or self.wanted()) == "html":
            return html_response(self.page(page, document, **values))
        return _with_links(json_response(document), _links_of(page, document))

    def cached(
        self, page: str, key: tuple[Hashable, ...], make: Callable[[], Mapping[str, Any]], form: str = ""
    ) -> Response:
        """As `document`, kept until any process changes; answers If-None-Match with 304.

        Args:
            page: name of the page.
            key: what else the document depends on.
            make: makes the document.
            form: `json` or `html` where the view has decided already.
        """
        form = form or self.wanted()
        base = self.links.base

        def body() -> tuple[bytes, str]:
            document = make()
            if form == "html":
                return self.page(page, document).encode("utf-8"), ""
            return serialise(document), _links_of(page, document)

        whole = (self.operations.revision(), self.principal, base, page, form, *key)
        content, etag, links = self._cache.get(whole, body)
        headers = [("ETag", etag), *(PAGE_HEADERS if form == "html" else DOCUMENT_HEADERS)]
        if request.environ.get("HTTP_IF_NONE_MATCH") and request.if_none_match.contains_weak(etag.strip('"')):
            return Response(status=304, headers=headers)
        kind = "text/html; charset=utf-8" if form == "html" else "application/json"
        return _with_links(Response(content, 200, headers, content_type=kind), links)

    def _here(self) -> str:
        """The path of the present page below the landing page, to come back to after a login."""
        if request.path.startswith(("/login", "/logout")):
            return "/"
        query = request.query_string.decode("ascii", "replace")
        return str(request.environ.get(PREFIX_KEY, "")) + request.path + (f"?{query}" if query else "")

    def page(self, page: str, document: Mapping[str, Any], **values: Any) -> str:
        """The HTML page of a document (pages.py lists them)."""
        base = self.links.base
        options = self.options
        principal = self.principal
        context = {
            "user": principal.name if principal.known else "",
            "login": f"{self.base}/login" if options.login else "",
            "here": self._here(),
            "doc": document,
            "base": base,
            "service_title": options.title,
            "notice": options.notice,
            "limit": options.body_bytes,
        }
        return self.options.render(page, {**context, **values}, base)


_LINKED = frozenset({"processes", "process", "jobs", "job"})
"""Documents whose links are in the headers, too, as clients of other servers read them."""


def _links_of(page: str, document: Mapping[str, Any]) -> str:
    # the one to the profile is there in any case
    return header(one for one in document.get("links") or () if one["rel"] != "profile") if page in _LINKED else ""


def _with_links(response: Response, links: str) -> Response:
    if links:
        response.headers.add("Link", links)
    return response


def asked_form() -> str | None:
    """The `f` parameter of the present request; where it is repeated, all its words have to be the same one.

    Raises:
        InvalidQuery: they are not.
    """
    words = [word for word in dict.fromkeys(request.args.getlist("f")) if word]
    if len(words) > 1:
        raise InvalidQuery(f"f: is there more than once ({', '.join(words)})"[:200], location="f")
    return words[0] if words else None


def json_response(document: object, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """A response with a JSON body."""
    found = [*headers, *DOCUMENT_HEADERS]
    return Response(serialise(document), status, found, content_type="application/json")


def html_response(text: str, status: int = 200) -> Response:
    """A response with an HTML body."""
    return Response(text, status, list(PAGE_HEADERS), content_type="text/html; charset=utf-8")
