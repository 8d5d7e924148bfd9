"""The WPS door over real operations: database, built-in and local engine, worker, without a web server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from lxml import etree
from werkzeug.test import Client, TestResponse

from pygeoapi_oapip.app import with_wps
from pygeoapi_oapip.model.identity import ANONYMOUS
from pygeoapi_oapip.operations import Deployment, Operations
from pygeoapi_oapip.settings import Wps, load_settings
from pygeoapi_oapip.wiring import Wired, default_configuration, wire
from pygeoapi_oapip.wps.configured import wps_door
from tests.wps.validation import validate

BASE = "http://localhost:5000"
NAMES = {
    "wps": "http://www.opengis.net/wps/1.0.0",
    "ows": "http://www.opengis.net/ows/1.1",
    "xlink": "http://www.w3.org/1999/xlink",
}
HEAD = (
    'service="WPS" version="1.0.0" xmlns:wps="http://www.opengis.net/wps/1.0.0" '
    'xmlns:ows="http://www.opengis.net/ows/1.1" xmlns:xlink="http://www.w3.org/1999/xlink"'
)
REPORT = """
cwlVersion: v1.2
class: ExpressionTool
id: report
label: Report
requirements: {InlineJavascriptRequirement: {}}
inputs:
  place: {type: {type: record, fields: {name: string, height: double}}}
  many: {type: "int[]"}
  unit: {type: {type: enum, symbols: [metre, foot]}, default: metre}
  maybe: boolean?
outputs:
  place: {type: {type: record, fields: {name: string, height: double}}}
  many: "int[]"
  unit: string
  note: File
  folder: Directory
  nothing: string?
expression: |
  ${
    var note = {"class": "File", "basename": "note.xml", "contents": "<note>of " + inputs.place.name + "</note>"};
    var leaf = {"class": "File", "basename": "leaf.txt", "contents": "leaf"};
    return {
      "place": inputs.place, "many": inputs.many, "unit": inputs.unit, "nothing": null, "note": note,
      "folder": {"class": "Directory", "basename": "folder", "listing": [leaf]}
    };
  }
