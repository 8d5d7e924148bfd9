"""OWSLib's WPS client, unchanged. Its version 2.0.0 reads nothing of 2.0.0, and sends Execute of 1.0.0 all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from lxml import etree
from owslib.ows import BoundingBox
from owslib.util import ServiceException
from owslib.wps import (
    SYNC,
    BoundingBoxDataInput,
    ComplexDataInput,
    WebProcessingService,
    WPSExecution,
    monitorExecution,
)

from pygeoapi_oapip.testing.live_server import LiveServer

SURVEY = [("document", ComplexDataInput("a\nb\n", mimeType="text/plain")), ("names", "x"), ("names", "y")]


@pytest.fixture(scope="module")
def client(wps: str) -> WebProcessingService:
    return WebProcessingService(wps, version="1.0.0")


@pytest.fixture(scope="module", params=["1.0.0", "2.0.0"])
def either(wps: str, request: pytest.FixtureRequest) -> Iterator[WebProcessingService]:
    yield WebProcessingService(wps, version=request.param)


def values(execution: WPSExecution) -> dict[str, list[object]]:
    assert execution.isSucceeded(), (execution.status, [error.text for error in execution.errors])
    return {output.identifier: output.data for output in execution.processOutputs}


def refused(error: ServiceException) -> tuple[str | None, str | None]:
    """Code and locator of the report that an exception of OWSLib holds."""
    exception = etree.fromstring(str(error).encode())[0]
    return exception.get("exceptionCode"), exception.get("locator")


def test_capabilities_name_the_service_and_every_process(client: WebProcessingService, server: LiveServer) -> None:
    assert client.identification.title and client.provider.name
    assert {operation.name for operation in client.operations} == {"GetCapabilities", "DescribeProcess", "Execute"}
    listed = {item["id"] for item in server.get("/processes?limit=1000").json()["processes"]}
    assert {process.identifier for process in client.processes} == listed and len(listed) > 50
    assert all(process.abstract and process.title for process in client.processes)


def test_capabilities_of_version_2_are_read_as_far_as_it_can(wps: str) -> None:
    client = WebProcessingService(wps, version="2.0.0")
    assert client.identification.title and client.provider.name
    names = {operation.name for operation in client.operations}
    assert {"GetCapabilities", "DescribeProcess", "Execute", "GetStatus", "GetResult", "Dismiss"} <= names


def test_description_has_types_defaults_choices_and_formats(client: WebProcessingService) -> None:
    process = client.describeprocess("survey")
    inputs = {item.identifier: item for item in process.dataInputs}
    assert process.storeSupported and process.statusSupported
    assert inputs["document"].dataType == "ComplexData" and inputs["document"].minOccurs == 1
    assert "text/plain" in [value.mimeType for value in inputs["document"].supportedValues]
    assert inputs["factor"].dataType in ("float", "double") and inputs["factor"].defaultValue == 1.5
    assert inputs["unit"].allowedValues == ["metre", "foot"] and inputs["unit"].defaultValue == "metre"
    assert inputs["names"].minOccurs == 0 and inputs["names"].maxOccurs > 1
    outputs = {item.identifier: item for item in process.processOutputs}
    assert outputs["lines"].dataType == "integer"
    assert "image/tiff; subtype=geotiff" in [value.mimeType for value in outputs["map"].supportedValues]


def test_all_processes_are_described_at_once(client: WebProcessingService) -> None:
    assert len(client.describeprocess("all")) == len(client.processes)


def test_unknown_process_is_an_exception_that_names_it(client: WebProcessingService) -> None:
    with pytest.raises(ServiceException) as caught:
        client.describeprocess("nothing")
    assert refused(caught.value) == ("InvalidParameterValue", "Identifier")


def test_synchronous_execution_gives_values_of_all_types(either: WebProcessingService) -> None:
    inputs = [*SURVEY, ("factor", "2.5"), ("unit", "foot")]
    names = ["lines", "mean", "said", "table"]
    found = values(either.execute("survey", inputs, output=[(name, False) for name in names], mode=SYNC))
    assert set(found) == set(names)
    assert found["lines"] == ["2"] and [float(str(item)) for item in found["mean"]] == [5.0]
    assert found["said"] == ["x y foot"] and found["table"] == ["1,a\n2,b"]


def test_asynchronous_execution_is_followed_to_its_end(either: WebProcessingService, server: LiveServer) -> None:
    execution = either.execute("survey", SURVEY, output=[("lines", False), ("table", True)])
    assert execution.statusLocation
    monitorExecution(execution, sleepSecs=0.2)
    assert values(execution)["lines"] == ["2"] and execution.percentCompleted == 100
    table = next(output for output in execution.processOutputs if output.identifier == "table")
    assert table.mimeType == "text/csv" and table.retrieveData() == b"1,a\n2,b\n"
    job_id = server.get("/jobs?limit=1").json()["jobs"][0]["jobID"]
    assert job_id in table.reference


def test_outputs_by_reference_are_saved_to_files(client: WebProcessingService, tmp_path: Path) -> None:
    execution = client.execute("survey", SURVEY, output=[("map", True)], mode=SYNC)
    execution.getOutput(str(tmp_path / "map.tif"), identifier="map")
    assert (tmp_path / "map.tif").read_bytes() == b"II*\0" + bytes(range(200))


@pytest.mark.parametrize("kind", ["image/tiff", "image/tiff; subtype=geotiff", None])
def test_a_tiff_is_had_under_each_of_its_names(client: WebProcessingService, kind: str | None) -> None:
    execution = client.execute("survey", SURVEY, output=[("map", True, kind)], mode=SYNC)
    assert values(execution) == {"map": []}
    assert execution.processOutputs[0].mimeType in ("image/tiff", kind, "image/tiff; subtype=geotiff")


def test_complex_input_by_reference(client: WebProcessingService, host: str) -> None:
    inputs = [("document", ComplexDataInput(f"{host}/lines.txt", mimeType="text/plain"))]
    assert values(client.execute("survey", inputs, output=[("lines", False)], mode=SYNC))["lines"] == ["3"]


@pytest.mark.parametrize(
    ("crs", "corners"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", [11.0, 46.2, 11.6, 46.6]),
        ("EPSG:4326", [46.2, 11.0, 46.6, 11.6]),
        (None, [46.2, 11.0, 46.6, 11.6]),
    ],
)
def test_bounding_box_goes_in_and_comes_out(
    client: WebProcessingService, crs: str | None, corners: list[float]
) -> None:
    """OWSLib writes numbers as they are given, in EPSG:4326 where nothing is said, and reads that as latitude first."""
    box = BoundingBoxDataInput(corners, crs=crs)
    found = values(client.execute("echo", [("bbox", box)], output=[("bbox", False)], mode=SYNC))["bbox"][0]
    assert isinstance(found, BoundingBox)
    assert [float(item) for item in (found.minx, found.miny, found.maxx, found.maxy)] == [11.0, 46.2, 11.6, 46.6]


def test_lineage_repeats_inputs_and_outputs(client: WebProcessingService) -> None:
    execution = client.execute("survey", SURVEY, output=[("lines", False)], mode=SYNC, lineage=True)
    assert [item.identifier for item in execution.dataInputs] == ["document", "names", "names"]
    assert b"OutputDefinitions" in requests.post(execution.url, execution.request, timeout=240).content


def test_a_job_that_fails_is_a_status_with_the_reason(either: WebProcessingService) -> None:
    execution = either.execute("fails", [], output=[("said", False)])
    monitorExecution(execution, sleepSecs=0.2)
    assert execution.status in ("ProcessFailed", "Exception") and not execution.isSucceeded()
    assert execution.errors and "exit" in str(execution.errors[0].text)


@pytest.mark.parametrize(
    ("inputs", "code", "locator"),
    [
        ([], "MissingParameterValue", "document"),
        ([*SURVEY, ("nothing", "1")], "InvalidParameterValue", "nothing"),
        ([*SURVEY, ("factor", "much")], "InvalidParameterValue", "factor"),
        ([*SURVEY, ("unit", "mile")], "InvalidParameterValue", "unit"),
    ],
)
def test_wrong_inputs_are_refused_with_code_and_locator(
    client: WebProcessingService, inputs: list[tuple[str, object]], code: str, locator: str
) -> None:
    with pytest.raises(ServiceException) as caught:
        client.execute("survey", inputs, output=[("lines", False)], mode=SYNC)
    assert refused(caught.value) == (code, locator)
