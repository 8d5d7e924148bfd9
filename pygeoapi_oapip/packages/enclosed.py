"""A package that is kept inside a job's request: that of an ad-hoc execution, which lives and ends with its job.

It is compressed, so that a large package does not slow down the many reads of the job's row.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import asdict, replace

from ..model.execution import PROCESS_OWNER, SECRET_INPUTS, ExecutionRequest
from ..model.identity import ANONYMOUS_NAME
from ..model.json import JSONObject
from ..model.process import Package, Process
from ..model.quota import RESOURCES
from .cwltypes import CWLType, TypeReader
from .document import find_process
from .remote import is_remote
from .resources import demand
from .wrap_tools import declared_secrets

_MEMBER = "package"


def enclose(request: JSONObject, package: Package) -> JSONObject:
    """The stored form of a request (`ExecutionRequest.to_json`) with a package beside its members."""
    members = asdict(package) | {"source": base64.b64encode(package.source).decode("ascii")}
    packed = zlib.compress(json.dumps(members).encode("ascii"), 6)
    return {**request, _MEMBER: base64.b64encode(packed).decode("ascii")}


def enclosed_package(request: JSONObject) -> Package | None:
    """The package that `enclose` put into a request; None where there is none."""
    packed = request.get(_MEMBER)
    if not isinstance(packed, str):
        return None
    package = Package(**json.loads(zlib.decompress(base64.b64decode(packed))))
    return replace(package, source=base64.b64decode(package.source))


def stored_request(process: Process, request: ExecutionRequest) -> JSONObject:
    """The stored form of a request, with the owner of the process and what its package asks for; with the package where
    no process of the store has it (revision 0)."""
    stored = request.to_json()
    if process.package is not None and not is_remote(process.package):
        wanted = demand(process.package.document)
        stored = {**stored, RESOURCES: [wanted.cores, wanted.memory]}
        if names := secret_inputs(process.package):
            stored = {**stored, SECRET_INPUTS: list(names)}
    if process.owner != ANONYMOUS_NAME:
        stored = {**stored, PROCESS_OWNER: process.owner}
    if process.revision == 0 and process.package is not None:
        return enclose(stored, process.package)
    return stored


def secret_inputs(package: Package) -> tuple[str, ...]:
    """The inputs whose texts a package declares to be secret (`cwltool:Secrets`); what is no text cannot be."""
    if is_remote(package) or not declared_secrets(find_process(package.document, package.entry)):
        return ()
    reader = TypeReader(package.document, package.entry)
    declared = declared_secrets(reader.process)
    return tuple(item.id for item in reader.inputs() if item.id in declared and _is_text(item.type))


def _is_text(cwl: CWLType) -> bool:
    return _is_text(cwl.items[0]) if cwl.kind == "array" else cwl.kind == "string"
