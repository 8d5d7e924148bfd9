from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import BadRequest, JobFailed, StorageUnavailable
from pygeoapi_oapip.model.execution import DEFINITION, PARENT, SECRET_INPUTS, ExecutionRequest
from pygeoapi_oapip.model.job import Job
from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.model.value import Inline, InputValue, Many, Nested, Reference
from pygeoapi_oapip.sealing import SEALED, SETTLED, Sealing

WORD = "raw"
"""A secret that is a word of the request, too."""


def job(inputs: dict[str, InputValue], *secret: str, **more: Any) -> Job:
    request: JSONObject = {**ExecutionRequest(inputs).to_json(), SECRET_INPUTS: list(secret), "response": "raw", **more}
    return Job.new("p", 1, "alice", "local", request)


@pytest.fixture
def sealing(tmp_path: Path) -> Sealing:
    return Sealing(tmp_path / "sealed")


def kept(sealing: Sealing, given: Job, told: JSONObject | None = None) -> Job:
    with sealing.sealed(given, told) as found:
        return found


def files(folder: Path) -> list[Path]:
    return list((folder / "sealed").glob("*"))


def test_a_job_without_secrets_is_as_it_was_and_nothing_is_written(sealing: Sealing, tmp_path: Path) -> None:
    given = job({"a": Inline("text"), "n": Inline(3)}, "n")
    assert kept(sealing, given) is given
    assert not (tmp_path / "sealed").exists()
    assert sealing.values(given.request, {}) == {}


def test_only_the_texts_of_secret_inputs_become_placeholders(sealing: Sealing, tmp_path: Path) -> None:
    record: JSONObject = {"user": WORD, "port": 5, "flag": False, "list": ["x", ""], "nothing": None}
    inputs: dict[str, InputValue] = {
        "token": Inline(WORD),
        "plain": Inline(WORD),
        "many": Many((Inline("one"), Inline("two"), Reference("https://x.test/y"))),
        "record": Inline(record),
    }
    found = kept(sealing, job(inputs, "token", "many", "record"))
    request = ExecutionRequest.from_json(found.request)
    assert request.inputs["plain"] == Inline(WORD) and found.request["response"] == "raw"
    assert isinstance(token := request.inputs["token"], Inline)
    assert isinstance(many := request.inputs["many"], Many)
    assert isinstance(own := request.inputs["record"], Inline) and isinstance(own.value, dict)
    assert {key: own.value[key] for key in ("port", "flag", "nothing")} == {"port": 5, "flag": False, "nothing": None}
    assert own.value["user"] == token.value and many.items[2] == Reference("https://x.test/y")
    marks = [token.value, *(item.value for item in many.items[:2] if isinstance(item, Inline)), own.value["list"][0]]
    assert [sealing.opened(found.request, mark) for mark in marks] == [WORD, "one", "two", "x"]
    [path] = files(tmp_path)
    assert path.name.startswith(f"{found.id}.")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_an_engine_gets_what_occurs_in_the_input_object(sealing: Sealing) -> None:
    found = kept(sealing, job({"a": Inline("first"), "b": Inline("second")}, "a", "b"))
    value: Any = ExecutionRequest.from_json(found.request).inputs["a"]
    assert sealing.values(found.request, {"a": [{"deep": value.value}]}) == {value.value: "first"}
    assert sealing.values(found.request, {}) == {}


def test_nested_processes_share_the_file_of_the_job_that_waits(sealing: Sealing, tmp_path: Path) -> None:
    inner: JSONObject = {**ExecutionRequest({"key": Inline("inside")}).to_json(), SECRET_INPUTS: ["key"]}
    given = job({"a": Many((Nested("q", "q", 1, "local", "out", inner),)), "b": Inline("outside")}, "b")
    found = kept(sealing, given)
    many = ExecutionRequest.from_json(found.request).inputs["a"]
    assert isinstance(many, Many) and isinstance(nested := many.items[0], Nested)
    child = Job.new("q", 1, "alice", "local", {**nested.request, PARENT: found.id})
    mark = ExecutionRequest.from_json(child.request).inputs["key"]
    assert isinstance(mark, Inline) and sealing.opened(child.request, mark.value) == "inside"
    sealing.drop(child)
    assert len(files(tmp_path)) == 1
    sealing.drop(found)
    sealing.drop(found)
    assert files(tmp_path) == []


def test_a_definition_has_the_same_placeholders(sealing: Sealing) -> None:
    definition = {"process": "p", "inputs": {"a": {"value": WORD}, "b": ["other"]}, "response": WORD}
    told = job({"a": Inline(WORD)}, "a").request
    found = kept(sealing, job({}, **{DEFINITION: definition}), told)
    stored: Any = found.request[DEFINITION]
    assert stored["inputs"]["a"]["value"].startswith("(secret-") and stored["inputs"]["b"] == ["other"]
    assert stored["response"] == WORD
    assert sealing.opened(found.request, stored) == definition


def test_a_job_that_is_not_made_leaves_nothing(sealing: Sealing, tmp_path: Path) -> None:
    with pytest.raises(BadRequest), sealing.sealed(job({"a": Inline("x")}, "a")):
        raise BadRequest("full")
    assert files(tmp_path) == []


def test_a_placeholder_of_another_job_is_a_text(sealing: Sealing) -> None:
    first = kept(sealing, job({"a": Inline("x")}, "a"))
    mark: Any = ExecutionRequest.from_json(first.request).inputs["a"]
    second = kept(sealing, job({"a": Inline("y"), "b": mark}, "a"))
    assert sealing.opened(second.request, mark.value) == mark.value


def test_values_that_are_gone_fail_the_job(sealing: Sealing, tmp_path: Path) -> None:
    found = kept(sealing, job({"a": Inline("x")}, "a"))
    files(tmp_path)[0].unlink()
    with pytest.raises(JobFailed, match="not on this server"):
        sealing.values(found.request, {})


def test_a_folder_that_cannot_be_written_is_a_fault_of_the_storage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable), Sealing(tmp_path / "file" / "below").sealed(job({"a": Inline("x")}, "a")):
        pytest.fail("it was kept")


def test_what_is_left_over_is_swept_when_it_is_old(sealing: Sealing, tmp_path: Path) -> None:
    ended, running, fresh = (kept(sealing, job({"a": Inline("x")}, "a")) for _ in range(3))
    for path in files(tmp_path):
        if not path.name.startswith(fresh.id):
            old = path.stat().st_mtime - SETTLED - 60
            os.utime(path, (old, old))
    assert sealing.sweep(lambda job_id: job_id != running.id) == 1
    assert {path.name.partition(".")[0] for path in files(tmp_path)} == {running.id, fresh.id}
    assert sealing.sweep(lambda job_id: False) == 0
    assert SEALED in ended.request
