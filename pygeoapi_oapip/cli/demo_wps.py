"""The demo's requests of a WPS client, in the XML of both versions."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from .client import Client
from .demo_checks import DemoFailed, must

_WPS_1, _OWS_1 = "http://www.opengis.net/wps/1.0.0", "http://www.opengis.net/ows/1.1"
_WPS_2, _OWS_2 = "http://www.opengis.net/wps/2.0", "http://www.opengis.net/ows/2.0"
_TIFF = "image/tiff; subtype=geotiff"
_PATIENCE = 120.0
"""Seconds for one job."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A job over WPS."""

    cells: object
    """The output of that name."""
    told: str
    """What the server said of the job's state, first and last."""


def synchronous(client: Client, process_id: str, raster: Path, thresholds: Sequence[float]) -> Ran:
    """Execute of 1.0.0 that waits for its end. Raises DemoFailed."""
    return _ended(_send(client, _execute_1(process_id, raster, thresholds, "")), "")


def asynchronous(client: Client, process_id: str, raster: Path, thresholds: Sequence[float]) -> Ran:
    """Execute of 1.0.0 with a status document, which is asked until the end. Raises DemoFailed."""
    stored = ' storeExecuteResponse="true" status="true"'
    document = _send(client, _execute_1(process_id, raster, thresholds, stored))
    first, location = _state_1(document), document.get("statusLocation", "")
    until = time.monotonic() + _PATIENCE
    while _state_1(document) in ("ProcessAccepted", "ProcessStarted") and time.monotonic() < until:
        time.sleep(0.2)
        document = ElementTree.fromstring(client.request("GET", location).content)
    return _ended(document, f"{first} → ")


def version_2(client: Client, process_id: str, raster: Path, thresholds: Sequence[float]) -> Ran:
    """Execute, GetStatus and GetResult of 2.0.0. Raises DemoFailed."""
    document = _send(client, _execute_2(process_id, raster, thresholds))
    job_id, first = _text(document, f"{{{_WPS_2}}}JobID"), _text(document, f"{{{_WPS_2}}}Status")
    query = f"wps?service=WPS&version=2.0.0&jobId={job_id}&request="
    last, until = first, time.monotonic() + _PATIENCE
    while last in ("Accepted", "Running") and time.monotonic() < until:
        time.sleep(0.2)
        last = _text(_get(client, query + "GetStatus"), f"{{{_WPS_2}}}Status")
    must(last == "Succeeded", f"the job of WPS 2.0.0 succeeds (it says {last})")
    data = _get(client, query + "GetResult").find(f"{{{_WPS_2}}}Output[@id='cells']/{{{_WPS_2}}}Data")
    must(data is not None, "the result has the output `cells`")
    return Ran(json.loads("" if data is None else data.text or ""), f"{first} → {last}")


def _execute_1(process_id: str, raster: Path, thresholds: Sequence[float], flags: str) -> str:
    def given(name: str, data: str) -> str:
        return f"<wps:Input><ows:Identifier>{name}</ows:Identifier><wps:Data>{data}</wps:Data></wps:Input>"

    image = f'<wps:ComplexData mimeType="{_TIFF}" encoding="base64">{_base64(raster)}</wps:ComplexData>'
    limits = "".join(given("thresholds", f"<wps:LiteralData>{limit}</wps:LiteralData>") for limit in thresholds)
    return (
        f'<wps:Execute service="WPS" version="1.0.0" xmlns:wps="{_WPS_1}" xmlns:ows="{_OWS_1}">'
        f"<ows:Identifier>{escape(process_id)}</ows:Identifier>"
        f"<wps:DataInputs>{given('raster', image)}{limits}</wps:DataInputs>"
        f"<wps:ResponseForm><wps:ResponseDocument{flags}><wps:Output><ows:Identifier>cells</ows:Identifier></wps:Output>"
        "</wps:ResponseDocument></wps:ResponseForm></wps:Execute>"
    )


def _execute_2(process_id: str, raster: Path, thresholds: Sequence[float]) -> str:
    limits = "".join(f'<wps:Input id="thresholds"><wps:Data>{limit}</wps:Data></wps:Input>' for limit in thresholds)
    image = f'<wps:Data mimeType="{_TIFF}" encoding="base64">{_base64(raster)}</wps:Data>'
    return (
        f'<wps:Execute service="WPS" version="2.0.0" mode="async" response="document" xmlns:wps="{_WPS_2}"'
        f' xmlns:ows="{_OWS_2}"><ows:Identifier>{escape(process_id)}</ows:Identifier>'
        f'<wps:Input id="raster">{image}</wps:Input>{limits}<wps:Output id="cells" transmission="value"/></wps:Execute>'
    )


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


def _send(client: Client, body: str) -> ElementTree.Element:
    headers = {"Content-Type": "text/xml", "Accept": "*/*"}
    return ElementTree.fromstring(client.request("POST", "wps", data=body.encode(), headers=headers).content)


def _get(client: Client, target: str) -> ElementTree.Element:
    return ElementTree.fromstring(client.request("GET", target).content)


def _state_1(document: ElementTree.Element) -> str:
    status = document.find(f"{{{_WPS_1}}}Status")
    if status is None or len(status) == 0:
        raise DemoFailed(f"WPS answers with a status (it answered {document.tag})")
    return status[0].tag.rpartition("}")[2]


def _ended(document: ElementTree.Element, before: str) -> Ran:
    state = _state_1(document)
    must(state == "ProcessSucceeded", f"the job of WPS 1.0.0 succeeds (it says {state})")
    data = document.find(f".//{{{_WPS_1}}}Output/{{{_WPS_1}}}Data/{{{_WPS_1}}}ComplexData")
    must(data is not None, "the answer has the output `cells`")
    return Ran(json.loads("" if data is None else data.text or ""), f"{before}{state}")


def _text(document: ElementTree.Element, tag: str) -> str:
    found = document.find(tag)
    if found is None or not found.text:
        raise DemoFailed(f"WPS 2.0.0 answers with {tag.rpartition('}')[2]} (it answered {document.tag})")
    return found.text
