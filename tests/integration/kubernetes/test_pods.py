"""Each setting for pods is read back from the pods that run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pygeoapi_oapip.engines.calrissian.names import COMPONENT, INSTANCE, JOB, PROCESS

from .bench import Bench, shell
from .namespace import Namespace

AFFINITY = {
    "nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "preference": {"matchExpressions": [{"key": "kind", "operator": "Exists"}]}}
        ]
    }
}
TOLERATION = {"key": "batch", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}
CLASS = "oapip-test-low"
TOOL = shell(
    "echo $SECRET_WORD $PLAIN '$(PLAIN)' >&2; id -u >&2; sleep 300",
    requirements={"ResourceRequirement": {"coresMin": 0.2, "ramMin": 48}},
)
Pods = dict[str, Any]


EVERY_SETTING: dict[str, Any] = {
    "instance": "read-back",
    "pull_secrets": ["registry"],
    "pull_policy": "Never",
    "step_service_account": "tools",
    "node_selector": {"disk": "ssd"},
    "tolerations": [TOLERATION],
    "affinity": AFFINITY,
    "labels": {"team": "sea"},
    "annotations": {"example.org/note": "kept"},
    "priority_class": CLASS,
    "env": {"PLAIN": "plain"},
    "env_from_secrets": ["words"],
    "run_as_user": 1234,
    "run_as_group": 1235,
    "limit_memory": True,
    "deadline": "1h",
    "ttl": "2h",
    "retries": 3,
    "stop_grace": 2,
    "flags": ["--verbose"],
    "steps": {"spec": {"hostname": "chosen"}},
}


def prepare(namespace: Namespace) -> None:
    """Make what the settings name."""
    meta = {"namespace": namespace.name}
    opaque = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"}
    registry = {
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": "registry", **meta},
        "stringData": {".dockerconfigjson": json.dumps({"auths": {}})},
    }
    namespace.cluster.kubectl("label", "node", "localhost", "disk=ssd", "--overwrite")
    namespace.cluster.apply(
        {**opaque, "metadata": {"name": "words", **meta}, "stringData": {"SECRET_WORD": "from-a-secret"}},
        {**opaque, **registry},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "tools", **meta}},
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": CLASS}, "value": -10},
    )


@pytest.fixture(scope="module")
def pods(namespace: Namespace) -> Iterator[Pods]:
    """The Job, the two pods and the log of one job with every setting."""
    prepare(namespace)
    jobs = namespace.volume("jobs")
    bench = Bench(namespace.settings(volumes={"claim": "jobs"}, **EVERY_SETTING), jobs)
    run = bench.engine.submit(bench.plan(TOOL, process="my process"))
    bench.until(run, lambda report: report.ended or "1234" in bench.log(run))
    found = namespace.cluster.items("jobs,pods", namespace.name)
    [job] = [row for row in found if row["kind"] == "Job"]
    by_kind = {row["metadata"]["labels"][COMPONENT]: row for row in found if row["kind"] == "Pod"}
    yield {"job": job, **by_kind, "log": bench.log(run), "id": run.job_id}
    bench.engine.cancel(run)
    bench.engine.forget(run)
    namespace.cluster.kubectl("delete", "priorityclass", CLASS)


@pytest.fixture(params=["leader", "step"])
def pod(request: pytest.FixtureRequest, pods: Pods) -> Any:
    return pods[request.param]


def test_labels_and_annotations(pods: Pods, pod: Any) -> None:
    labels = pod["metadata"]["labels"]
    assert (labels[JOB], labels[PROCESS], labels[INSTANCE]) == (pods["id"], "my_process", "read-back")
    assert labels["team"] == "sea" and pod["metadata"]["annotations"]["example.org/note"] == "kept"


def test_where_pods_run(pod: Any) -> None:
    spec = pod["spec"]
    assert spec["nodeSelector"] == {"disk": "ssd"} and spec["priorityClassName"] == CLASS and spec["priority"] == -10
    assert spec["affinity"] == AFFINITY and TOLERATION in spec["tolerations"]


def test_images(pod: Any) -> None:
    assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    assert {row["imagePullPolicy"] for row in pod["spec"]["containers"]} == {"Never"}


def test_nobody_is_root(pod: Any) -> None:
    context = pod["spec"]["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (1234, 1235, 1235)
    assert context["runAsNonRoot"] is True
    for container in pod["spec"]["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_accounts(pods: Pods) -> None:
    assert pods["leader"]["spec"]["serviceAccountName"] == "calrissian"
    assert pods["step"]["spec"]["serviceAccountName"] == "tools"


def test_the_environment_of_steps(pods: Pods) -> None:
    assert "from-a-secret plain $(PLAIN)" in pods["log"] and "1234" in pods["log"]


def test_resources_of_steps(pods: Pods) -> None:
    resources = pods["step"]["spec"]["containers"][0]["resources"]
    assert resources["limits"]["memory"] == resources["requests"]["memory"] == "48Mi"
    assert resources["requests"]["cpu"] == "200m"


def test_what_has_no_key_is_laid_over(pods: Pods) -> None:
    assert pods["step"]["spec"]["hostname"] == "chosen" and pods["leader"]["spec"]["hostNetwork"] is True


def test_pods_of_steps_belong_to_the_job(pods: Pods) -> None:
    [owner] = pods["step"]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Job", pods["job"]["metadata"]["uid"])


def test_the_job(pods: Pods) -> None:
    spec = pods["job"]["spec"]
    assert spec["activeDeadlineSeconds"] == 3600 and spec["ttlSecondsAfterFinished"] == 7200
    assert spec["backoffLimit"] == 3


def test_the_grace_of_pods(pods: Pods) -> None:
    assert pods["step"]["spec"]["terminationGracePeriodSeconds"] == 2
    assert pods["leader"]["spec"]["terminationGracePeriodSeconds"] == 7


def test_flags_of_calrissian(pods: Pods) -> None:
    assert "k8s pod 'app-cwl-pod-" in pods["log"]
