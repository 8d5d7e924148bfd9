from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pygeoapi_oapip.model.execution import ExecutionRequest, OutputRequest
from pygeoapi_oapip.model.job import Job, Phase
from pygeoapi_oapip.model.value import FileOutput, Inline, InputValue, Literal, Many, Reference, output_to_json
from pygeoapi_oapip.provenance import provenance

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ADDRESS = "https://server.test/jobs/1"
OUTPUTS = {
    "map": output_to_json(FileOutput("outputs/map.tif", "map.tif", "image/tiff", 7)),
    "score": output_to_json(Literal(1)),
}


def told(job: Job) -> dict[str, Any]:
    document = provenance(job, ADDRESS, "https://server.test/processes/p")
    names = {name for kind in ("entity", "agent", "activity") for name in document[kind]}
    for relation in ("used", "wasGeneratedBy", "wasAssociatedWith", "actedOnBehalfOf"):
        for row in document.get(relation, {}).values():
            assert {value for key, value in row.items() if key != "prov:time"} <= names
    prefixes = {name.partition(":")[0] for name in names}
    assert prefixes <= set(document["prefix"])
    json.dumps(document, allow_nan=False)
    return document


def job(request: ExecutionRequest, **changes: Any) -> Job:
    return replace(Job.new("p", 3, "alice", "local", request.to_json()), created=NOON, **changes)


def test_inputs_are_what_the_activity_used() -> None:
    inputs: dict[str, InputValue] = {
        "size": Inline(3),
        "scene": Reference("https://data.test/a.tif", "image/tiff"),
        "tiles": Many((Reference("https://data.test/1.tif", ""), Reference("https://data.test/2.tif", ""))),
        "odd name/ä": Inline("x" * 5000),
    }
    document = told(job(ExecutionRequest(inputs)))
    assert len(document["used"]) == 4
    assert document["entity"]["job:inputs/size"] == {"prov:label": "size", "prov:value": "3"}
    assert [one["$"] for one in document["entity"]["job:inputs/tiles"]["prov:location"]] == [
        "https://data.test/1.tif",
        "https://data.test/2.tif",
    ]
    odd = next(entity for entity in document["entity"].values() if entity["prov:label"] == "odd name/ä")
    assert len(odd["prov:value"]) == 1000
    assert "wasGeneratedBy" not in document


def test_outputs_are_what_it_made() -> None:
    done = job(ExecutionRequest({})).advance(Phase.RUNNING, NOON)
    done = done.advance(Phase.SUCCESSFUL, NOON + timedelta(seconds=5), outputs=OUTPUTS)
    document = told(done)
    assert set(document["wasGeneratedBy"]) == {"_:made-map", "_:made-score"}
    assert document["wasGeneratedBy"]["_:made-map"]["prov:time"] == "2026-01-01T12:00:05.000Z"
    made = document["entity"]["job:results/map"]
    assert made["prov:location"]["$"] == f"{ADDRESS}/results/map"
    assert made["oapip:mediaType"] == "image/tiff"
    activity = document["activity"]["job:activity"]
    assert activity["prov:startTime"] == "2026-01-01T12:00:00.000Z"
    assert activity["prov:endTime"] == "2026-01-01T12:00:05.000Z"
    assert activity["oapip:processRevision"] == 3


@pytest.mark.parametrize(("outputs", "made"), [({"map": OutputRequest()}, 1), ({}, 0), (None, 2)])
def test_only_outputs_that_were_asked_for_are_told(outputs: dict[str, OutputRequest] | None, made: int) -> None:
    done = job(ExecutionRequest({}, outputs), phase=Phase.SUCCESSFUL, outputs=OUTPUTS)
    assert len(told(done).get("wasGeneratedBy", {})) == made


def test_the_owner_is_behind_the_server() -> None:
    document = told(job(ExecutionRequest({})))
    assert document["agent"]["oapip:user-alice"]["prov:label"] == "alice"
    assert document["wasAssociatedWith"]["_:server"]["prov:plan"] == "job:process"
    assert document["actedOnBehalfOf"]["_:owner"]["prov:responsible"] == "oapip:user-alice"


def test_a_failed_job_made_nothing() -> None:
    failed = job(ExecutionRequest({}), phase=Phase.FAILED, outputs=OUTPUTS)
    assert "wasGeneratedBy" not in told(failed)
