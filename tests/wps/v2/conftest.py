"""The binding of 2.0.0 over real operations: database, built-in engine and worker, without a web server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from lxml import etree

from pygeoapi_oapip.errors import OapipError
from pygeoapi_oapip.model.identity import ANONYMOUS
from pygeoapi_oapip.operations import Operations
from pygeoapi_oapip.staging.router import make_stager
from pygeoapi_oapip.wiring import Wired, default_configuration, wire
from pygeoapi_oapip.wps.dispatch import raw_parameters, read_parameters, version_of_document, version_of_parameters
from pygeoapi_oapip.wps.door import Contact, WpsAnswer, WpsOptions, WpsRequest
from pygeoapi_oapip.wps.references import ReferenceReader
from pygeoapi_oapip.wps.v2.binding import make_binding
from pygeoapi_oapip.wps.xmlguard import parse
from tests.wps.validation import validate

ADDRESS = "http://localhost:5000/wps"
BASE = "http://localhost:5000"
ECHO = "org.n52.javaps.test.EchoProcess"
HEAD = (
    'service="WPS" version="2.0.0" xmlns:wps="http://www.opengis.net/wps/2.0" '
    'xmlns:ows="http://www.opengis.net/ows/2.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
)
NAMES = {
    "wps": "http://www.opengis.net/wps/2.0",
    "ows": "http://www.opengis.net/ows/2.0",
    "xlink": "http://www.w3.org/1999/xlink",
}


@dataclass(frozen=True)
class Got:
    """An answer; a document of WPS or OWS has been validated."""

    answer: WpsAnswer
    root: Any

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def content(self) -> bytes:
        if self.answer.file is not None:
            return self.answer.file.read()
        found = self.answer.content
        return found.encode() if isinstance(found, str) else found

    @property
    def name(self) -> str:
        """Local name of the root; "" for data."""
        return "" if self.root is None else etree.QName(self.root).localname

    def texts(self, path: str) -> list[str]:
        """Texts or attribute values at an XPath with the prefixes of NAMES."""
        return [str(item.text if hasattr(item, "text") else item) for item in self.root.xpath(path, namespaces=NAMES)]

    def text(self, path: str) -> str:
        (found,) = self.texts(path)
        return found

    @property
    def failure(self) -> tuple[int, str, str]:
        """HTTP status, exception code and locator."""
        assert self.name == "ExceptionReport", self.content
        (found,) = self.root.xpath("ows:Exception", namespaces=NAMES)
        assert found.xpath("string(ows:ExceptionText)", namespaces=NAMES).strip()
        return self.status, found.get("exceptionCode"), found.get("locator") or ""


@dataclass
class Client:
    """Sends requests as the door does."""

    service: Operations
    options: WpsOptions
    binding: Any = field(init=False)

    def __post_init__(self) -> None:
        self.binding = make_binding(self.options)

    def get(self, query: str = "", **parameters: str) -> Got:
        """A KVP request; service and version are added where `query` is not used."""
        query = query or urlencode({"service": "WPS", "version": "2.0.0", **parameters})
        given = read_parameters(query)
        return self._send(
            lambda: WpsRequest(
                "GET",
                ADDRESS,
                BASE,
                parameters=given,
                raw=raw_parameters(query),
                version=version_of_parameters(given),
            )
        )

    def post(self, body: str | bytes) -> Got:
        """An XML request."""

        def request() -> WpsRequest:
            root = parse(body.encode() if isinstance(body, str) else body)
            return WpsRequest("POST", ADDRESS, BASE, document=root, version=version_of_document(root, {}))

        return self._send(request)

    def execute(self, content: str, process: str = ECHO, mode: str = "sync", response: str = "document") -> Got:
        """An Execute with these inputs and outputs."""
        identifier = f"<ows:Identifier>{process}</ows:Identifier>"
        return self.post(f'<wps:Execute {HEAD} mode="{mode}" response="{response}">{identifier}{content}</wps:Execute>')

    def wait(self, job_id: str) -> Got:
        """The status of a job at its end."""
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            got = self.get(request="GetStatus", jobid=job_id)
            if got.text("wps:Status") not in ("Accepted", "Running"):
                return got
            time.sleep(0.05)
        raise AssertionError("the job does not end")

    def _send(self, make: Callable[[], WpsRequest]) -> Got:
        try:
            request = make()
            assert request.version == "2.0.0", "the door would give this to the other binding"
            answer = self.binding.answer(request, self.service, ANONYMOUS)
        except OapipError as error:
            answer = self.binding.failure(error)
        return Got(answer, _document(answer))


def content_of(answer: WpsAnswer) -> bytes:
    if answer.file is not None:
        return b"".join(answer.file.pieces())
    return answer.content.encode() if isinstance(answer.content, str) else answer.content


def _document(answer: WpsAnswer) -> Any:
    content = answer.content if isinstance(answer.content, bytes) else answer.content.encode()
    if answer.file is not None or not any(name.encode() in content[:600] for name in NAMES.values()):
        return None
    if b"<wps:Capabilities" in content[:100] and b"<wps:Contents" not in content:
        # the schema wants Contents, whatever sections are asked for
        return etree.fromstring(content)
    if b"<ows:BoundingBox" in content[:100]:
        return etree.fromstring(content)
    return validate("2.0.0", content)


@pytest.fixture(scope="session")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    home = tmp_path_factory.mktemp("wps2")
    (home / "files").mkdir()
    configuration = default_configuration(BASE, home)
    configuration["server"]["manager"]["staging"] = {"allow_files": [str(home / "files")]}
    made = wire(configuration)
    made.start_background()
    yield made
    made.close()


@pytest.fixture
def files(wired: Wired) -> Path:
    """A folder whose files may be given by reference."""
    return wired.settings.output_dir.parent / "files"


@pytest.fixture
def wps(wired: Wired) -> Client:
    contact = Contact("Provider", "https://example.org", "A. Person", "a@example.org", "+39 0471 0")
    staging = wired.settings.staging
    read = ReferenceReader(staging, make_stager(staging, wired.settings.storage))
    return Client(
        wired.service,
        WpsOptions(read, "Title", "Abstract", ("one", "two"), contact=contact, retention=3600.0, max_wait=240.0),
    )
