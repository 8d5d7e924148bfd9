"""What goes wrong in a cluster ends a job with its cause, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.model.run import RunState

from .bench import Bench, shell
from .namespace import Namespace

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"


@pytest.fixture(scope="module")
def jobs(namespace: Namespace) -> Path:
    return namespace.volume("jobs")


@pytest.fixture
def bench(namespace: Namespace, jobs: Path) -> Iterator[Bench]:
    before = namespace.objects()
    bench = make(namespace, jobs)
    yield bench
    bench.until_gone(namespace, before)


def make(namespace: Namespace, jobs: Path, **more: Any) -> Bench:
    settings = {"volumes": {"claim": "jobs"}, "pod_grace": 6, "max_cores": 8, "limit_memory": True, **more}
    return Bench(namespace.settings(**settings), jobs)


def failed(bench: Bench, tool: dict[str, Any], state: RunState = RunState.FAILED) -> str:
    run = bench.engine.submit(bench.plan(tool))
    report = bench.end(run)
    bench.engine.forget(run)
    assert report.state is state, f"{report}\n{bench.log(run)}"
    return report.message


def wanting(command: str = "true", **requirements: Any) -> dict[str, Any]:
    return shell(command, requirements=requirements)


STEALING: dict[str, dict[str, Any]] = {
    "link": shell(f"ln -s {TOKEN} out", outputs={"out": {"type": "File", "outputBinding": {"glob": "out"}}}),
    "expression": {
        "cwlVersion": "v1.2",
        "class": "ExpressionTool",
        "requirements": {"InlineJavascriptRequirement": {}},
        "inputs": {},
        "outputs": {"out": "File"},
        "expression": f'${{return {{"out": {{"class": "File", "location": "file://{TOKEN}"}}}};}}',
    },
    "contents": {
        "cwlVersion": "v1.2",
        "class": "ExpressionTool",
        "requirements": {"InlineJavascriptRequirement": {}},
        "inputs": {
            "given": {
                "type": "File",
                "loadContents": True,
                "default": {"class": "File", "location": f"file://{TOKEN}"},
            }
        },
        "outputs": {"out": "string"},
        "expression": '${return {"out": inputs.given.contents};}',
    },
}


@pytest.mark.parametrize("way", list(STEALING))
def test_a_package_cannot_read_the_token_of_the_account(bench: Bench, way: str) -> None:
    told = "out is a link to a file that is not the job's" if way == "link" else "token is not a file of this job"
    assert told in failed(bench, STEALING[way])


def test_an_image_of_a_step_that_is_not_there_is_the_cause(bench: Bench) -> None:
    message = failed(bench, wanting(DockerRequirement={"dockerPull": "no/such:image"}))
    assert "no/such:image" in message and "Pull" in message


def test_an_image_of_calrissian_that_is_not_there_is_the_cause(namespace: Namespace, jobs: Path, bench: Bench) -> None:
    message = failed(make(namespace, jobs, image="no/such:calrissian"), wanting())
    assert message.startswith("the job's pod cannot start: ") and "no/such:calrissian" in message


def test_a_step_that_fits_on_no_node_is_the_cause(bench: Bench) -> None:
    assert "Insufficient cpu" in failed(bench, wanting(ResourceRequirement={"coresMin": 7}))


def test_a_step_that_runs_out_of_memory_is_the_cause(bench: Bench) -> None:
    eat = "echo eating >&2; exec awk 'BEGIN { x = \"xxxxxxxx\"; while (1) x = x x }'"
    message = failed(bench, wanting(eat, ResourceRequirement={"ramMin": 32}))
    assert message.startswith("The tool ended with exit code 137 (OOMKilled):\neating")


def test_a_job_that_takes_too_long_is_ended(namespace: Namespace, jobs: Path, bench: Bench) -> None:
    message = failed(make(namespace, jobs, deadline=8), wanting("sleep 300"))
    assert message == "The job exceeded the time limit of 8 seconds."


def start(bench: Bench, tool: dict[str, Any]) -> Any:
    run = bench.engine.submit(bench.plan(tool))
    bench.until(run, lambda report: report.ended or "ready" in bench.log(run))
    return run


def test_a_job_that_somebody_else_removes_is_lost(bench: Bench, namespace: Namespace) -> None:
    run = start(bench, wanting("echo ready >&2; sleep 300"))
    namespace.cluster.kubectl("delete", "job", run.external_id, "-n", namespace.name, "--wait=false")
    report = bench.end(run)
    assert (report.state, report.message) in (
        (RunState.LOST, "the Job was removed from the cluster by somebody else"),
        # where the controller of Jobs is late, it replaces the removed pod, and that one tells of it
        (RunState.FAILED, "Calrissian's pod was ended from outside, and a job is not run again here."),
    ), f"{report}\n{bench.log(run)}"
    bench.engine.forget(run)


def kill_leader(namespace: Namespace, run: Any) -> None:
    namespace.cluster.kubectl(
        *("delete", "pod", "-n", namespace.name, "-l", "app.kubernetes.io/component=leader"),
        *("--force", "--grace-period=0"),
    )


def test_a_killed_pod_of_calrissian_is_told(bench: Bench, namespace: Namespace) -> None:
    run = start(bench, wanting("echo ready >&2; sleep 300"))
    kill_leader(namespace, run)
    report = bench.end(run)
    assert report.state is RunState.FAILED and "ended from outside" in report.message, report
    bench.engine.forget(run)


def test_a_killed_pod_of_calrissian_is_replaced_where_retries_say_so(
    namespace: Namespace, jobs: Path, bench: Bench
) -> None:
    own = make(namespace, jobs, retries=1)
    run = start(own, shell("echo ready >&2; sleep 8; echo done", stdout="out.txt", outputs={"out": "stdout"}))
    kill_leader(namespace, run)
    report = own.end(run)
    assert report.state is RunState.SUCCEEDED, f"{report}\n{own.log(run)}"
    own.engine.forget(run)