"""


@dataclass(frozen=True)
class Got:
    """An answer; a document of WPS or OWS has been validated."""

    response: TestResponse
    root: Any

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def text(self) -> str:
        return self.response.get_data(as_text=True)

    def find(self, path: str) -> list[Any]:
        """Elements, texts or attribute values at an XPath with the prefixes of NAMES."""
        assert self.root is not None, self.text
        return list(self.root.xpath(path, namespaces=NAMES))

    def texts(self, path: str) -> list[str]:
        return [str(item.text or "" if hasattr(item, "text") else item) for item in self.find(path)]

    def one(self, path: str) -> str:
        (found,) = self.texts(path)
        return found

    @property
    def state(self) -> str:
        """`ProcessSucceeded`, ..."""
        (found,) = self.find("/wps:ExecuteResponse/wps:Status/*")
        return str(etree.QName(found).localname)

    @property
    def outputs(self) -> list[str]:
        return self.texts("//wps:ProcessOutputs/wps:Output/ows:Identifier")

    def output(self, name: str, path: str = "wps:Data/*") -> Any:
        (found,) = self.find(f"//wps:ProcessOutputs/wps:Output[ows:Identifier='{name}']/{path}")
        return found

    @property
    def failure(self) -> tuple[int, str, str]:
        """HTTP status, exception code and locator of an exception report."""
        assert etree.QName(self.root).localname == "ExceptionReport", self.text
        (found,) = self.root.xpath("//*[local-name()='Exception']")
        assert found.xpath("string()").strip()
        return self.status, found.get("exceptionCode"), found.get("locator") or ""


class Door:
    """Sends requests."""

    def __init__(self, service: Operations, application: Any) -> None:
        self.service = service
        self._client = Client(application)

    def send(self, path: str = "/wps", **options: Any) -> Got:
        response = self._client.open(path, buffered=True, **options)
        root = None
        if response.mimetype == "text/xml" and response.data.lstrip().startswith(b"<"):
            parsed = etree.fromstring(response.data)
            namespace = str(etree.QName(parsed).namespace)
            version = "2.0.0" if namespace.endswith(("wps/2.0", "ows/2.0")) else "1.0.0"
            root = validate(version, response.data) if namespace.startswith("http://www.opengis.net/") else None
        return Got(response, root)

    def get(self, query: str = "", path: str = "/wps", **parameters: str) -> Got:
        """KVP; service and version are added where `query` is not used."""
        return self.send(path, query_string=query or urlencode({"service": "WPS", "version": "1.0.0", **parameters}))

    def post(self, body: str | bytes, path: str = "/wps", kind: str = "text/xml") -> Got:
        return self.send(path, method="POST", data=body, content_type=kind)

    def execute(self, inputs: str = "", form: str = "", process: str = "echo", path: str = "/wps") -> Got:
        """An XML Execute with the content of DataInputs and of ResponseForm."""
        data = f"<wps:DataInputs>{inputs}</wps:DataInputs>" if inputs else ""
        how = f"<wps:ResponseForm>{form}</wps:ResponseForm>" if form else ""
        identifier = f"<ows:Identifier>{process}</ows:Identifier>"
        return self.post(f"<wps:Execute {HEAD}>{identifier}{data}{how}</wps:Execute>", path)

    def kvp(self, inputs: str, tail: str = "", process: str = "echo", path: str = "/wps") -> Got:
        """A KVP Execute whose values are %-escaped in `inputs`."""
        query = f"service=WPS&version=1.0.0&request=Execute&Identifier={process}&DataInputs={inputs}{tail}"
        return self.get(query, path)

    def settled(self, address: str) -> Got:
        """The status document of a job at its end."""
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            parts = urlsplit(address)
            got = self.get(parts.query or "x=y", parts.path)
            if got.state not in ("ProcessAccepted", "ProcessStarted"):
                return got
            time.sleep(0.05)
        raise AssertionError("the job does not end")


def given(name: str, data: str) -> str:
    """An input."""
    return f"<wps:Input><ows:Identifier>{name}</ows:Identifier>{data}</wps:Input>"


def literal(name: str, text: str) -> str:
    return given(name, f"<wps:Data><wps:LiteralData>{text}</wps:LiteralData></wps:Data>")


def content(name: str, text: str, attributes: str = "") -> str:
    return given(name, f"<wps:Data><wps:ComplexData {attributes}>{text}</wps:ComplexData></wps:Data>")


def make_door(service: Operations, configuration: dict[str, Any]) -> Door:
    """The door in front of nothing."""
    settings = load_settings(configuration["server"]["manager"])
    door = wps_door(service, configuration, settings, "")
    return Door(service, with_wps(_nothing, door, settings.wps, "", frozenset({"processes", "jobs"})))


def _nothing(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
    start_response("418 I'm a teapot", [("Content-Type", "text/plain")])
    return [b"not WPS"]


@pytest.fixture(scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found = default_configuration(BASE, tmp_path_factory.mktemp("wps"))
    wps = Wps(zoo_loader=True).model_dump(mode="json")
    found["server"]["manager"] |= {"staging": {"allow_internal": True}, "wps": wps}
    return found


@pytest.fixture(scope="session")
def wired(configuration: dict[str, Any]) -> Iterator[Wired]:
    made = wire(configuration)
    made.start_background()
    made.service.deploy(ANONYMOUS, Deployment(REPORT.encode(), "application/cwl+yaml"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def door(wired: Wired, configuration: dict[str, Any]) -> Door:
    return make_door(wired.service, configuration)


class _Host(BaseHTTPRequestHandler):
    """Gives documents, and for a POST what was sent to it."""

    folder: dict[str, bytes]
    seen: list[tuple[str, str, dict[str, str], bytes]]

    def do_GET(self) -> None:
        self._answer(self.folder.get(self.path), b"")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(b"posted: " + body if self.path == "/echo" else None, body)

    def _answer(self, content: bytes | None, body: bytes) -> None:
        self.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "http://10.0.0.1/secret")
            self.end_headers()
            return
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Host:
    """A web server of a stranger."""

    url: str
    folder: dict[str, bytes]
    seen: list[tuple[str, str, dict[str, str], bytes]]


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    folder: dict[str, bytes] = {"/word.txt": b"word\n", "/number.txt": b"12", "/note.txt": b"a note", "/b64": b"YWJj"}
    seen: list[tuple[str, str, dict[str, str], bytes]] = []
    handler = type("Handler", (_Host,), {"folder": folder, "seen": seen})
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler))
    thread = Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield Host(f"http://127.0.0.1:{served.server_address[1]}", folder, seen)
    served.shutdown()
    thread.join(10)
    served.server_close()
