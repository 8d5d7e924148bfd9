"""Files of jobs by a bucket: both ends, with a program in the place of Calrissian."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from pygeoapi_oapip.engines.calrissian import exchange as module
from pygeoapi_oapip.engines.calrissian import launch, manifest, reports
from pygeoapi_oapip.engines.calrissian.exchange import Exchange
from pygeoapi_oapip.engines.calrissian.folder import JobFolder
from pygeoapi_oapip.engines.calrissian.places import places
from pygeoapi_oapip.engines.calrissian.preflight import rights
from pygeoapi_oapip.errors import EngineUnavailable, RunLost
from pygeoapi_oapip.settings import CalrissianEngine as Settings

from .bucket import BucketServer
from .conftest import JOB_ID, exchange_settings, settings
from .test_engine import plan_of

PROGRAM = """import json, os, sys
plan = json.load(open(sys.argv[1]))
given = open(plan["inputs"] + "/a b.txt").read()
os.makedirs(plan["outdir"] + "/d/empty"); open(plan["outdir"] + "/d/x y.txt", "w").write(given * 2)
os.symlink("x y.txt", plan["outdir"] + "/d/link"); os.symlink(".", plan["outdir"] + "/d/around")
open(plan["out"] + "/run/events.jsonl", "w").write('{"event": "run", "step": "s"}\\n')
open(plan["out"] + "/logs/steps/s.log", "w").write("2026-11-22T14:00:00Z said\\n")
print(json.dumps({"n": 3}))
"""


@pytest.fixture
def server() -> Iterator[BucketServer]:
    with BucketServer() as running:
        yield running


class Ends:
    """A job's folder on the server, and the pod's: a folder of this test."""

    def __init__(self, server: BucketServer, tmp_path: Path) -> None:
        self.settings = exchange_settings(tmp_path)
        bucket = self.settings.volumes.exchange
        assert bucket is not None
        bucket = bucket.model_copy(update={"endpoint": server.url})
        self.exchange = Exchange(bucket, "oapip")
        workspace = tmp_path / JOB_ID
        (workspace / "run").mkdir(parents=True)
        (workspace / "inputs" / "none").mkdir(parents=True)
        (workspace / "inputs" / "a b.txt").write_text("given")
        self.folder = JobFolder(workspace, places(self.settings.volumes, JOB_ID, workspace))
        self.pod, self.secret = tmp_path / "pod", tmp_path / "mounted"
        root = str(self.pod)
        plan = {"out": root, "outdir": f"{root}/outputs", "tmp": f"{root}/tmp", "inputs": f"{root}/inputs"}
        (workspace / "run" / "plan.json").write_text(json.dumps({**plan, "bring_in": [], "take_out": [], "retries": 0}))

    def run(self, program: str = PROGRAM) -> subprocess.CompletedProcess[str]:
        """What the pod runs, with the content of the Secret."""
        self.secret.mkdir(exist_ok=True)
        for name, text in self.exchange.secret(JOB_ID).items():
            (self.secret / name).write_text(text.replace('"/calrissian"', json.dumps(str(self.pod))))
        (self.secret / "steps.py").write_text(program)
        command = [sys.executable, str(self.secret / "carrier.py"), str(self.secret / "exchange.json")]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


@pytest.fixture
def ends(server: BucketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ends:
    monkeypatch.setattr(module, "FRESH", 0.0)
    return Ends(server, tmp_path)


def test_inputs_go_in_and_results_come_out(ends: Ends, server: BucketServer) -> None:
    ends.exchange.send(JOB_ID, ends.folder)
    done = ends.run()
    assert done.returncode == 0, done.stderr
    assert (ends.pod / "inputs" / "none").is_dir()
    ends.exchange.pull(JOB_ID, ends.folder)
    report = ends.folder.told("exit")
    assert report is not None and report["outputs"] == {"n": 3}
    assert [event["step"] for event in ends.folder.events()] == ["s"]
    assert {name for name, _ in ends.folder.logs()} == {"", "s"}
    ends.exchange.outputs(JOB_ID, ends.folder)
    out = ends.folder.workspace / "outputs" / "d"
    assert (out / "x y.txt").read_text() == (out / "link").read_text() == "givengiven"
    assert (out / "empty").is_dir() and not (out / "around").exists()
    ends.exchange.remove(JOB_ID)
    ends.exchange.remove(JOB_ID)
    assert server.objects == {}


def test_a_second_pod_of_a_job_that_has_ended_tells_the_same(ends: Ends, server: BucketServer) -> None:
    ends.exchange.send(JOB_ID, ends.folder)
    ends.run()
    first = dict(server.objects)
    assert ends.run("raise SystemExit(9)").returncode == 0
    assert server.objects == first


def test_a_package_that_fails_before_its_first_step_is_told(ends: Ends, server: BucketServer) -> None:
    ends.exchange.send(JOB_ID, ends.folder)
    done = ends.run("import sys; print('ERROR no such thing', file=sys.stderr); sys.exit(1)")
    assert done.returncode == 1, done.stderr
    ends.exchange.pull(JOB_ID, ends.folder)
    report = reports.final(ends.folder)
    assert report is not None
    assert report.message == "Calrissian could not run the package:\nERROR no such thing"


def test_nothing_new_is_not_fetched_again(ends: Ends, server: BucketServer) -> None:
    ends.exchange.send(JOB_ID, ends.folder)
    ends.run()
    ends.exchange.pull(JOB_ID, ends.folder)
    server.asked.clear()
    ends.exchange.pull(JOB_ID, ends.folder)
    assert server.asked == ["GET "]


def test_a_plan_that_is_gone_is_told(ends: Ends) -> None:
    done = ends.run()
    assert done.returncode == 1 and "the plan is not in the bucket" in done.stderr and "Traceback" not in done.stderr


def test_results_that_the_bucket_refuses_fail_the_job(ends: Ends, server: BucketServer) -> None:
    ends.exchange.send(JOB_ID, ends.folder)
    original = ends.exchange.secret

    def refusing(job_id: str) -> dict[str, str]:
        code = dict(original(job_id))
        code["carrier.py"] = code["carrier.py"].replace(
            "    def _send_outputs(self) -> None:\n",
            "    def _send_outputs(self) -> None:\n        raise StorageFault('no', False)\n",
        )
        return code

    ends.exchange.secret = refusing  # type: ignore[method-assign]
    ends.run()
    ends.exchange.pull(JOB_ID, ends.folder)
    report = ends.folder.told("exit")
    assert report is not None and report["message"] == "The results are lost: no." and report["outputs"] is None


@pytest.mark.parametrize("name", ["../escaped.txt", "a/../../escaped.txt", "/escaped.txt/..", "./x"])
def test_no_key_of_a_pod_leads_out_of_the_folder(ends: Ends, server: BucketServer, name: str) -> None:
    server.objects[f"oapip-exchange/oapip/jobs/{JOB_ID}/outputs/{name}"] = b"bad"
    server.objects[f"oapip-exchange/oapip/jobs/{JOB_ID}/logs/{name}"] = b"bad"
    with pytest.raises(RunLost, match="a name that no output can have"):
        ends.exchange.outputs(JOB_ID, ends.folder)
    ends.exchange.logs(JOB_ID, ends.folder)
    assert not list(ends.folder.workspace.parent.rglob("escaped.txt"))


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"exit": 3, "events": null}', b'{"usage": []}'])
def test_a_state_that_makes_no_sense_is_no_end(ends: Ends, server: BucketServer, content: bytes) -> None:
    server.objects[f"oapip-exchange/oapip/state/{JOB_ID}"] = content
    ends.exchange.pull(JOB_ID, ends.folder)
    assert ends.folder.told("exit") is None and list(ends.folder.events()) == []


def test_what_ended_jobs_have_left_is_removed_and_nothing_else(ends: Ends, server: BucketServer) -> None:
    home = "oapip-exchange/oapip"
    server.objects = {
        f"{home}/jobs/a/in/x": b"",
        f"{home}/state/b": b"",
        f"{home}/jobs/c/in/x": b"",
        "else/jobs/a/x": b"",
    }
    assert ends.exchange.left_over(lambda job_id: job_id in "ab") == 2
    assert set(server.objects) == {f"{home}/jobs/c/in/x", "else/jobs/a/x"}


def test_a_bucket_that_is_away_is_told_without_its_address(ends: Ends, server: BucketServer) -> None:
    server.faults = [503]
    assert ends.exchange.problem() == "exchange: the bucket answers 503 Service Unavailable"
    server.faults = [503]
    with pytest.raises(EngineUnavailable, match="cannot be exchanged: the bucket answers 503"):
        ends.exchange.pull(JOB_ID, ends.folder)


def test_keys_are_in_the_secret_only(tmp_path: Path) -> None:
    chosen = exchange_settings(tmp_path)
    plan = plan_of(tmp_path)
    where = places(chosen.volumes, plan.job_id, plan.workspace)
    folder = JobFolder(plan.workspace, where)
    launch.write(chosen, plan, folder)
    written = b"".join(path.read_bytes() for path in plan.workspace.rglob("*") if path.is_file())
    job = manifest.job(chosen, plan.job_id, "p", where)
    for text in (json.dumps(job), written.decode(), json.dumps(manifest.steps(chosen, "x", "p")), repr(chosen)):
        assert "the-secret-key" not in text and "the-access-key" not in text
    [volume] = [row for row in job["spec"]["template"]["spec"]["volumes"] if "secret" in row]
    assert volume["secret"] == {"secretName": "oapip-job-1", "defaultMode": 0o440}
    assert not list(plan.workspace.rglob("*.py"))


def test_the_pods_may_have_another_address_of_the_bucket(tmp_path: Path) -> None:
    bucket = exchange_settings(tmp_path).volumes.exchange
    assert bucket is not None
    other = Exchange(bucket.model_copy(update={"pod_endpoint": "http://s3.internal/"}), "oapip")
    assert json.loads(other.secret("x")["exchange.json"])["access"]["endpoint"] == "http://s3.internal"


def test_the_server_needs_the_right_to_make_secrets_and_not_to_read_them(tmp_path: Path) -> None:
    [found] = [right for right in rights(exchange_settings(tmp_path)) if right.resource == "secrets"]
    assert found.verbs == ("create",)
    assert not [right for right in rights(settings()) if right.resource == "secrets"]


def test_a_bucket_and_claims_are_not_mixed(tmp_path: Path) -> None:
    known = exchange_settings(tmp_path).volumes
    for wrong in ({"claim": "jobs"}, {"storage_class": None}, {"tmp_claim": "x"}):
        with pytest.raises(ValidationError, match="exchange: needs storage_class, and no claims"):
            Settings.model_validate(
                {"volumes": {**known.model_dump(exclude={"exchange"}), "exchange": known.exchange, **wrong}}
            )


def test_values_of_one_process_keep_the_bucket(tmp_path: Path) -> None:
    chosen = exchange_settings(tmp_path, processes={"p": {"max_cores": 8}}).of("p")
    assert chosen.volumes.exchange is not None and chosen.max_cores == 8


def test_events_alone_are_no_end(ends: Ends, server: BucketServer) -> None:
    event = json.dumps({"event": "run", "step": "s", "time": "2026-11-22T14:00:00+00:00"})
    server.objects[f"oapip-exchange/oapip/state/{JOB_ID}"] = json.dumps({"events": event, "exit": None}).encode()
    ends.exchange.pull(JOB_ID, ends.folder)
    assert ends.folder.told("exit") is None and [row["step"] for row in ends.folder.events()] == ["s"]
