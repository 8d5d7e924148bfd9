"""Server and cluster share no volume: inputs, results and logs go through a real S3 bucket, by a Secret of the job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import EngineUnavailable
from pygeoapi_oapip.model.run import RunState
from pygeoapi_oapip.model.value import FileOutput

from ..s3.seaweed import OWNER, SeaweedFS, credentials
from .bench import CLASS, Bench, provisioner, shell
from .files_in_and_out import files_go_in_and_out
from .namespace import Namespace

BUCKET = "exchange"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with SeaweedFS(tmp_path_factory.mktemp("s3")) as server:
        server.bucket(BUCKET)
        yield server


def volumes(s3: SeaweedFS, folder: Path, **more: Any) -> dict[str, Any]:
    exchange = {"endpoint": s3.endpoint, "bucket": BUCKET, **credentials(folder, OWNER), **more}
    return {"storage_class": CLASS, "size": "32MiB", "access_mode": "ReadWriteOnce", "exchange": exchange}


@pytest.fixture
def bench(namespace: Namespace, s3: SeaweedFS, tmp_path: Path) -> Iterator[Bench]:
    """A server whose folder of jobs is on no volume of the cluster."""
    before = namespace.objects()
    bench = Bench(namespace.settings(volumes=volumes(s3, tmp_path)), tmp_path / "jobs")
    with provisioner(namespace):
        yield bench
        bench.until_gone(namespace, before)
    assert s3.keys(BUCKET) == {}


def test_files_go_in_and_out(bench: Bench, tmp_path: Path) -> None:
    report = files_go_in_and_out(bench, tmp_path)
    assert report.usage["tasks"] == 1 and [step.state for step in report.steps] == [RunState.SUCCEEDED]


def test_the_keys_are_in_a_secret_of_the_job_and_nowhere_else(bench: Bench, namespace: Namespace) -> None:
    run = bench.engine.submit(bench.plan(shell("echo ready >&2; env >&2; ls / >&2; sleep 300")))
    bench.until(run, lambda report: report.ended or "ready" in bench.log(run))
    kinds = "jobs,pods,persistentvolumeclaims,configmaps,events"
    told = json.dumps(namespace.cluster.items(kinds, namespace.name))
    assert OWNER[1] not in told and OWNER[1] not in bench.log(run) and OWNER[0] not in told
    [secret] = [row for row in namespace.cluster.items("secrets", namespace.name) if row["type"] == "Opaque"]
    [owner] = secret["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("Job", run.external_id)
    pods = {
        p["metadata"]["labels"]["app.kubernetes.io/component"]: p
        for p in namespace.cluster.items("pods", namespace.name)
    }
    assert not [row for row in pods["step"]["spec"]["volumes"] if "secret" in row]
    for path in [path for path in (bench.jobs / run.job_id).rglob("*") if path.is_file()]:
        assert OWNER[1].encode() not in path.read_bytes()
    bench.engine.cancel(run)
    assert bench.end(run, 60).state is RunState.CANCELLED
    bench.engine.forget(run)


def test_a_failure_is_told_with_the_words_of_the_tool(bench: Bench) -> None:
    run = bench.engine.submit(bench.plan(shell("echo so sorry >&2; exit 42")))
    report = bench.end(run)
    assert (report.state, report.message) == (RunState.FAILED, "The tool ended with exit code 42:\nso sorry")
    bench.engine.forget(run)


def test_a_large_result_goes_in_parts(bench: Bench) -> None:
    tool = shell(
        "dd if=/dev/zero of=big bs=1M count=70; echo end >> big",
        outputs={"big": {"type": "File", "outputBinding": {"glob": "big"}}},
    )
    run = bench.engine.submit(bench.plan(tool))
    report = bench.end(run)
    assert report.state is RunState.SUCCEEDED, f"{report.message}\n{bench.log(run)}"
    big = bench.engine.outputs(run)["big"]
    assert isinstance(big, FileOutput)
    assert (bench.jobs / run.job_id / big.href).stat().st_size == 70 * 2**20 + 4
    bench.engine.forget(run)


def test_a_bucket_that_is_away_for_a_while_loses_no_job(bench: Bench, s3: SeaweedFS) -> None:
    run = bench.engine.submit(bench.plan(shell("echo ready >&2; sleep 5; echo x", stdout="o", outputs={"o": "stdout"})))
    bench.until(run, lambda report: report.ended or "ready" in bench.log(run))
    s3.stop()
    try:
        with pytest.raises(EngineUnavailable, match="the files of the jobs cannot be exchanged"):
            bench.end(run)
    finally:
        s3.start()
    report = _patiently(bench, run)
    assert report.state is RunState.SUCCEEDED, f"{report.message}\n{bench.log(run)}"
    assert "o" in bench.engine.outputs(run)
    bench.engine.forget(run)


def _patiently(bench: Bench, run: Any) -> Any:
    for _ in range(60):
        try:
            return bench.end(run)
        except EngineUnavailable:
            bench.engine.wait([run], 1.0)
    return bench.end(run)


def test_keys_that_are_wrong_are_the_cause(namespace: Namespace, s3: SeaweedFS, tmp_path: Path) -> None:
    (tmp_path / "wrong").mkdir()
    wrong = credentials(tmp_path / "wrong", (OWNER[0], "not-the-secret"))
    bench = Bench(namespace.settings(volumes=volumes(s3, tmp_path, **wrong)), tmp_path / "jobs")
    health = bench.engine.health(30.0)
    assert not health.ok and "exchange: the bucket answers 403" in health.detail
    with pytest.raises(EngineUnavailable, match="the bucket answers 403"):
        bench.engine.submit(bench.plan(shell("true")))


def test_what_is_left_in_the_bucket_is_reaped(bench: Bench, s3: SeaweedFS) -> None:
    run = bench.engine.submit(bench.plan(shell("true")))
    bench.end(run)
    assert bench.engine.reap(lambda job_id: False) == 0 and s3.keys(BUCKET)
    assert bench.engine.reap(lambda job_id: job_id == run.job_id) == 1
