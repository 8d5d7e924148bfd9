"""A client of OGC API - Processes Part 1 and Part 2, for commands, tests and scripts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import requests
from requests.auth import AuthBase

from .failures import CommandError, ExitCode, Refused, Unreachable

Document = dict[str, Any]
ENDED = frozenset({"successful", "failed", "dismissed"})
CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 120.0
"""Seconds to connect, and between two pieces of an answer."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What the server answered to an execute request."""

    finished: bool
    """True: `document` holds the results; False: it is the status of a job."""
    document: Document
    job_id: str
    """"" where the server named none."""


class Client:
    """Speaks to one server. Every method raises `Refused` for an error answer and `Unreachable` for none.

    Args:
        server: the address of the landing page.
        read_timeout: seconds without a byte after which an answer is given up.
        auth: who asks; None for nobody.
    """

    def __init__(self, server: str, read_timeout: float = READ_TIMEOUT, auth: AuthBase | None = None) -> None:
        self.server = server.rstrip("/")
        self._timeout = (CONNECT_TIMEOUT, read_timeout)
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"
        self._session.auth = auth

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def request(self, method: str, target: str, **options: Any) -> requests.Response:
        """Send a request.

        Args:
            method: the HTTP method.
            target: a path below the server's address, or an absolute URL.
            options: as of `requests.request`.
        """
        url = target if "://" in target else f"{self.server}/{target.lstrip('/')}"
        options.setdefault("timeout", self._timeout)
        try:
            answer = self._session.request(method, url, **options)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise Unreachable(f"no answer from {self.server} ({_reason(error)}); is the server running?") from None
        except requests.RequestException as error:
            raise CommandError(f"{url}: {error}", ExitCode.USAGE) from None
        if answer.status_code >= 400:
            raise Refused(answer.status_code, _problem(answer))
        return answer

    def get(self, target: str, **params: Any) -> Document:
        """A JSON document; parameters that are None or empty are left out."""
        return _document(self.request("GET", target, params={k: v for k, v in params.items() if v}))

    def processes(self) -> Iterator[Document]:
        """The summaries of all processes, page after page."""
        yield from self._pages("processes", "processes", None, {})

    def process(self, process_id: str) -> Document:
        """The description of a process."""
        return self.get(f"processes/{quote(process_id, safe='')}")

    def deploy(self, body: bytes, media_type: str, entry: str | None = None) -> Document:
        """Deploy a package (Part 2); returns the summary of the process."""
        options = {"data": body, "headers": {"Content-Type": media_type}, "params": {"w": entry} if entry else {}}
        return _document(self.request("POST", "processes", **options))

    def replace(self, process_id: str, body: bytes, media_type: str, entry: str | None = None) -> None:
        """Replace the package of a deployed process (Part 2)."""
        options = {"data": body, "headers": {"Content-Type": media_type}, "params": {"w": entry} if entry else {}}
        self.request("PUT", f"processes/{quote(process_id, safe='')}", **options)

    def undeploy(self, process_id: str) -> None:
        """Undeploy a process (Part 2)."""
        self.request("DELETE", f"processes/{quote(process_id, safe='')}")

    def execute(self, process_id: str, body: Mapping[str, Any], wait: float | None = None) -> Execution:
        """Execute a process.

        Args:
            process_id: the process.
            body: the execute document (Part 1 execute.yaml).
            wait: seconds that the server may take to answer with results; None: answer with a job at once.
        """
        prefer = "respond-async" if wait is None else f"wait={wait:g}"
        options: dict[str, Any] = {"json": body, "headers": {"Prefer": prefer}}
        if wait is not None:
            options["timeout"] = (CONNECT_TIMEOUT, wait + self._timeout[1])
        answer = self.request("POST", f"processes/{quote(process_id, safe='')}/execution", **options)
        if answer.status_code == 201:
            status = _document(answer)
            return Execution(False, status, str(status.get("jobID") or _last_part(answer.headers.get("Location", ""))))
        return Execution(True, _results(answer), _job_of(answer))

    def jobs(self, limit: int | None = None, **filters: Any) -> Iterator[Document]:
        """Jobs, newest first.

        Args:
            limit: how many at most; None: all.
            filters: `status`, `processID`, ... (Part 1 job list).
        """
        yield from self._pages("jobs", "jobs", limit, filters)

    def job(self, job_id: str) -> Document:
        """The status of a job."""
        return self.get(f"jobs/{quote(job_id, safe='')}")

    def wait(self, job_id: str, seen: Callable[[Document], None] | None = None, longest: float = 2.0) -> Document:
        """Wait until a job has ended.

        Args:
            job_id: the job.
            seen: called with each status that is read.
            longest: seconds between two readings at most (the first ones follow faster).

        Returns:
            The last status.
        """
        pause = 0.05
        while True:
            status = self.job(job_id)
            if seen is not None:
                seen(status)
            if status.get("status") in ENDED:
                return status
            time.sleep(pause)
            pause = min(pause * 1.5, longest)

    def results(self, job_id: str) -> Document:
        """The results document of a successful job."""
        return _results(self.request("GET", f"jobs/{quote(job_id, safe='')}/results"))

    def dismiss(self, job_id: str) -> Document:
        """Stop a job, or remove one that has ended."""
        return _document(self.request("DELETE", f"jobs/{quote(job_id, safe='')}"))

    def log(self, job_id: str) -> str:
        """The log of a job so far, as text."""
        answer = self.request("GET", f"jobs/{quote(job_id, safe='')}/logs", headers={"Accept": "text/plain"})
        return answer.content.decode("utf-8", "replace")

    def download(
        self, url: str, path: Path, received: Callable[[int], None] | None = None, media_type: str = ""
    ) -> int:
        """Write what is at `url` to `path`; the file appears when it is complete.

        Args:
            url: the `href` of a link.
            path: where to.
            received: called with the size of each piece.
            media_type: the `type` of the link, asked for where the server offers several.

        Returns:
            Its size in bytes.
        """
        part = path.with_name(path.name + ".part")
        size = 0
        accept = f"{media_type}, */*;q=0.5" if media_type else "*/*"
        with self.request("GET", url, stream=True, headers={"Accept": accept}) as answer, part.open("wb") as file:
            try:
                for chunk in answer.iter_content(1 << 16):
                    size += file.write(chunk)
                    if received is not None:
                        received(len(chunk))
            except requests.RequestException as error:
                raise Unreachable(f"the download of {path.name} broke off ({_reason(error)})") from None
        part.replace(path)
        return size

    def _pages(self, target: str, member: str, limit: int | None, params: Mapping[str, Any]) -> Iterator[Document]:
        page = self.get(target, limit=limit, **params)
        left = limit if limit is not None else -1
        while True:
            for row in page.get(member, []):
                if left == 0:
                    return
                left -= 1
                yield row
            following = [link["href"] for link in page.get("links", []) if link.get("rel") == "next"]
            if not following or left == 0:
                return
            page = self.get(urljoin(self.server + "/", following[0]))


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "it took too long"
    text = str(error).lower()
    for sign, reason in (("refused", "connection refused"), ("resolve", "unknown host"), ("certificate", "TLS")):
        if sign in text:
            return reason
    return "the connection failed"


def _problem(answer: requests.Response) -> Document:
    try:
        problem = answer.json()
    except ValueError:
        return {"detail": "" if "html" in answer.headers.get("Content-Type", "") else answer.text[:500].strip()}
    return problem if isinstance(problem, dict) else {"detail": str(problem)}


def _document(answer: requests.Response) -> Document:
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Unreachable(f"{answer.url} does not answer with a JSON object; is it an OGC API - Processes server?")
    return document


def _results(answer: requests.Response) -> Document:
    return {} if answer.status_code == 204 else _document(answer)


def _job_of(answer: requests.Response) -> str:
    location = answer.headers.get("Location") or answer.links.get("monitor", {}).get("url", "")
    return _last_part(location)


def _last_part(url: str) -> str:
    return url.rstrip("/").removesuffix("/results").rpartition("/")[2]
