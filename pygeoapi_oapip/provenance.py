"""Where the results of a job come from, as PROV-JSON (Part 4 provenance; https://www.w3.org/submissions/prov-json/)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from . import __version__
from .model.execution import ExecutionRequest
from .model.job import Job, Phase
from .model.value import DirectoryOutput, FileOutput, Inline, OutputValue, output_from_json, references_of
from .statusinfo import timestamp

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST = 1000
"""Characters of a value that the document repeats; the rest is at the address of the inputs."""


def provenance(job: Job, address: str, process: str) -> dict[str, Any]:
    """The PROV-JSON document of a job.

    Args:
        job: in any state; what is not known yet is not there.
        address: of the job, which its entities are named below.
        process: address of the process description, the plan of the activity.

    Returns:
        An activity (the job), the agents that are behind it (its owner, this server), the entities that it used and
        made, and the relations between them.
    """
    found: dict[str, Any] = {
        "prefix": {"job": f"{address}/", "oapip": "urn:pygeoapi-oapip:", "xsd": "http://www.w3.org/2001/XMLSchema#"},
        "activity": {"job:activity": _activity(job)},
        "agent": {
            "oapip:server": {"prov:type": _name("prov:SoftwareAgent"), "prov:label": f"pygeoapi-oapip {__version__}"},
            f"oapip:user-{_local(job.owner)}": {"prov:type": _name("prov:Person"), "prov:label": job.owner},
        },
        "entity": {
            "job:process": {"prov:type": _name("prov:Plan"), "prov:label": job.process_id, **_location(process)},
        },
        "wasAssociatedWith": {
            "_:server": {"prov:activity": "job:activity", "prov:agent": "oapip:server", "prov:plan": "job:process"},
        },
        "actedOnBehalfOf": {
            "_:owner": {"prov:delegate": "oapip:server", "prov:responsible": f"oapip:user-{_local(job.owner)}"},
        },
    }
    _add_inputs(found, job)
    _add_outputs(found, job, address)
    return found


def _activity(job: Job) -> dict[str, Any]:
    moments = (("prov:startTime", job.started), ("prov:endTime", job.finished))
    return {
        **{name: timestamp(moment) for name, moment in moments if moment is not None},
        "prov:label": job.id,
        "oapip:status": job.status.value,
        "oapip:processRevision": job.process_revision,
    }


def _add_inputs(found: dict[str, Any], job: Job) -> None:
    used: dict[str, Any] = {}
    for input_id, value in ExecutionRequest.from_json(job.request).inputs.items():
        name = f"job:inputs/{_local(input_id)}"
        entity: dict[str, Any] = {"prov:label": input_id}
        references = [reference.href for reference in references_of(value)]
        if references:
            entity["prov:location"] = [_uri(href) for href in references]
        elif isinstance(value, Inline):
            entity["prov:value"] = json.dumps(value.value, ensure_ascii=False, default=list)[:_LONGEST]
        found["entity"][name] = entity
        used[f"_:used-{_local(input_id)}"] = {"prov:activity": "job:activity", "prov:entity": name}
    if used:
        found["used"] = used


def _add_outputs(found: dict[str, Any], job: Job, address: str) -> None:
    if job.phase is not Phase.SUCCESSFUL:
        return
    asked = ExecutionRequest.from_json(job.request).outputs
    made: dict[str, Any] = {}
    for output_id, stored in (job.outputs or {}).items():
        if asked is not None and output_id not in asked:
            continue
        assert isinstance(stored, Mapping)
        name = f"job:results/{_local(output_id)}"
        where = _location(f"{address}/results/{quote(output_id, safe='')}")
        found["entity"][name] = {"prov:label": output_id, **where, **_about(output_from_json(stored))}
        relation: dict[str, Any] = {"prov:entity": name, "prov:activity": "job:activity"}
        if job.finished is not None:
            relation["prov:time"] = timestamp(job.finished)
        made[f"_:made-{_local(output_id)}"] = relation
    if made:
        found["wasGeneratedBy"] = made


def _about(value: OutputValue) -> dict[str, Any]:
    if isinstance(value, FileOutput):
        return {"oapip:mediaType": value.media_type, "oapip:size": value.size, "oapip:name": value.name}
    return {"oapip:name": value.name} if isinstance(value, DirectoryOutput) else {}


def _local(text: str) -> str:
    """A part of a name that is the same for no other text, in letters that names may have."""
    return _UNSAFE.sub(lambda match: "".join(f".{byte:02X}" for byte in match[0].encode("utf-8", "replace")), text)


def _name(text: str) -> dict[str, str]:
    return {"$": text, "type": "prov:QUALIFIED_NAME"}


def _uri(href: str) -> dict[str, str]:
    return {"$": href, "type": "xsd:anyURI"}


def _location(href: str) -> dict[str, Any]:
    return {"prov:location": _uri(href)}
