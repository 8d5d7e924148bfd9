"""Makes and removes what a job has in the cluster. Each call may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...errors import EngineUnavailable, PlanRejected
from ...model.execution import Plan
from ...model.json import JSON, JSONObject
from ...model.run import JobID, RunRef
from ...packages.checksums import reads_checksums
from ...packages.resources import disk
from ...settings import CalrissianEngine as Settings
from . import manifest, namespaces, sealing
from .client import Cluster, Refused, make_once
from .exchange import Exchange
from .folder import JobFolder
from .names import JOB, job_name, namespace_of, selector
from .places import Places

_CONFLICT, _INVALID = 409, (400, 413, 422)


def reference(engine: str, settings: Settings, plan: Plan) -> RunRef:
    """The run of a plan."""
    namespace = namespace_of(settings.namespace, plan.owner, plan.job_id)
    state: JSONObject = {"workspace": str(plan.workspace.absolute()), "namespace": namespace}
    if settings.per_job:
        state = {**state, "own_namespace": True}
    return RunRef(engine, plan.job_id, job_name(plan.job_id), state)


def job_path(run: RunRef) -> str:
    """Of the API."""
    return f"{jobs_path(namespace(run))}/{run.external_id}"


def jobs_path(name: str) -> str:
    """Of the Jobs of a namespace."""
    return f"/apis/batch/v1/namespaces/{name}/jobs"


def namespace(run: RunRef) -> str:
    """Where a run's objects are."""
    return str(run.state["namespace"])


def write(settings: Settings, plan: Plan, folder: JobFolder) -> None:
    """Put all that the pod needs where it finds it. Raises OSError."""
    folder.make(settings.run_as_user, settings.run_as_group)
    package = plan.package
    folder.write_plan(_plan(settings, plan, folder.where), package.document, plan.job_order)
    folder.decide("package", {"document": package.document, "entry": package.entry})
    folder.decide("planned", {"process": plan.process_id, "steps": _steps(package.document)})


def create(
    settings: Settings, cluster: Cluster, plan: Plan, folder: JobFolder, exchange: Exchange | None
) -> Mapping[str, Any]:
    """Make the Job, or adopt it, and its volume and Secret; gives the Job.

    Raises:
        EngineUnavailable: the cluster is away, or refuses for now (quota, missing rights).
        PlanRejected: the cluster says that the Job is not valid, or does not let this server make Secrets.
    """
    home = namespace_of(settings.namespace, plan.owner, plan.job_id)
    body = manifest.job(settings, plan.job_id, plan.process_id, folder.where, bool(plan.secrets))
    content = {**({} if exchange is None else exchange.secret(plan.job_id)), **sealing.content(plan.secrets)}
    try:
        if plan.secrets:
            sealing.require_right(cluster, home)
        namespaces.ensure(settings, cluster, plan)
        job = _made(cluster, jobs_path(home), body)
        owned = (settings, plan.job_id, plan.process_id, job["metadata"])
        if content:
            # not adopted: this server may not read Secrets, and its name is that of the Job, which was
            secret = manifest.secret(*owned, content)
            make_once(cluster, f"/api/v1/namespaces/{home}/secrets", secret)
        if folder.where.own_claim:
            claim = manifest.claim(*owned, volume_size(settings, plan.package.document))
            _made(cluster, f"/api/v1/namespaces/{home}/persistentvolumeclaims", claim)
        return job
    except Refused as refusal:
        if refusal.status in _INVALID:
            raise PlanRejected(f"the cluster refuses the job: {refusal.message}") from refusal
        raise EngineUnavailable(f"the cluster refuses the job for now: {refusal.message}") from refusal


def volume_size(settings: Settings, document: JSONObject) -> int:
    """Bytes for a job's own volume: what the package asks for, at least what the settings say."""
    return max(settings.volumes.size, round(disk(document)))


def remove(cluster: Cluster, run: RunRef) -> None:
    """Remove the Job; the cluster removes its pods, claim and Secret with it. Raises EngineUnavailable."""
    try:
        cluster.delete(job_path(run))
        if run.state.get("own_namespace"):
            namespaces.remove(cluster, namespace(run))
    except Refused as refusal:
        raise EngineUnavailable(f"the cluster does not remove the job: {refusal.message}") from refusal


