"""The block of an engine of type `calrissian` in the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from .setting_values import Block, Bytes, Seconds, Secret

_OF_THE_ENGINE = frozenset(
    {"type", "namespace", "namespaces", "kubeconfig", "context", "instance", "volumes", "processes", "max_running"}
)
"""Keys that have one value for all processes: they say where a run is found again."""
_NAME = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_TEMPLATE = r"[a-z][-a-z0-9]{0,18}\{(user|job)\}"
"""Leaves 43 characters for a user or a job."""


class CalrissianExchange(Block):
    """A bucket through which all files of jobs go, where server and cluster share no volume. Needs `storage_class`."""

    endpoint: str = Field(pattern=r"^https?://[^/?#@\s]+(/[^?#@\s]*)?$", description="URL of the S3 server.")
    pod_endpoint: str = Field(
        "", pattern=r"^(https?://[^/?#@\s]+(/[^?#@\s]*)?)?$", description="Its URL in the cluster; empty: the same."
    )
    region: str = Field("us-east-1", description="Region of the bucket.")
    bucket: str = Field(pattern="^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="Name of the bucket.")
    prefix: str = Field(
        "oapip-exchange", pattern=r"^[\w=+-]{1,100}(/[\w=+-]{1,100})*$", description="What all keys start with."
    )
    access_key: Secret = Field(repr=False, description="Access key id.")
    secret_key: Secret = Field(repr=False, description="Secret access key.")
    session_token: Secret | None = Field(None, repr=False, description="Of temporary credentials.")

    def access(self, for_pods: bool = False) -> Mapping[str, str]:
        """What a client needs; the endpoint is that of the pods or that of this server."""
        endpoint = (for_pods and self.pod_endpoint) or self.endpoint
        return {
            "endpoint": endpoint.rstrip("/"),
            "region": self.region,
            "bucket": self.bucket,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "session_token": self.session_token or "",
        }


class CalrissianVolumes(Block):
    """Where jobs on Kubernetes work, and how files reach them (docs/engines/calrissian.md)."""

    claim: str = Field("", description="Claim that holds `output_dir`, which this server mounts too.")
    path: str = Field("", description="Folder of that claim which is `output_dir`; empty: the claim itself.")
    input_claim: str = Field("", description="Claim for packages and inputs, where they do not go through `claim`.")
    input_folder: Path | None = Field(None, description="Where this server mounts `input_claim`.")
    output_claim: str = Field("", description="Claim for outputs and logs, where they do not go through `claim`.")
    output_folder: Path | None = Field(None, description="Where this server mounts `output_claim`.")
    tmp_claim: str = Field("", description="Claim for what is between the steps; empty: beside the outputs.")
    storage_class: str | None = Field(
        None, description="Make a volume of this class for each job, and work there; an empty text: the default class."
    )
    size: Bytes = Field(
        10 * 1024**3,
        description="Size of the volume of a job; more where the package asks for more (`tmpdirMin`, `outdirMin`).",
    )
    max_size: Bytes = Field(0, description="Largest size that a package may ask for; 0: no limit.")
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = Field(
        "ReadWriteMany", description="Of the volume of a job; with ReadWriteOnce all its pods run on one node."
    )
    exchange: CalrissianExchange | None = Field(None, description="Bucket for inputs and results, instead of claims.")

    @model_validator(mode="after")
    def _is_one_way(self) -> CalrissianVolumes:
        shared = (self.claim, self.input_claim, self.output_claim, self.tmp_claim)
        if self.exchange is not None:
            if self.storage_class is None or any(shared):
                raise ValueError("exchange: needs storage_class, and no claims")
        elif not self.claim and not (
            self.input_claim and self.input_folder and self.output_claim and self.output_folder
        ):
            raise ValueError("needs claim, or input_claim, input_folder, output_claim and output_folder, or exchange")
        return self


class CalrissianNamespaces(Block):
    """What is made in the namespace of a user or of a job."""

    make: bool = Field(True, description="Make namespaces of users where they are not there; those of jobs always are.")
    role: str = Field("oapip-calrissian", description="ClusterRole that Calrissian's account gets in the namespace.")
    quota: Mapping[str, str | int] = Field(
        default_factory=dict, description="`hard` of a ResourceQuota for the namespace; empty: none."
    )
    secrets_from: str = Field(
        "", description="Namespace from which `pull_secrets` and `env_from_secrets` are copied; empty: they are there."
    )


class CalrissianEngine(Block):
    """Calrissian on Kubernetes: a Job for each job, a pod for each step."""

    type: Literal["calrissian"] = "calrissian"
    namespace: str = Field(
        "default",
        pattern=f"^({_NAME}|{_TEMPLATE})$",
        description="Namespace of jobs and pods; with `{user}` or `{job}` at the end, one for each.",
    )
    namespaces: CalrissianNamespaces = Field(default_factory=CalrissianNamespaces)
    kubeconfig: Path | None = Field(
        None, description="How to reach the cluster; else the account of this server's pod, else `KUBECONFIG`."
    )
    context: str = Field("", description="Context of the kubeconfig; empty: its current one.")
    instance: str = Field(
        "oapip", pattern="^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$", description="Label that tells servers apart."
    )
    image: str = Field("ghcr.io/duke-gcb/calrissian/calrissian:0.18.1", description="Image with Calrissian.")
    default_image: str = Field("alpine:3", description="Image of steps without DockerRequirement.")
    init_image: str = Field("alpine:3", description="Image with a shell, for steps whose output goes to a subfolder.")
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = Field("IfNotPresent", description="Of all images.")
    pull_secrets: tuple[str, ...] = Field((), description="Names of Secrets for private registries.")
    service_account: str = Field("default", description="Account of Calrissian's pod; it makes the pods of the steps.")
    step_service_account: str = Field("", description="Account of the steps; empty: the default one, without a token.")
    max_ram: Bytes = Field(8 * 1024**3, gt=0, description="Memory that the steps of one job share.")
    max_cores: float = Field(4, gt=0, description="Cores that the steps of one job share.")
    max_gpus: int = Field(0, ge=0, description="GPUs that the steps of one job share.")
    node_selector: Mapping[str, str] = Field(default_factory=dict, description="Labels of the nodes for all pods.")
    tolerations: tuple[Mapping[str, Any], ...] = Field((), description="Tolerations of all pods.")
    affinity: Mapping[str, Any] = Field(default_factory=dict, description="Affinity of all pods.")
    labels: Mapping[str, str] = Field(default_factory=dict, description="Further labels of all objects.")
    annotations: Mapping[str, str] = Field(default_factory=dict, description="Annotations of all pods.")
    priority_class: str = Field("", description="Priority class of all pods.")
    env: Mapping[str, str] = Field(default_factory=dict, description="Environment of the steps.")
    env_from_secrets: tuple[str, ...] = Field((), description="Secrets that become environment of the steps.")
    run_as_user: int = Field(1000, ge=0, description="User id of all pods; 0 is root.")
    run_as_group: int = Field(1000, ge=0, description="Group id of all pods, also of their volumes.")
    limit_memory: bool = Field(False, description="End a step that uses more memory than its `ramMin` asks for.")
    max_running: int = Field(0, ge=0, description="Jobs of this server at once; 0: no limit.")
    deadline: Seconds = Field(0, description="Time after which a job is ended as failed; 0: none.")
    pod_grace: Seconds = Field(600, gt=0, description="How long a pod may be unable to start before the job fails.")
    stop_grace: Seconds = Field(5, description="Time between SIGTERM and SIGKILL for pods at dismissal.")
    retries: int = Field(0, ge=0, description="New pods for a job whose pod was killed from outside.")
    ttl: Seconds = Field(86400.0, description="Age after the end at which the cluster itself removes what is left.")
    flags: tuple[str, ...] = Field((), description="Further flags of calrissian.")
    leader: Mapping[str, Any] = Field(
        default_factory=dict, description="Part of a Kubernetes pod template that is laid over Calrissian's pod."
    )
    steps: Mapping[str, Any] = Field(
        default_factory=dict, description="Part of a Kubernetes pod template that is laid over the pods of the steps."
    )
    volumes: CalrissianVolumes = Field(description="")
    processes: Mapping[str, Mapping[str, Any]] = Field(
        default_factory=dict, description="Other values of these keys for one process, by process id."
    )

    _by_process: dict[str, CalrissianEngine] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _namespaces_have_volumes(self) -> CalrissianEngine:
        if self.per_job and self.volumes.exchange is None:
            raise ValueError("namespace: one for each job has no claims, so it needs volumes.exchange")
        return self

    @model_validator(mode="after")
    def _processes_have_keys_of_their_own(self) -> CalrissianEngine:
        for name, values in self.processes.items():
            wrong = set(values) & _OF_THE_ENGINE
            if wrong:
                raise ValueError(f"processes.{name}: {', '.join(sorted(wrong))} is the same for all processes")
            if values:
                self._by_process[name] = self._with(values)
        return self

    def of(self, process_id: str) -> CalrissianEngine:
        """These settings with the values for one process."""
        return self._by_process.get(process_id, self)

    def _with(self, values: Mapping[str, Any]) -> CalrissianEngine:
        known = self.model_dump(exclude={"processes", "volumes"})
        return CalrissianEngine.model_validate({**known, "volumes": self.volumes, **values})

    @property
    def per_user(self) -> bool:
        """True if each user has a namespace."""
        return self.namespace.endswith("{user}")

    @property
    def per_job(self) -> bool:
        """True if each job has a namespace."""
        return self.namespace.endswith("{job}")

    @property
    def everywhere(self) -> bool:
        """True if jobs are in many namespaces."""
        return self.per_user or self.per_job
