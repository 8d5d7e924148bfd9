"""The WPS door as a WSGI application: one address for both versions, and the status documents below it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote
from uuid import uuid4

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from ..auth.context import current_principal
from ..auth.forwarded import base_of
from ..auth.middleware import REFUSAL_KEY
from ..errors import BadRequest, Internal, MethodNotAllowed, NotFound, OapipError, TooLarge, Unavailable
from ..operations import Operations
from . import dispatch
from .door import Binding, WpsAnswer, WpsOptions, WpsRequest
from .faults import V1, V2
from .v1.binding import Version1
from .v1.binding import make_binding as make_binding_1
from .xmlguard import parse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_LOG = logging.getLogger(__name__)

PLACE_KEY = "oapip.wps"
"""WSGI environment: a `Place`."""
STATUS = "/status/"
"""Below the address of the door: status documents of 1.0.0 by job id."""
_RETRY_AFTER = "5"
_FORM = "application/x-www-form-urlencoded"
_METHODS = "GET, POST"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request came in."""

    context: str
    """Path of the user's context: `/alice`, or ""."""
    path: str
    """Path of the door below it: `/wps`, `/cgi-bin/zoo_loader.cgi`."""
    rest: str = ""
    """What follows: "" or `/status/{jobID}`."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """How addresses of answers begin."""

    base: str
    """URL of the server, without `/` at its end."""
    path: str
    """`wps.path`."""
    context: str = "/ogc-api"
    """What follows the user in the paths of the API."""


class WpsDoor:
    """The application.

    Args:
        operations: the service.
        options: of both versions.
        addresses: of this server.
        largest: bytes of a request.
        cors: whether scripts of any web page may read the answers.
    """

    def __init__(
        self, operations: Operations, options: WpsOptions, addresses: Addresses, largest: int, cors: bool = False
    ) -> None:
        self._operations = operations
        self._options = options
        self._addresses = addresses
        self._largest = largest
        self._cors = cors
        self._first: Version1 = make_binding_1(options)
        self._second: Binding | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request. `PLACE_KEY` has to be in the environment."""
        request = Request(environ)
        request.max_content_length = self._largest
        response = self._respond(request)
        if self._cors:
            response.headers["Access-Control-Allow-Origin"] = "*"
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = _METHODS
                response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status=204, headers={"Allow": _METHODS})
        reader = _Reader(request, self._largest)
        try:
            return _response(self._answer(request, reader))
        except OapipError as error:
            return self._failure(error, reader.version)
        except HTTPException as error:
            return self._failure(_of_werkzeug(error, self._largest), reader.version)
        except Exception as error:  # noqa: BLE001 - the edge: what else goes wrong is a defect, told in the log alone
            reference = uuid4().hex[:12]
            _LOG.error("error %s at %s %s", reference, request.method[:20], quote(request.path), exc_info=error)
            told = f"Internal Server Error: the log of the server has more under {reference}"
            return self._failure(Internal(told), reader.version)

    def _answer(self, request: Request, reader: _Reader) -> WpsAnswer:
        if request.method not in ("GET", "POST"):
            raise MethodNotAllowed(f"WPS is asked by GET and POST, not {request.method[:20]}")
        refusal = request.environ.get(REFUSAL_KEY)
        if refusal is not None:
            reader.version = dispatch.version_asked(
                dispatch.read_parameters(request.query_string.decode("latin-1"), "")
            )
            raise refusal
        place: Place = request.environ[PLACE_KEY]
        read = reader.read(self._addresses, place)
        if place.rest:
            job_id = place.rest.removeprefix(STATUS)
            if request.method != "GET" or not place.rest.startswith(STATUS) or not job_id or "/" in job_id:
                raise NotFound("there is nothing at this address")
            return self._first.status(unquote(job_id), read, self._operations, current_principal())
        return self._binding(reader.version).answer(read, self._operations, current_principal())

    def _binding(self, version: str) -> Binding:
        if version != V2:
            return self._first
        if self._second is None:
            from .v2.binding import make_binding

            self._second = make_binding(self._options)
        return self._second

    def _failure(self, error: OapipError, version: str) -> Response:
        response = _response(self._binding(version).failure(error))
        response.headers.extend(error.headers)
        if isinstance(error, Unavailable):
            response.headers["Retry-After"] = _RETRY_AFTER
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = _METHODS
        return response


class _Reader:
    """Reads one request. `version` is the one to answer in, at any time."""

    def __init__(self, request: Request, largest: int) -> None:
        self._request = request
        self._largest = largest
        self.version = V1

    def read(self, addresses: Addresses, place: Place) -> WpsRequest:
        """The request.

        Raises:
            OapipError, HTTPException: it cannot be read.
        """
        query = self._request.query_string.decode("latin-1")
        form, content = self._body()
        parameters = dispatch.read_parameters(query, form)
        self.version = dispatch.version_asked(parameters)
        document = None
        if place.rest:
            self.version = V1
        elif content is not None:
            self.version = dispatch.version_seen(content, self.version)
            document = parse(content, self._largest)
            self.version = dispatch.NAMESPACES.get(dispatch.split(document.tag)[0], self.version)
            self.version = dispatch.version_of_document(document, parameters)
        else:
            self.version = dispatch.version_of_parameters(parameters)
        root = base_of(self._request.environ, addresses.base) + place.context
        return WpsRequest(
            method=self._request.method,
            address=root + place.path,
            base=root + (addresses.context if place.context else ""),
            parameters=parameters,
            document=document,
            version=self.version,
            raw=dispatch.raw_parameters(query, form),
            statuses=root + addresses.path + STATUS.rstrip("/"),
        )

    def _body(self) -> tuple[str, bytes | None]:
        """A form, or the bytes of a document; None for a request without one."""
        if self._request.method != "POST":
            return "", None
        try:
            content = self._request.get_data()
        except RequestEntityTooLarge:
            # refused by its length, before any of it was read
            self.version = dispatch.version_seen(self._request.environ["wsgi.input"].read(4096), self.version)
            raise
        if self._request.mimetype == _FORM and not content.lstrip().startswith(b"<"):
            return content.decode("latin-1"), None
        return "", content


def _response(answer: WpsAnswer) -> Response:
    headers = [*answer.headers, ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-cache")]
    # data of users on our origin, also inside of our documents, where browsers run scripts of SVG: nothing may run
    headers.append(("Content-Security-Policy", "sandbox; default-src 'none'"))
    if answer.file is None:
        return Response(answer.content, answer.status, headers, content_type=_header(answer.media_type))
    size = answer.file.size
    if size is not None:
        headers.append(("Content-Length", str(size)))
    return Response(answer.file.pieces(), answer.status, headers, content_type=_header(answer.media_type))


def _header(media_type: str) -> str:
    """A media type of a process or client, where it can stand in a header."""
    fits = media_type.isascii() and media_type.isprintable() and "/" in media_type and len(media_type) < 200
    return media_type if fits else "application/octet-stream"


def _of_werkzeug(error: HTTPException, largest: int) -> OapipError:
    if isinstance(error, RequestEntityTooLarge):
        return TooLarge(f"the body is larger than this server accepts ({largest} bytes)")
    return BadRequest(f"the request cannot be understood: {error.description}")
