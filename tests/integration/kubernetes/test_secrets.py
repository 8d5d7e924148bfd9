"""Secrets of packages and stage tools on Kubernetes: the tools have them, and nothing that a job leaves."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.errors import PlanRejected
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.run import RunState
from pygeoapi_oapip.model.value import Literal
from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.traces import left_with

from ...http.test_secret_inputs import PACKAGE, digest
from ..eoepca.shapes import SHAPES, expect, package, run
from ..eoepca.stage_tools import write_tools
from ..s3.seaweed import OWNER, SeaweedFS, credentials
from .bench import CLASS, Bench, provisioner, shell
from .namespace import Namespace
from .test_rights import CLAIMS, JOBS, grant, kubeconfig

VALUE = 'it\'s $HOME "quoted" `id` $(OAPIP_SECRET_0) kept-41c7'
"""What a shell, Kubernetes and quotes could make something else of."""
PART = "kept-41c7"
MARK = "(secret-0123456789abcdef)"
KINDS = "jobs,pods,persistentvolumeclaims,configmaps,events"
SHAPES_HERE = ("one", "nested", "given", "both")

# the sums of the environment, of a part of it, of an argument, and of a file, as the tool has them
SUMS = r"""
sum() { sha256sum | cut -c1-64; }
{ for text in "$WHOLE" "$PART" "$1" "$2"; do printf %s "$text" | sum; done; sum < secret.txt; } > sums
cat sums >&2; sleep "$3"
"""


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with SeaweedFS(tmp_path_factory.mktemp("s3")) as server:
        server.bucket("exchange")
        yield server


@pytest.fixture(params=["volume", "bucket"])
def bench(request: pytest.FixtureRequest, namespace: Namespace, s3: SeaweedFS, tmp_path: Path) -> Iterator[Bench]:
    before = namespace.objects()
    if request.param == "volume":
        jobs = namespace.volume("shared")
        bench = Bench(namespace.settings(volumes={"claim": "shared"}), jobs)
    else:
        exchange = {"endpoint": s3.endpoint, "bucket": "exchange", **credentials(tmp_path, OWNER)}
        volumes = {"storage_class": CLASS, "size": "32MiB", "access_mode": "ReadWriteOnce", "exchange": exchange}
        bench = Bench(namespace.settings(volumes=volumes), tmp_path / "jobs")
    with provisioner(namespace):
        yield bench
        bench.until_gone(namespace, [*before, "PersistentVolumeClaim/shared"])


def secret_plan(bench: Bench, pause: str = "0") -> Plan:
    tool = shell(
        SUMS,
        arguments=["sh", "$(inputs.token)", "--token=$(inputs.token)", pause],
        inputs={"token": "string"},
        outputs={
            "sums": {
                "type": "string",
                "outputBinding": {"glob": "sums", "loadContents": True, "outputEval": "$(self[0].contents)"},
            }
        },
        requirements={
            "InlineJavascriptRequirement": {},
            "ResourceRequirement": {"coresMin": 0.1, "ramMin": 64},
            "EnvVarRequirement": {"envDef": {"WHOLE": "$(inputs.token)", "PART": "Bearer $(inputs.token) $end"}},
            "InitialWorkDirRequirement": {"listing": [{"entryname": "secret.txt", "entry": "$(inputs.token)"}]},
        },
        hints={"cwltool:Secrets": {"secrets": ["token"]}},
    )
    document = {**tool, "$namespaces": {"cwltool": "http://commonwl.org/cwltool#"}}
    return replace(bench.plan(document, {"token": MARK}), secrets={MARK: VALUE})


def test_a_tool_gets_its_secret_by_all_ways(bench: Bench) -> None:
    run = bench.engine.submit(secret_plan(bench))
    report = bench.end(run)
    assert report.state is RunState.SUCCEEDED, f"{report}\n{bench.log(run)}"
    value = bench.engine.outputs(run)["sums"]
    assert isinstance(value, Literal)
    texts = (VALUE, f"Bearer {VALUE} $end", VALUE, f"--token={VALUE}", VALUE)
    assert str(value.value).split() == [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    bench.engine.forget(run)


def test_a_secret_is_in_a_secret_of_the_job_and_nowhere_else(bench: Bench, namespace: Namespace, s3: SeaweedFS) -> None:
    plan = secret_plan(bench, "300")
    run = bench.engine.submit(plan)
    sums = hashlib.sha256(VALUE.encode()).hexdigest()
    bench.until(run, lambda report: report.ended or sums in bench.log(run))
    told = json.dumps(namespace.cluster.items(KINDS, namespace.name))
    assert PART not in told and MARK not in json.dumps(namespace.cluster.items("pods", namespace.name))
    [secret] = [row for row in namespace.cluster.items("secrets", namespace.name) if row["type"] == "Opaque"]
    [owner] = secret["metadata"]["ownerReferences"]
    assert (secret["metadata"]["name"], owner["kind"], owner["name"]) == (run.external_id, "Job", run.external_id)
    steps = [
        pod
        for pod in namespace.cluster.items("pods", namespace.name)
        if pod["metadata"]["labels"]["app.kubernetes.io/component"] == "step"
    ]
    assert steps and not [row for pod in steps for row in pod["spec"]["volumes"] if "secret" in row]
    assert PART not in bench.log(run)
    bench.engine.cancel(run)
    assert bench.end(run).state is RunState.CANCELLED
    bench.engine.forget(run)
    # a volume of the job's own has gone with it
    assert left_with(bench.jobs, PART) == [] and s3.keys("exchange") == {}


def test_without_the_right_to_make_secrets_nothing_is_started(namespace: Namespace, tmp_path: Path) -> None:
    grant(namespace, "openeo", {"job-manager-role": JOBS, "pvc-reader-role": CLAIMS})
    account = kubeconfig(namespace, "openeo", tmp_path)
    jobs = namespace.volume("plain")
    bench = Bench(namespace.settings(volumes={"claim": "plain"}, kubeconfig=account), jobs)
    before = namespace.objects()
    with pytest.raises(PlanRejected, match=r"was not started: .* secrets: create .*secret-role"):
        bench.engine.submit(secret_plan(bench))
    assert namespace.objects() == before and left_with(jobs, PART) == []


@pytest.fixture(scope="module")
def live(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose stage tools keep things in a folder of this machine."""
    tools = Path(tempfile.mkdtemp(prefix="tools-", dir=namespace.folder))
    tools.chmod(0o755)
    wrap = write_tools(tools, PART)
    (tools / "store").chmod(0o777)
    mounted = {
        "volumes": [{"name": "tools", "hostPath": {"path": str(tools)}}],
        "containers": [{"volumeMounts": [{"name": "tools", "mountPath": str(tools)}]}],
    }
    jobs = namespace.volume("served")
    block = namespace.settings(volumes={"claim": "served"}, steps={"spec": mounted}).model_dump(mode="json")
    manager: Mapping[str, Any] = {
        "output_dir": str(jobs),
        "engines": {"cluster": block},
        "default_engine": "cluster",
        "staging": {"wrap": wrap},
        "limits": {"check_references": False},
    }
    with LiveServer(tmp_path_factory.mktemp("server"), manager, workers=1) as live:
        yield live


