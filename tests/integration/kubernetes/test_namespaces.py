"""A namespace for each user or each job, made with all that pods need by an account with the documented rights."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.engines.calrissian.names import namespace_of
from pygeoapi_oapip.errors import PlanRejected
from pygeoapi_oapip.model.run import RunRef, RunState

from ..s3.seaweed import OWNER, SeaweedFS, credentials
from .bench import Bench, provisioner, shell
from .namespace import Namespace
from .test_exchange import BUCKET
from .test_exchange import s3 as s3
from .test_manifests import MANIFESTS
from .test_rights import kubeconfig

ECHO = shell("echo hello; echo hello >&2", stdout="said.txt", outputs={"said": "stdout"})
KINDS = "jobs,pods,persistentvolumeclaims,secrets,configmaps"
Make = Callable[..., Bench]


@pytest.fixture(scope="module")
def rights(namespace: Namespace) -> Iterator[str]:
    """The manifests with names of this test; gives that of Calrissian's role."""
    name = f"{namespace.name}-calrissian"
    text = namespace.cluster.kubectl("kustomize", str(MANIFESTS / "own-namespaces"))
    for word, other in (
        ("oapip-calrissian", name),
        ("oapip-namespaces", f"{namespace.name}-server"),
        ("processing", namespace.name),
    ):
        text = text.replace(word, other)
    namespace.cluster.apply(*yaml.safe_load_all(text))
    yield name
    namespace.cluster.kubectl("delete", "clusterrole", name, f"{namespace.name}-server")
    namespace.cluster.kubectl("delete", "clusterrolebinding", f"{namespace.name}-server")


@pytest.fixture
def make(namespace: Namespace, rights: str, s3: SeaweedFS, tmp_path: Path) -> Iterator[Make]:
    """Makes engines for a template; `TEST` in it is a word of this test."""
    account = kubeconfig(namespace, "oapip", tmp_path)
    word, own_class = namespace.name.replace("-", ""), f"{namespace.name}-class"

    def bench(template: str, **more: Any) -> Bench:
        exchange = {"endpoint": s3.endpoint, "bucket": BUCKET, **credentials(tmp_path, OWNER)}
        volumes = {"storage_class": own_class, "size": "32MiB", "access_mode": "ReadWriteOnce", "exchange": exchange}
        settings = namespace.settings(volumes=volumes, kubeconfig=account).model_copy(update={"instance": word})
        chosen = {
            "namespace": template.replace("TEST", word),
            "namespaces": {"role": rights, "quota": {"count/jobs.batch": 20}},
            **more,
        }
        known = {**settings.model_dump(exclude={"volumes"}), "volumes": settings.volumes}
        return Bench(type(settings).model_validate({**known, **chosen}), tmp_path / "jobs")

    with provisioner(namespace, own_class, anywhere=True):
        yield bench
        made = namespaces(namespace)
        for name in made:
            namespace.cluster.kubectl("delete", "namespace", name, "--wait=true", "--timeout=120s")


def namespaces(namespace: Namespace) -> list[str]:
    """Those that the engines of this test have made and that are not being removed."""
    selector = f"app.kubernetes.io/instance={namespace.name.replace('-', '')}"
    text = namespace.cluster.kubectl(
        *("get", "namespaces", "-l", selector),
        *("-o", "jsonpath={range .items[*]}{.metadata.name} {.status.phase}{'\\n'}{end}"),
    )
    return [line.split()[0] for line in text.splitlines() if line.endswith("Active")]


def left(namespace: Namespace, name: str) -> list[str]:
    """What jobs have left in a namespace; not what each one has from the cluster."""
    rows = namespace.cluster.items(KINDS, name)
    names = [f"{row['kind']}/{row['metadata']['name']}" for row in rows]
    return [row for row in names if "-token-" not in row and not row.startswith("ConfigMap/kube-root-ca")]


