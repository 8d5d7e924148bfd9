"""Ad-hoc executions, and the package that a job runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from ..adhoc import read_adhoc
from ..errors import NoSuchJob
from ..model.process import AD_HOC
from ..packages.describe import derive_id, describe
from . import asked, bodies, documents
from .door import Door
from .execution_views import answer, with_mode
from .identifiers import checked
from .packages import package_response
from .routes import Route


def execute_cwl(door: Door) -> Response:
    """POST /processes/CWL/execution (Part 3 /req/cwl-workflows/adhoc-cwl-execution)."""
    door.operations.process(door.principal, AD_HOC)  # who may not is told so before his body is looked at
    content_type = request.headers.get("Content-Type", "")
    found = read_adhoc(bodies.read_bytes(), content_type, request.args, bodies.parse)
    how = asked.of_request()
    preference = with_mode(how.prefer.execution, found.request, door.options.max_wait)
    execution = door.operations.execute_cwl(door.principal, found.deployment, found.request, preference)
    return answer(door, execution, how)


def job_package(door: Door, job_id: str) -> Response:
    """GET /jobs/{jobID}/package: what the job runs, also where its process has been replaced or undeployed."""
    job = door.operations.job(door.principal, checked(job_id, NoSuchJob))
    package = door.operations.job_package(door.principal, job_id)
    links = door.links

    def description() -> Mapping[str, Any]:
        named = derive_id(package) if job.process_id == AD_HOC else job.process_id
        return documents.description(describe(package, named or "adhoc"), links)

    return package_response(door, package, description, job.process_id)


ROUTES = (
    Route("/processes/CWL/execution", "POST", execute_cwl),
    Route("/jobs/<job_id>/package", "GET", job_package),
)
