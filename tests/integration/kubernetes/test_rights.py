"""The engine needs exactly the rights that the documentation lists, and names those that are missing."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.model.run import RunState

from .bench import CLASS, Bench, provisioner, shell
from .namespace import LOGS, PODS, Namespace

JOBS = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "list", "get", "delete"]}
CLAIMS = {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["list", "get"]}
WATCH_JOBS = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["watch"]}
EVENTS = {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]}
WATCH_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}
MAKE_CLAIMS = {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["create", "get"]}
ECHO = shell("echo hello; echo hello >&2", stdout="said.txt", outputs={"said": "stdout"})


def kubeconfig(namespace: Namespace, account: str, folder: Path) -> Path:
    """A kubeconfig for an account of the namespace."""
    cluster = namespace.cluster
    cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace.name}}
    )
    deadline = time.monotonic() + 600
    found: list[Any] = []
    while not found:
        assert time.monotonic() < deadline
        secrets = cluster.items("secrets", namespace.name)
        found = [row for row in secrets if row["metadata"]["name"].startswith(f"{account}-token")]
    admin: Any = json.loads(cluster.kubectl("config", "view", "--raw", "-o", "json", "--minify", "--flatten"))
    token = base64.b64decode(found[0]["data"]["token"]).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": admin["clusters"],
        "users": [{"name": account, "user": {"token": token}}],
        "contexts": [{"name": account, "context": {"cluster": admin["clusters"][0]["name"], "user": account}}],
        "current-context": account,
    }
    path = folder / f"{account}.kubeconfig"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def grant(namespace: Namespace, account: str, roles: Mapping[str, Any]) -> None:
    for name, rules in roles.items():
        rows = rules if isinstance(rules, list) else [rules]
        namespace.cluster.apply(namespace.role(name, rows), namespace.binding(name, account))


@pytest.fixture(scope="module")
def seed(namespace: Namespace) -> dict[str, Any]:
    """Roles and claims as the openEO GeoPySpark driver documents them."""
    grant(namespace, "default", {"pod-manager-role": PODS, "log-reader-role": LOGS})
    grant(namespace, "openeo", {"job-manager-role": JOBS, "pvc-reader-role": CLAIMS})
    names = ("calrissian-input-data", "calrissian-tmpout", "calrissian-output-data")
    claims = {name: namespace.volume(name) for name in names}
    return {
        "input_claim": names[0],
        "input_folder": claims[names[0]],
        "tmp_claim": names[1],
        "output_claim": names[2],
        "output_folder": claims[names[2]],
    }


@pytest.fixture
def bench(namespace: Namespace, seed: dict[str, Any], tmp_path: Path) -> Iterator[Bench]:
    before = namespace.objects()
    account = kubeconfig(namespace, "openeo", tmp_path)
    settings = namespace.settings(volumes=seed, kubeconfig=account, service_account="default")
    bench = Bench(settings, tmp_path / "jobs")
    yield bench
    bench.until_gone(namespace, [*before, *namespace.secrets()])


def test_the_roles_of_the_seed_are_enough(bench: Bench) -> None:
    run = bench.engine.submit(bench.plan(ECHO))
    report = bench.end(run)
    assert report.state is RunState.SUCCEEDED, f"{report}\n{bench.log(run)}"
    assert "said" in bench.engine.outputs(run)
    bench.engine.forget(run)
    assert "hello" in bench.log(run)


def test_the_roles_of_the_seed_are_enough_to_dismiss(bench: Bench) -> None:
    run = bench.engine.submit(bench.plan(shell("echo ready >&2; exec sleep 300")))
    bench.until(run, lambda report: "ready" in bench.log(run))
    bench.engine.cancel(run)
    assert bench.end(run).state is RunState.CANCELLED
    bench.engine.forget(run)


def test_health_tells_what_works_less_well_with_the_roles_of_the_seed(bench: Bench, namespace: Namespace) -> None:
    health = bench.engine.health(30.0)
    assert health.ok and health.detail == (
        f"namespace {namespace.name} of the cluster answers; "
        "jobs: watch (role job-watcher-role): Jobs are listed every 2 s; "
        "pods: list, watch (role pod-watcher-role): why a pod does not start is told late or not at all; "
        "events: list (role event-reader-role): why a Job has no pod is not told"
    )


def test_an_account_of_calrissian_without_rights_is_the_cause(bench: Bench, namespace: Namespace) -> None:
    namespace.cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": namespace.name}}
    )
    own = Bench(bench.settings.model_copy(update={"service_account": "nobody"}), bench.jobs)
    run = own.engine.submit(own.plan(ECHO))
    report = own.end(run)
    own.engine.forget(run)
    assert report.state is RunState.FAILED
    assert "pods: create, patch, delete, list, watch (role pod-manager-role)" in report.message
    assert "pods/log: get, list (role log-reader-role)" in report.message and namespace.name in report.message


def test_health_names_what_a_server_without_rights_lacks(
    namespace: Namespace, seed: dict[str, Any], tmp_path: Path
) -> None:
    account = kubeconfig(namespace, "stranger", tmp_path)
    health = Bench(namespace.settings(volumes=seed, kubeconfig=account), tmp_path).engine.health(30.0)
    assert not health.ok
    assert (
        f"the account of this server may not do this in the namespace {namespace.name}: "
        "jobs: create, list, get, delete (role job-manager-role)"
    ) in health.detail


def test_health_names_a_claim_that_is_not_there(namespace: Namespace, seed: dict[str, Any], tmp_path: Path) -> None:
    settings = namespace.settings(volumes={**seed, "tmp_claim": "elsewhere"})
    health = Bench(settings, tmp_path).engine.health(30.0)
    assert not health.ok and f"the claim elsewhere is not in the namespace {namespace.name}" in health.detail


def test_the_documented_roles_are_enough_for_volumes_per_job(namespace: Namespace, tmp_path: Path) -> None:
    account = kubeconfig(namespace, "own-volumes", tmp_path)
    roles = {"own-jobs": [JOBS, WATCH_JOBS, WATCH_PODS, EVENTS], "own-claims": MAKE_CLAIMS}
    grant(namespace, "own-volumes", roles)
    jobs = namespace.volume("jobs")
    volumes = {"claim": "jobs", "storage_class": CLASS, "size": "32MiB"}
    bench = Bench(namespace.settings(volumes=volumes, kubeconfig=account), jobs)
    before = namespace.objects()
    with provisioner(namespace):
        run = bench.engine.submit(bench.plan(ECHO))
        report = bench.end(run)
        assert report.state is RunState.SUCCEEDED, f"{report}\n{bench.log(run)}"
        bench.engine.forget(run)
        bench.until_gone(namespace, before)
    assert bench.engine.health(30.0).detail == f"namespace {namespace.name} of the cluster answers"