def left_over(cluster: Cluster, settings: Settings, ended: Callable[[JobID], bool]) -> int:
    """Remove the Jobs of this server whose jobs have ended; gives their number. Jobs of others are left alone.

    Raises:
        EngineUnavailable: the cluster is away, or does not allow it.
    """
    count = 0
    path = "/apis/batch/v1/jobs" if settings.everywhere else jobs_path(settings.namespace)
    try:
        for row in cluster.get(path, labelSelector=selector(settings.instance))["items"]:
            meta = row["metadata"]
            job_id = str((meta.get("annotations") or {}).get(JOB, ""))
            if job_id and ended(job_id):
                count += cluster.delete(f"{jobs_path(meta.get('namespace', settings.namespace))}/{meta['name']}")
        for name, job_id in namespaces.of_jobs(cluster, selector(settings.instance)) if settings.per_job else ():
            if ended(job_id):
                namespaces.remove(cluster, name)
                count += 1
    except Refused as refusal:
        raise EngineUnavailable(f"the cluster refuses it: {refusal.message}") from refusal
    return count


def _made(cluster: Cluster, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return cluster.create(path, body)
    except Refused as refusal:
        if refusal.status != _CONFLICT:
            raise
    found = cluster.get(f"{path}/{body['metadata']['name']}")
    labels = found["metadata"].get("labels") or {}
    if labels.get(JOB) != body["metadata"]["labels"][JOB]:
        raise Refused(_CONFLICT, f"{body['metadata']['name']} exists and belongs to something else")
    return found


def _plan(settings: Settings, plan: Plan, where: Places) -> JSONObject:
    pairs: list[JSON] = [list(pair) for pair in where.bring_in]
    return {
        "process": plan.process_id,
        "in": where.pod_in,
        "out": where.pod_out,
        "outdir": where.outdir,
        "tmp": where.tmp,
        "folders": [where.inputs, where.outdir, where.tmp],
        "bring_in": pairs,
        "take_out": [list(pair) for pair in where.take_out],
        "arguments": _arguments(settings, plan, where),
        "steps": manifest.steps(settings, plan.job_id, plan.process_id),
        "limit_memory": settings.limit_memory,
        "pod_grace": settings.pod_grace,
        "retries": settings.retries,
        "stop_grace": settings.stop_grace,
        "selector": manifest.step_selector(plan.job_id),
        **sealing.planned(plan.job_id, plan.secrets),
    }


def _arguments(settings: Settings, plan: Plan, where: Places) -> list[JSON]:
    """Of calrissian; the last one of a flag counts, so those of the settings come later."""
    run = f"{where.pod_in}/run"
    fragment = plan.package.entry.rpartition("#")[2]
    gpus = ["--max-gpus", str(settings.max_gpus), "--enable-ext"] if settings.max_gpus else []
    return [
        *("--max-ram", str(settings.max_ram)),
        *("--max-cores", f"{settings.max_cores:g}"),
        *gpus,
        *("--outdir", where.outdir),
        *("--tmpdir-prefix", f"{where.tmp}/"),
        *("--tmp-outdir-prefix", f"{where.tmp}/"),
        *("--default-container", settings.default_image),
        *("--usage-report", f"{where.pod_out}/run/usage.json"),
        "--compute-checksum" if reads_checksums(plan.package.document) else "--no-compute-checksum",
        "--disable-color",
        *settings.flags,
        f"{run}/app.cwl#{fragment}" if fragment else f"{run}/app.cwl",
        f"{run}/order.json",
    ]


def _steps(document: JSON) -> int:
    """The number of steps of all workflows in a document."""
    if isinstance(document, Mapping):
        own = document.get("steps") if document.get("class") == "Workflow" else None
        return (len(own) if isinstance(own, Mapping | list) else 0) + sum(map(_steps, document.values()))
    return sum(map(_steps, document)) if isinstance(document, list) else 0
