"""The manifests of docker/kubernetes give exactly what jobs need."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.errors import EngineUnavailable
from pygeoapi_oapip.model.run import RunState

from .bench import CLASS, Bench, provisioner, shell
from .namespace import Namespace
from .test_rights import kubeconfig

MANIFESTS = Path(__file__).parents[3] / "docker" / "kubernetes"
NESTED = shell("echo hello; echo hello >&2", stdout="deep/said.txt", outputs={"said": "stdout"})


def apply(namespace: Namespace, way: str, folder: Path) -> dict[str, Path]:
    """Apply a folder of manifests to the namespace; gives the folders of its claims."""
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace.name,
        "resources": [os.path.relpath(MANIFESTS / way, folder.resolve())],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    rows = list(yaml.safe_load_all(namespace.cluster.kubectl("kustomize", str(folder.resolve()))))
    claims = [row["metadata"]["name"] for row in rows if row["kind"] == "PersistentVolumeClaim"]
    found = {name: namespace.provide(name, "1Ti") for name in claims}
    namespace.cluster.apply(*rows)
    return found


@pytest.mark.parametrize("way", ["shared-volume", "volume-per-job", "three-claims"])
def test_a_job_runs_with_the_rights_and_claims_of_the_manifests(namespace: Namespace, way: str, tmp_path: Path) -> None:
    claims = apply(namespace, way, tmp_path)
    own = {"storage_class": CLASS, "size": "32MiB"} if way == "volume-per-job" else {}
    volumes: dict[str, Any] = {"claim": "oapip-jobs", **own}
    if way == "three-claims":
        volumes = {
            "input_claim": "calrissian-input-data",
            "input_folder": claims["calrissian-input-data"],
            "output_claim": "calrissian-output-data",
            "output_folder": claims["calrissian-output-data"],
            "tmp_claim": "calrissian-tmpout",
        }
    jobs = claims.get("oapip-jobs", tmp_path / "jobs")
    bench = Bench(namespace.settings(volumes=volumes, kubeconfig=kubeconfig(namespace, "oapip", tmp_path)), jobs)
    assert bench.engine.health(30.0).detail == f"namespace {namespace.name} of the cluster answers"
    before = namespace.objects()
    with provisioner(namespace):
        run = bench.engine.submit(bench.plan(NESTED))
        report = bench.end(run)
        assert report.state is RunState.SUCCEEDED, f"{report}\n{bench.log(run)}"
        bench.engine.outputs(run)
        bench.engine.forget(run)
        bench.until_gone(namespace, before)
    namespace.cluster.kubectl("delete", "pvc", *claims, "-n", namespace.name, "--wait=true", "--timeout=280s")
    namespace.drop(claims)


def test_a_quota_that_is_used_up_lets_jobs_wait(namespace: Namespace, tmp_path: Path) -> None:
    namespace.quota("processing", {"count/jobs.batch": "0"})
    bench = Bench(namespace.settings(volumes={"claim": "jobs"}), namespace.volume("jobs"))
    plan = bench.plan(NESTED)
    with pytest.raises(EngineUnavailable, match="the cluster refuses the job for now: .*exceeded quota"):
        bench.engine.submit(plan)
    namespace.cluster.kubectl("delete", "resourcequota", "processing", "-n", namespace.name)
    run = bench.engine.submit(plan)
    assert bench.end(run).state is RunState.SUCCEEDED
    bench.engine.forget(run)
