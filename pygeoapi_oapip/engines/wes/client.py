"""HTTP to one WES server: authentication, limits, redirects, and what its faults mean."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from ...errors import AnswerLost, EngineUnavailable
from ...model.answer import Answer
from ...settings import WesEngine as Settings

if TYPE_CHECKING:
    import requests

API = "/ga4gh/wes/v1"
LARGEST_ANSWER = 64 << 20
"""Bytes of a JSON answer; the list of a server that has run 100,000 jobs has 10 MB."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 3
_PIECE = 1 << 16
_CONNECTIONS = 16
_WHOLE = 4
"""An answer may take so many times `timeout` as a whole: a server that sends a byte now and then holds nobody."""

Files = Sequence[tuple[str, bytes]]
"""Attachments by name."""


class NotInTime(AnswerLost):
    """As AnswerLost; the server was silent for too long, and may still be at work on the request."""


class WesClient:
    """Thread-safe. Credentials go to the configured server only.

    Args:
        settings: of the engine.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.base = base_of(settings.url)
        self._origin = _origin(self.base)
        self._lock = threading.Lock()
        self._session: requests.Session | None = None

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """Read a resource of the API.

        Args:
            path: below the base, for example `runs/ID`; parts are already quoted.

        Raises:
            EngineUnavailable: no answer, or one that was cut, too large, or led to another server.
        """
        with self._asked("GET", f"{self.base}/{path}", params=query) as response:
            return Answer(response.status_code, self._whole(response), response.url, _headers(response))

    def post(self, path: str, fields: Mapping[str, str] | None = None, files: Files = ()) -> Answer:
        """Send multipart/form-data (a run), or nothing (a cancellation).

        Raises:
            EngineUnavailable: nothing was sent.
            AnswerLost: it was sent, perhaps as a whole, and no answer came.
        """
        parts: list[tuple[str, tuple[str | None, bytes]]] = [
            (name, (None, text.encode("utf-8", "replace"))) for name, text in (fields or {}).items()
        ]
        parts += [("workflow_attachment", (name, content)) for name, content in files]
        with self._asked("POST", f"{self.base}/{path}", files=parts or None) as response:
            try:
                return Answer(response.status_code, self._whole(response), response.url, _headers(response))
            except EngineUnavailable as fault:
                raise AnswerLost(fault.detail) from None

    def cancel(self, run_id: str) -> Answer:
        """Ask for the end of a run, which may be done more than once. Raises EngineUnavailable."""
        try:
            return self.post(f"runs/{quoted(run_id)}/cancel")
        except AnswerLost as fault:
            raise EngineUnavailable(fault.detail) from None

    def tail(self, url: str, limit: int) -> bytes:
        """The last bytes of a text (a log) of this server; b"" where it has none.

        Args:
            url: absolute, or relative to the base.
            limit: bytes.

        Raises:
            EngineUnavailable: it cannot be read now, or is on another server.
        """
        pieces: deque[bytes] = deque()
        size = 0
        with self._asked("GET", urljoin(f"{self.base}/", url)) as response:
            if response.status_code >= 500 or response.status_code == 429:
                raise EngineUnavailable(f"the WES server answers {response.status_code} to the request for a log")
            if response.status_code != 200:
                return b""
            for piece in self._pieces(response):
                pieces.append(piece)
                size += len(piece)
                while size - len(pieces[0]) >= limit:
                    size -= len(pieces.popleft())
        return b"".join(pieces)[-limit:]

    def is_own(self, url: str) -> bool:
        """True for an address of this server."""
        return _origin(url) == self._origin

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    @contextmanager
    def _asked(self, method: str, url: str, **body: Any) -> Iterator[requests.Response]:
        import requests

        for _ in range(_MOST_REDIRECTS + 1):
            if not self.is_own(url):
                raise EngineUnavailable(f"{self.base} leads to another server ({_host(url)}), which is not asked")
            try:
                response = self._connected().request(
                    method, url, stream=True, allow_redirects=False, timeout=self._settings.timeout, **body
                )
            except requests.RequestException as error:
                raise self._fault(method, error) from None
            except ValueError:
                raise EngineUnavailable(f"{self.base} answers with an address that is none") from None
            target = response.headers.get("Location", "")
            if response.status_code not in _REDIRECTS or not target:
                break
            response.close()
            url, body = urljoin(url, target), {}
            if method != "GET":
                raise EngineUnavailable(f"the WES server has moved to {url[:200]}: set that as the engine's `url`")
        else:
            raise EngineUnavailable(f"{self.base} leads from one address to the next")
        with response:
            yield response

    def _fault(self, method: str, error: requests.RequestException) -> EngineUnavailable | AnswerLost:
        import requests

        text = f"the WES server {_host(self.base)} {_words(error)}"
        if method != "POST" or _never_connected(error):
            return EngineUnavailable(text)
        return NotInTime(text) if isinstance(error, requests.Timeout) else AnswerLost(text)

    def _whole(self, response: requests.Response) -> bytes:
        pieces, size = [], 0
        for piece in self._pieces(response):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST_ANSWER:
                raise EngineUnavailable(f"an answer of the WES server is larger than {LARGEST_ANSWER} bytes")
        return b"".join(pieces)

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        import requests

        deadline = time.monotonic() + _WHOLE * self._settings.timeout
        try:
            for piece in response.iter_content(_PIECE):
                yield piece
                if time.monotonic() > deadline:
                    raise EngineUnavailable("an answer of the WES server takes too long")
        except (requests.RequestException, OSError) as error:
            raise EngineUnavailable(f"an answer of the WES server was cut ({type(error).__name__})") from None

    def _connected(self) -> requests.Session:
        with self._lock:
            if self._session is None:
                self._session = self._new_session()
            return self._session

    def _new_session(self) -> requests.Session:
        import requests
        from requests.adapters import HTTPAdapter
        from requests.auth import HTTPBasicAuth

        settings, session = self._settings, requests.Session()
        session.trust_env = False
        session.headers["Accept"] = "application/json, */*;q=0.5"
        session.verify = str(settings.ca) if settings.ca is not None and settings.verify else settings.verify
        if settings.password is not None:
            session.auth = HTTPBasicAuth(settings.username.encode(), settings.password.encode())
        if settings.token is not None:
            session.headers["Authorization"] = f"Bearer {settings.token}"
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_connections=2, pool_maxsize=_CONNECTIONS))
        return session


def base_of(url: str) -> str:
    """The base of the API, without a `/` at its end, of an address with or without `/ga4gh/wes/v1`."""
    plain = url.rstrip("/")
    return plain if plain.endswith(API) else plain + API


def quoted(run_id: str) -> str:
    """A run id as a part of a path; the server made it, so it may hold anything."""
    return quote(run_id, safe="")


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", "", None


def _host(url: str) -> str:
    return _origin(url)[1] or "without a name"


def _headers(response: requests.Response) -> Mapping[str, str]:
    return {key.lower(): value for key, value in response.headers.items()}


def _never_connected(error: requests.RequestException) -> bool:
    """True where not a byte of the request was sent."""
    import requests
    from urllib3.exceptions import NewConnectionError

    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), NewConnectionError)


def _words(error: requests.RequestException) -> str:
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return "has a certificate that is not trusted (see `ca` and `verify` of the engine)"
    if isinstance(error, requests.exceptions.Timeout):
        return "does not answer in time"
    if _never_connected(error):
        return "cannot be reached"
    return f"broke the connection ({type(error).__name__})"