def started(bench: Bench, owner: str, tool: Mapping[str, Any] = ECHO) -> RunRef:
    return bench.engine.submit(replace(bench.plan(dict(tool)), owner=owner))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_users_have_namespaces_that_stay_and_hold_nothing_afterwards(make: Make, namespace: Namespace) -> None:
    bench = make("TEST-{user}")
    assert bench.engine.health(60.0).detail == f"namespaces {bench.settings.namespace} of the cluster answer"
    runs = [started(bench, owner) for owner in ("bob", "Bob", "bob")]
    for run in runs:
        report = bench.end(run)
        assert report.state is RunState.SUCCEEDED, f"{report}\n{bench.log(run)}"
        assert "said" in bench.engine.outputs(run)
        bench.engine.forget(run)
    names = {namespace_of(bench.settings.namespace, owner, "") for owner in ("bob", "Bob")}
    assert set(namespaces(namespace)) == names and len(names) == 2
    for name in names:
        until(lambda name=name: left(namespace, name) == [])  # type: ignore[misc]
        [quota] = namespace.cluster.items("resourcequotas", name)
        assert quota["spec"]["hard"] == {"count/jobs.batch": "20"}


def test_a_job_has_a_namespace_that_goes_with_it(make: Make, namespace: Namespace) -> None:
    bench = make("TEST-{job}")
    runs = [started(bench, "bob"), started(bench, "ann", shell("exit 3"))]
    assert len(namespaces(namespace)) == 2
    assert [bench.end(run).state for run in runs] == [RunState.SUCCEEDED, RunState.FAILED]
    assert "said" in bench.engine.outputs(runs[0])
    for run in runs:
        bench.engine.forget(run)
    until(lambda: namespaces(namespace) == [])


def test_a_dismissed_job_takes_its_namespace_along(make: Make, namespace: Namespace) -> None:
    bench = make("TEST-{job}")
    run = started(bench, "bob", shell("echo ready >&2; sleep 300"))
    bench.until(run, lambda report: report.ended or "ready" in bench.log(run))
    bench.engine.cancel(run)
    assert bench.end(run).state is RunState.CANCELLED
    until(lambda: namespaces(namespace) == [])
    bench.engine.forget(run)


def test_namespaces_of_ended_jobs_are_reaped(make: Make, namespace: Namespace) -> None:
    bench = make("TEST-{job}")
    ended = started(bench, "bob")
    bench.end(ended)
    living = started(bench, "bob", shell("sleep 300"))  # a small node has no room for steps of two jobs
    namespace.cluster.kubectl("delete", "job", ended.external_id, "-n", str(ended.state["namespace"]))
    assert bench.engine.reap(lambda job_id: job_id == ended.job_id) == 1
    until(lambda: namespaces(namespace) == [living.state["namespace"]])
    bench.engine.cancel(living)
    bench.engine.forget(living)


def test_jobs_of_users_are_reaped(make: Make, namespace: Namespace) -> None:
    bench = make("TEST-{user}")
    runs = [started(bench, owner) for owner in ("bob", "ann")]
    for run in runs:
        bench.end(run)
    assert bench.engine.reap(lambda job_id: True) == 2
    for run in runs:
        until(lambda run=run: left(namespace, run.state["namespace"]) == [])  # type: ignore[misc]


def test_a_namespace_that_is_somebody_elses_is_not_used(make: Make, namespace: Namespace) -> None:
    word = namespace.name.replace("-", "")
    namespace.cluster.kubectl("create", "namespace", f"{word}-system")
    try:
        with pytest.raises(PlanRejected, match=f"The namespace {word}-system is there without the label"):
            started(make("TEST-{user}"), "system")
        assert left(namespace, f"{word}-system") == []
    finally:
        namespace.cluster.kubectl("delete", "namespace", f"{word}-system", "--wait=true", "--timeout=120s")


def test_health_names_what_an_account_without_rights_lacks(
    make: Make, rights: str, namespace: Namespace, tmp_path: Path
) -> None:
    account = kubeconfig(namespace, "stranger", tmp_path)
    health = make("TEST-{job}", kubeconfig=account).engine.health(60.0)
    assert not health.ok
    for missing in (
        "namespaces: create, get, list, delete (role namespace-manager-role)",
        "rolebindings: create (role namespace-manager-role)",
        f"clusterroles/{rights}: bind (role namespace-manager-role)",
        "serviceaccounts: create (role namespace-manager-role)",
        "resourcequotas: create (role namespace-manager-role)",
        "secrets: create (role exchange-role)",
        "jobs: create, list, get, delete (role job-manager-role)",
    ):
        assert missing in health.detail
