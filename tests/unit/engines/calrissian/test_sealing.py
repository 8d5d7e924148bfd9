"""Secrets on Kubernetes: what the cluster is asked for, and what is put into the pods of steps."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pygeoapi_oapip.engines.calrissian import engine as module
from pygeoapi_oapip.engines.calrissian.engine import CalrissianEngine
from pygeoapi_oapip.engines.calrissian.inpod.sealed import Sealed, written
from pygeoapi_oapip.errors import PlanRejected
from pygeoapi_oapip.model.execution import Plan

from .conftest import settings
from .test_engine import MemoryCluster, plan_of

MARKS = ("(secret-0)", "(secret-1)")
SECRETS = {MARKS[0]: "the first value", MARKS[1]: "the second value"}
REVIEW = "selfsubjectaccessreviews"


class ReviewingCluster(MemoryCluster):
    """Says whether Secrets may be made."""

    allowed = True

    def create(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if not path.endswith(REVIEW):
            return super().create(path, body)
        self.asked.append(("create", REVIEW))
        self.review = body["spec"]["resourceAttributes"]
        return {"status": {"allowed": self.allowed}}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CalrissianEngine:
    monkeypatch.setattr(module, "Cluster", ReviewingCluster)
    return CalrissianEngine("cluster", settings(), tmp_path)


def cluster_of(engine: CalrissianEngine) -> ReviewingCluster:
    assert isinstance(engine.cluster, ReviewingCluster)
    return engine.cluster


def secret_plan(tmp_path: Path) -> Plan:
    plan = plan_of(tmp_path)
    return replace(plan, job_order={"a": MARKS[0], "b": f"x{MARKS[1]}"}, secrets=SECRETS)


def test_the_values_are_in_a_secret_that_the_job_owns_and_nowhere_else(
    engine: CalrissianEngine, tmp_path: Path
) -> None:
    plan = secret_plan(tmp_path)
    run = engine.submit(plan)
    objects = cluster_of(engine).objects
    secret = objects.pop(f"/api/v1/namespaces/default/secrets/{run.external_id}")
    assert secret["stringData"] == {"secret-0": SECRETS[MARKS[0]], "secret-1": SECRETS[MARKS[1]]}
    assert [row["kind"] for row in secret["metadata"]["ownerReferences"]] == ["Job"]
    files = "".join(path.read_text() for path in plan.workspace.rglob("*") if path.is_file())
    assert all(value not in files + json.dumps(objects) for value in SECRETS.values())
    [job] = objects.values()
    pod = job["spec"]["template"]["spec"]
    assert {"name": "secrets", "secret": {"secretName": run.external_id, "defaultMode": 0o440}} in pod["volumes"]
    given = json.loads((plan.workspace / "run" / "plan.json").read_text())["secret"]
    assert given["keys"] == {MARKS[0]: "secret-0", MARKS[1]: "secret-1"} and given["name"] == run.external_id
    assert {"name": "secrets", "mountPath": given["folder"], "readOnly": True} in pod["containers"][0]["volumeMounts"]


def test_a_job_without_secrets_needs_no_right_and_has_no_secret(engine: CalrissianEngine, tmp_path: Path) -> None:
    engine.submit(plan_of(tmp_path))
    assert [what for _, what in cluster_of(engine).asked] == ["jobs"]
    assert "secret" not in json.loads((tmp_path / "job-1" / "run" / "plan.json").read_text())


def test_without_the_right_nothing_is_made(engine: CalrissianEngine, tmp_path: Path) -> None:
    cluster_of(engine).allowed = False
    with pytest.raises(
        PlanRejected, match=r"not started: .* secrets: create in the namespace default .role secret-role"
    ):
        engine.submit(secret_plan(tmp_path))
    assert cluster_of(engine).objects == {} and cluster_of(engine).review == {
        "namespace": "default",
        "group": "",
        "resource": "secrets",
        "verb": "create",
    }


def test_a_submit_after_a_crash_adopts_job_and_secret(engine: CalrissianEngine, tmp_path: Path) -> None:
    plan = secret_plan(tmp_path)
    run = engine.submit(plan)
    (plan.workspace / "run" / "submitted.json").unlink()
    del cluster_of(engine).objects[f"/api/v1/namespaces/default/secrets/{run.external_id}"]
    assert engine.submit(plan) == run
    (plan.workspace / "run" / "submitted.json").unlink()
    assert engine.submit(plan) == run and len(cluster_of(engine).objects) == 2


def sealed(folder: Path = Path("/job-secrets")) -> Sealed:
    keys = {MARKS[0]: "secret-0", MARKS[1]: "secret-1"}
    return Sealed({"name": "oapip-1", "folder": str(folder), "keys": keys})


def reference(key: str) -> Mapping[str, Any]:
    return {"secretKeyRef": {"name": "oapip-1", "key": key}}


def test_a_variable_that_is_a_secret_is_read_from_the_secret() -> None:
    container = {"env": [{"name": "A", "value": MARKS[1]}, {"name": "B", "value": "plain"}, {"name": "C"}]}
    sealed().place(container)
    assert container["env"] == [
        {"name": "A", "valueFrom": reference("secret-1")},
        {"name": "B", "value": "plain"},
        {"name": "C"},
    ]


def test_a_variable_with_a_secret_in_it_is_put_together_by_the_cluster() -> None:
    container: dict[str, Any] = {"env": [{"name": "A", "value": f"{MARKS[0]}, {MARKS[1]}, {MARKS[0]} $$HOME"}]}
    sealed().place(container)
    assert container["env"] == [
        {"name": "OAPIP_SECRET_0", "valueFrom": reference("secret-0")},
        {"name": "OAPIP_SECRET_1", "valueFrom": reference("secret-1")},
        {"name": "A", "value": "$(OAPIP_SECRET_0), $(OAPIP_SECRET_1), $(OAPIP_SECRET_0) $$HOME"},
    ]


@pytest.mark.parametrize("argument", [MARKS[0], f"--key={MARKS[0]}", f"it's {MARKS[0]}", f"{MARKS[0]}\n{MARKS[1]}'"])
def test_an_argument_is_a_variable_that_no_shell_splits(argument: str) -> None:
    line = f"tool {shlex.quote(argument)} > out"
    container: dict[str, Any] = {"args": [line], "env": []}
    sealed().place(container)
    [text] = container["args"]
    assert not any(mark in text for mark in MARKS)
    seen = shlex.split(text.replace("$$", "$"))[1]
    for index, mark in enumerate(MARKS):
        seen = seen.replace(f"$OAPIP_SECRET_{index}", mark)
    assert seen == argument
    assert {row["name"] for row in container["env"]} == {
        f"OAPIP_SECRET_{index}" for index, mark in enumerate(MARKS) if mark in argument
    }


def test_a_container_without_secrets_stays_as_it_is() -> None:
    container = {"command": ["/bin/sh", "-c"], "args": ["echo $$HOME"], "env": [{"name": "A", "value": "$$x"}]}
    sealed().place(container)
    assert container == {"command": ["/bin/sh", "-c"], "args": ["echo $$HOME"], "env": [{"name": "A", "value": "$$x"}]}


def test_cwltool_gets_the_values_as_they_are(tmp_path: Path) -> None:
    values = ("two\r\nlines\n", "ü $x 'q'")
    for index, value in enumerate(values):
        (tmp_path / f"secret-{index}").write_bytes(value.encode())
    store = sealed(tmp_path).store()
    assert store.retrieve([f"<{MARKS[0]}>", MARKS[1], "(secret-2)"]) == [f"<{values[0]}>", values[1], "(secret-2)"]


def test_inputs_that_are_declared_but_no_text_are_no_fault() -> None:
    order = {"list": ["a", MARKS[0]], "number": 3, "text": MARKS[1]}
    Sealed(None).store().store(list(order), order)
    assert order == {"list": ["a", MARKS[0]], "number": 3, "text": MARKS[1]}


def test_files_that_were_made_with_a_secret_are_found(tmp_path: Path) -> None:
    for index in range(2):
        (tmp_path / f"secret-{index}").write_text("value")
    entries = {
        "one": SimpleNamespace(type="CreateFile", target="/out/a/secret.txt", resolved=f"key = {MARKS[0]}"),
        "two": SimpleNamespace(type="CreateWritableFile", target="/out/own.txt", resolved=MARKS[1]),
        "three": SimpleNamespace(type="CreateFile", target="/out/plain.txt", resolved="plain"),
        "four": SimpleNamespace(type="File", target="/out/input.txt", resolved=f"/data/{MARKS[0]}"),
        "five": SimpleNamespace(type="CreateFile", target="/elsewhere/secret.txt", resolved=MARKS[0]),
    }
    step = SimpleNamespace(generatemapper=entries, outdir="/host", builder=SimpleNamespace(outdir="/out"))
    store = sealed(tmp_path).store()
    assert written(step, store) == ["/host/a/secret.txt", "/host/own.txt"]
    assert written(SimpleNamespace(generatemapper=None, outdir="", builder=step.builder), store) == []
