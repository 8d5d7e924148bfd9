"""Where the files of a job are: for this server, and in the pods. docs/engines/calrissian.md has the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...model.json import JSONObject
from ...settings_calrissian import CalrissianVolumes
from .names import job_name

_ROOT = "/calrissian"
_SCRATCH = "work/tmp"
_EXCHANGE = "/exchange"
"""Where the claims are mounted that the server shares, if jobs work in a volume of their own."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A claim in the leader's pod."""

    claim: str
    sub_path: str
    path: str
    read_only: bool = False

    def volume(self) -> JSONObject:
        """The pod's volume; Calrissian names it after the claim, too."""
        return {"name": self.claim, "persistentVolumeClaim": {"claimName": self.claim}}

    def mount(self) -> JSONObject:
        """The container's mount."""
        more: dict[str, str | bool] = {"subPath": self.sub_path} if self.sub_path else {}
        if self.read_only:
            more["readOnly"] = True
        return {"name": self.claim, "mountPath": self.path, **more}


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one job. `in` and `out` may be the same one."""

    server_in: Path
    """Where this server puts the package, the inputs and the plan."""
    server_out: Path
    """Where it finds outputs, logs and the report."""
    pod_in: str
    pod_out: str
    outdir: str
    """Where Calrissian collects the outputs."""
    inputs: str
    """Where Calrissian finds the inputs."""
    tmp: str
    mounts: tuple[Mount, ...]
    own_claim: str = ""
    """Name of the claim that is made for this job; "" where there is none."""
    secret: str = ""
    """Name of the Secret by which the pod exchanges files with a bucket; "" where both share a volume."""

    @property
    def bring_in(self) -> list[tuple[str, str]]:
        """Folders that are copied in the pod before Calrissian starts."""
        return [(f"{self.pod_in}/inputs", self.inputs)] if self.own_claim and not self.secret else []

    @property
    def take_out(self) -> list[tuple[str, str]]:
        """Folders that are copied in the pod after its success."""
        return [(self.outdir, f"{self.pod_out}/outputs")] if self.own_claim and not self.secret else []


def places(volumes: CalrissianVolumes, job_id: str, workspace: Path) -> Places:
    """The folders of a job.

    Args:
        volumes: the settings.
        job_id: as the server has it.
        workspace: the job's folder on this server.
    """
    if volumes.exchange is not None:
        return _exchanged_by_bucket(job_id, workspace)
    name = workspace.name
    root = _EXCHANGE if volumes.storage_class is not None else _ROOT
    if volumes.claim:
        shared = (Mount(volumes.claim, _joined(volumes.path, name), f"{root}/job"),)
        found = _with_tmp(volumes, job_id, shared, (workspace, workspace))
    else:
        assert volumes.input_folder is not None and volumes.output_folder is not None
        roots = (volumes.input_folder / name, volumes.output_folder / name)
        found = _with_tmp(volumes, job_id, tuple(_exchanged(volumes, name, root)), roots)
    return found


def _exchanged_by_bucket(job_id: str, workspace: Path) -> Places:
    name = job_name(job_id)
    return Places(
        server_in=workspace,
        server_out=workspace,
        pod_in=_ROOT,
        pod_out=_ROOT,
        outdir=f"{_ROOT}/outputs",
        inputs=f"{_ROOT}/inputs",
        tmp=f"{_ROOT}/tmp",
        mounts=(Mount(name, "", _ROOT),),
        own_claim=name,
        secret=name,
    )


def _exchanged(volumes: CalrissianVolumes, name: str, root: str) -> Iterator[Mount]:
    if volumes.input_claim == volumes.output_claim:
        yield Mount(volumes.input_claim, name, f"{root}/job")
        return
    yield Mount(volumes.input_claim, name, f"{root}/input-data", read_only=True)
    yield Mount(volumes.output_claim, name, f"{root}/output-data")


def _with_tmp(volumes: CalrissianVolumes, job_id: str, shared: tuple[Mount, ...], roots: tuple[Path, Path]) -> Places:
    pod_in, pod_out = shared[0].path, shared[-1].path
    outdir, inputs, tmp = f"{pod_out}/outputs", f"{pod_in}/inputs", f"{pod_out}/{_SCRATCH}"
    own_claim = ""
    if volumes.storage_class is not None:
        own_claim = job_name(job_id)
        # the job's own volume comes first: Calrissian takes the first claim that a path begins with
        shared = (Mount(own_claim, "", _ROOT), *shared)
        outdir, inputs, tmp = f"{_ROOT}/outputs", f"{_ROOT}/inputs", f"{_ROOT}/tmp"
    elif volumes.tmp_claim and volumes.tmp_claim not in {mount.claim for mount in shared}:
        shared = (*shared, Mount(volumes.tmp_claim, "", f"{_ROOT}/tmpout"))
        tmp = f"{_ROOT}/tmpout/{job_name(job_id)}"
    return Places(roots[0], roots[1], pod_in, pod_out, outdir, inputs, tmp, shared, own_claim)


def _joined(folder: str, name: str) -> str:
    return f"{folder.strip('/')}/{name}" if folder.strip("/") else name