@pytest.mark.parametrize("name", SHAPES_HERE)
def test_packages_of_usual_shapes_run_inside_stage_tools(live: LiveServer, namespace: Namespace, name: str) -> None:
    _, results = run(live, package(name), SHAPES[name].given)
    expect(name, results)
    jobs = namespace.folder / "served"
    assert left_with(jobs, PART) == []
    database = "\n".join(sqlite3.connect(live.home / "oapip.db").iterdump())
    assert PART not in database and PART not in live.output()
    assert PART not in json.dumps(namespace.cluster.items(KINDS, namespace.name))


def test_a_secret_input_of_a_user_is_nowhere(live: LiveServer, namespace: Namespace) -> None:
    name = live.deploy(yaml.safe_dump(PACKAGE))
    job = live.submit(name, {"token": VALUE, "more": ["another"]})
    status = live.ended(job, 900.0)
    assert status["status"] == "successful", live.get(f"/jobs/{job}/logs").text
    result = live.get(f"/jobs/{job}/results", headers={"Accept": "application/json"}).text
    assert digest(VALUE, "another") in result
    assert left_with(namespace.folder / "served", PART) == []
    assert PART not in "\n".join(sqlite3.connect(live.home / "oapip.db").iterdump())
    told = "".join(live.get(f"/jobs/{job}{path}").text for path in ("", "/definition", "/prov", "/logs"))
    assert PART not in told and "(secret-" in told
