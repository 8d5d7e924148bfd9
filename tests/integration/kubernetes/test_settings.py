"""Settings that the other read-back does not have: GPUs, images, limits, the context, and values of one process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.engines.calrissian.names import COMPONENT, GROUPS, JOB, USER, safe_user
from pygeoapi_oapip.errors import PlanRejected
from pygeoapi_oapip.model.run import RunState
from pygeoapi_oapip.packages.ontology import SUBCLASS, as_address

from .bench import Bench, shell
from .images import HOST, busybox_tree
from .namespace import Namespace

OWNER = "Ann <ann@example.org>"
GPU = "nvidia.com/gpu"
OTHER = "docker.io/oapip/other-steps:1"
CUDA = {
    "cwltool:CUDARequirement": {
        "cudaVersionMin": "11.0",
        "cudaComputeCapability": "3.0",
        "cudaDeviceCountMin": 1,
        "cudaDeviceCountMax": 1,
    }
}


@pytest.fixture(scope="module")
def jobs(namespace: Namespace) -> Path:
    return namespace.volume("jobs")


@pytest.fixture(autouse=True)
def nothing_is_left(namespace: Namespace, jobs: Path) -> Iterator[None]:
    before = namespace.objects()
    yield
    Bench(namespace.settings(volumes={"claim": "jobs"}), jobs).until_gone(namespace, before)


def pods_of(namespace: Namespace, bench: Bench, tool: dict[str, Any], process: str = "tested") -> dict[str, Any]:
    """The two pods of a job while its step runs."""
    plan = replace(bench.plan(tool, process=process), owner=OWNER, groups=("crew", "staff"))
    run = bench.engine.submit(plan)
    bench.until(run, lambda report: report.ended or "ready" in bench.log(run))
    pods = [
        row for row in namespace.cluster.items("pods", namespace.name) if row["metadata"]["labels"][JOB] == run.job_id
    ]
    found = {row["metadata"]["labels"][COMPONENT]: row for row in pods}
    assert bench.report(run).state is RunState.RUNNING, f"{bench.report(run)}\n{bench.log(run)}"
    bench.engine.cancel(run)
    assert bench.end(run).state is RunState.CANCELLED
    bench.engine.forget(run)
    return found


@pytest.fixture
def gpus(namespace: Namespace) -> Iterator[None]:
    """The node says that it has two GPUs."""
    patch = ("patch", "node", "localhost", "--subresource=status", "--type=merge", "-p")
    namespace.cluster.kubectl(*patch, json.dumps({"status": {"capacity": {GPU: "2"}, "allocatable": {GPU: "2"}}}))
    yield
    namespace.cluster.kubectl(*patch, json.dumps({"status": {"capacity": {GPU: None}, "allocatable": {GPU: None}}}))


def test_a_step_gets_the_gpus_that_it_asks_for(namespace: Namespace, jobs: Path, gpus: None) -> None:
    bench = Bench(namespace.settings(volumes={"claim": "jobs"}, max_gpus=2), jobs)
    tool = shell(
        "echo ready >&2; sleep 300", requirements=CUDA, **{"$namespaces": {"cwltool": "http://commonwl.org/cwltool#"}}
    )
    found = pods_of(namespace, bench, tool)
    assert found["step"]["spec"]["containers"][0]["resources"]["limits"][GPU] == "1"


def test_more_gpus_than_a_job_may_have_are_refused_before_there_is_a_job(namespace: Namespace, jobs: Path) -> None:
    bench = Bench(namespace.settings(volumes={"claim": "jobs"}), jobs)
    with pytest.raises(PlanRejected, match="asks for 1 GPUs; a job may have 0 here"):
        bench.engine.check(bench.plan(shell("true", requirements=CUDA)))


def test_pods_are_not_root_if_nothing_is_said_and_tell_whose_they_are(namespace: Namespace, jobs: Path) -> None:
    bench = Bench(namespace.settings(volumes={"claim": "jobs"}), jobs)
    found = pods_of(namespace, bench, shell("id >&2; echo ready >&2; sleep 300"))
    for pod in found.values():
        context = pod["spec"]["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"], context["runAsNonRoot"]) == (1000, 1000, True)
        assert not pod["spec"].get("hostPID") and not pod["spec"].get("hostIPC")
        assert pod["metadata"]["labels"][USER] == safe_user(OWNER)
        told = pod["metadata"]["annotations"]
        assert (told[USER], told[GROUPS]) == (OWNER, "crew,staff")
    assert found["step"]["spec"]["automountServiceAccountToken"] is False
    assert found["leader"]["spec"]["containers"][0]["image"] == HOST


def test_one_process_has_values_of_its_own(namespace: Namespace, jobs: Path) -> None:
    namespace.cluster.add_image(OTHER, busybox_tree)
    own = {"default_image": OTHER, "run_as_user": 1717, "labels": {"size": "big"}, "deadline": "2h", "max_cores": 6}
    settings = namespace.settings(volumes={"claim": "jobs"}, labels={"size": "small"}, processes={"big": own})
    bench = Bench(settings, jobs)
    for process, image, user, size in (("big", OTHER, 1717, "big"), ("tested", "alpine:3", 1000, "small")):
        step = pods_of(namespace, bench, shell("echo ready >&2; sleep 300"), process)["step"]
        assert step["spec"]["containers"][0]["image"] == image
        assert step["spec"]["securityContext"]["runAsUser"] == user and step["metadata"]["labels"]["size"] == size
    tool = shell("true", requirements={"ResourceRequirement": {"coresMin": 5}})
    bench.engine.check(bench.plan(tool, process="big"))
    with pytest.raises(PlanRejected, match="a job may have 4 cores"):
        bench.engine.check(bench.plan(tool))


def test_limits_and_the_init_image_reach_calrissian(namespace: Namespace, jobs: Path) -> None:
    namespace.cluster.add_image(OTHER, busybox_tree)
    settings = namespace.settings(volumes={"claim": "jobs"}, max_cores=3, max_ram="3GiB", init_image=OTHER)
    bench = Bench(settings, jobs)
    run = bench.engine.submit(bench.plan(shell("echo x", stdout="deep/er/said.txt", outputs={"said": "stdout"})))
    report = bench.end(run)
    assert report.state is RunState.SUCCEEDED, f"{report}\n{bench.log(run)}"
    usage = json.loads((jobs / run.job_id / "run" / "usage.json").read_text())
    assert usage["cores_allowed"] == 3 and usage["ram_mb_allowed"] == pytest.approx(3 * 2**30 / 1e6, rel=0.06)
    bench.engine.forget(run)


def test_a_context_of_the_kubeconfig_is_chosen(namespace: Namespace, jobs: Path) -> None:
    config: Any = yaml.safe_load(namespace.cluster.kubeconfig.read_text(encoding="utf-8"))
    config["contexts"][0]["name"] = "chosen"
    nowhere = {"name": "nowhere", "cluster": {"server": "https://127.0.0.1:9"}}
    config["clusters"].append(nowhere)
    user = config["contexts"][0]["context"]["user"]
    config["contexts"].append({"name": "else", "context": {"cluster": "nowhere", "user": user}})
    config["current-context"] = "else"
    path = namespace.cluster.folder / f"{namespace.name}.kubeconfig"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    try:
        known = {"volumes": {"claim": "jobs"}, "kubeconfig": path}
        assert Bench(namespace.settings(**known, context="chosen"), jobs).engine.health(60.0).ok
        assert not Bench(namespace.settings(**known), jobs).engine.health(60.0).ok
    finally:
        path.unlink()


def test_the_volume_of_a_job_is_as_large_as_the_package_asks(namespace: Namespace, jobs: Path) -> None:
    volumes = {"claim": "jobs", "storage_class": "nobody-serves", "size": "16MiB", "max_size": "1GiB"}
    bench = Bench(namespace.settings(volumes=volumes), jobs)
    for wanted, size in (({}, 16), ({"tmpdirMin": 100, "outdirMin": 28}, 128), ({"outdirMin": 3}, 16)):
        run = bench.engine.submit(bench.plan(shell("true", requirements={"ResourceRequirement": wanted})))
        [claim] = [
            row for row in namespace.cluster.items("pvc", namespace.name) if row["metadata"]["name"] == run.external_id
        ]
        assert claim["spec"]["resources"]["requests"]["storage"] in (f"{size * 2**20}", f"{size}Mi")
        bench.engine.cancel(run)
        bench.end(run)
        bench.engine.forget(run)
    with pytest.raises(PlanRejected, match="asks for 2048 MiB of disk; a job may have 1024 MiB here"):
        bench.engine.check(bench.plan(shell("true", requirements={"ResourceRequirement": {"outdirMin": 2048}})))


SCHEMA = as_address({("http://x.org/png", SUBCLASS, "http://x.org/image")})


def test_formats_that_are_kinds_of_others_are_known(namespace: Namespace, jobs: Path, tmp_path: Path) -> None:
    bench = Bench(namespace.settings(volumes={"claim": "jobs"}), jobs)
    tool = shell(
        "cat $0 >&2",
        arguments=["$(inputs.picture.path)"],
        inputs={"picture": {"type": "File", "format": "http://x.org/image"}},
        **{"$schemas": [SCHEMA]},
    )
    (tmp_path / "picture").write_text("a picture")
    ends = {}
    for kind in ("png", "text"):
        picture = {"class": "File", "location": (tmp_path / "picture").as_uri(), "format": f"http://x.org/{kind}"}
        run = bench.engine.submit(bench.plan(tool, {"picture": picture}))
        ends[kind] = bench.end(run)
        bench.engine.forget(run)
    assert ends["png"].state is RunState.SUCCEEDED, ends["png"]
    assert ends["text"].state is RunState.FAILED and "format" in ends["text"].message, ends["text"]
