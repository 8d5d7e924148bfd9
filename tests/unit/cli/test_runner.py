from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.cli.runner import UNSUPPORTED_TITLE
from pygeoapi_oapip.errors import PlanRejected

from .conftest import Answer, FakeServer, Run

TOOL = """\
cwlVersion: v1.2
class: CommandLineTool
id: echo
baseCommand: echo
inputs: {text: {type: string, inputBinding: {}}}
stdout: out.txt
outputs: {out: stdout}
"""


@pytest.fixture
def tool(tmp_path: Path) -> str:
    (tmp_path / "echo.cwl").write_text(TOOL)
    return str(tmp_path / "echo.cwl")


@pytest.fixture
def deployed(fake: FakeServer, tool: str, run: Run) -> str:
    """The id that the tool gets; the server knows it from now on and runs one job."""
    fake.on("POST", "/processes", Answer({"title": "stop here"}, 500))
    run("cwl-runner", tool)
    process_id = str(fake.requests[0].json["processDescription"]["id"])
    fake.requests.clear()
    fake.on("POST", "/processes", Answer({"id": process_id}, 201))
    fake.on("POST", f"/processes/{process_id}/execution", Answer({"jobID": "j", "status": "accepted"}, 201))
    fake.on(
        "GET",
        f"/processes/{process_id}",
        Answer({"id": process_id, "inputs": {"f": {}, "n": {}}, "outputs": {"out": {}, "none": {}}}),
    )
    fake.on("GET", "/jobs/j", Answer({"jobID": "j", "status": "successful"}))
    fake.on("GET", "/jobs/j/logs", Answer(b"the log", 200, {"Content-Type": "text/plain"}))
    return process_id


def output_of(fake: FakeServer, run: Run, tool: str, folder: Path, results: Any) -> Any:
    fake.on("GET", "/jobs/j/results", Answer(results))
    result = run("cwl-runner", "--quiet", "--outdir", str(folder), tool)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_files_are_downloaded_and_described(
    fake: FakeServer, run: Run, tool: str, deployed: str, tmp_path: Path
) -> None:
    fake.on("GET", "/f", Answer(b"hello\n"))
    fake.on("GET", "/f.idx", Answer(b"i"))
    index = {"href": f"{fake.url}/f.idx", "title": "out.txt.idx", "length": 1}
    link = {"href": f"{fake.url}/f", "title": "out.txt", "length": 6, "secondaryFiles": [index], "format": "http://x/f"}
    output = output_of(fake, run, tool, tmp_path / "o", {"out": link})
    path = tmp_path / "o" / "out.txt"
    [second] = output["out"].pop("secondaryFiles")
    assert second["basename"] == "out.txt.idx"
    assert output == {
        "out": {
            "class": "File",
            "location": path.as_uri(),
            "path": str(path),
            "basename": "out.txt",
            "checksum": "sha1$" + hashlib.sha1(b"hello\n").hexdigest(),
            "size": 6,
            "format": "http://x/f",
        },
        "none": None,
    }


def test_literals_and_records_come_back_as_they_were(
    fake: FakeServer, run: Run, tool: str, deployed: str, tmp_path: Path
) -> None:
    record = {"value": {"a": 1, "b": [True]}, "mediaType": "application/json"}
    assert output_of(fake, run, tool, tmp_path, {"out": record})["out"] == {"a": 1, "b": [True]}


def test_a_directory_is_unpacked_with_its_listing(
    fake: FakeServer, run: Run, tool: str, deployed: str, tmp_path: Path
) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("sub/a.txt", "a")
    fake.on("GET", "/d", Answer(content.getvalue()))
    link = {"href": f"{fake.url}/d", "title": "results", "type": "application/zip"}
    found = output_of(fake, run, tool, tmp_path, {"out": link})["out"]
    assert (found["class"], found["basename"]) == ("Directory", "results")
    assert found["listing"][0]["listing"][0]["basename"] == "a.txt"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["echo.cwl", "results"]


def test_two_files_of_one_name_keep_it(fake: FakeServer, run: Run, tool: str, deployed: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        fake.on("GET", f"/{name}", Answer(name.encode()))
    links = [{"href": f"{fake.url}/{name}", "title": "same.txt", "length": 1} for name in ("a", "b")]
    found = output_of(fake, run, tool, tmp_path / "o", {"out": links})["out"]
    assert [item["basename"] for item in found] == ["same.txt"] * 2
    assert [Path(item["path"]).read_text() for item in found] == ["a", "b"]


def test_the_same_document_has_the_same_id_and_is_deployed_once(
    fake: FakeServer, run: Run, tool: str, deployed: str, tmp_path: Path
) -> None:
    fake.on("POST", "/processes", Answer({"title": "Duplicated process"}, 409))
    output_of(fake, run, tool, tmp_path, {})
    assert fake.sent("POST")[0].json["processDescription"]["id"] == deployed


def test_local_files_of_the_job_are_named_absolutely(
    fake: FakeServer, run: Run, tool: str, deployed: str, tmp_path: Path
) -> None:
    fake.on("GET", "/jobs/j/results", Answer({}))
    job = tmp_path / "job.yml"
    job.write_text("f: {class: File, path: a b.txt}\nnothing: null\nunknown: 1\nn: 1e-5\n")
    assert run("cwl-runner", "--outdir", str(tmp_path), f"file://{tool}", job.as_uri()).exit_code == 0
    inputs = fake.sent("POST")[-1].json["inputs"]
    assert set(inputs) == {"f", "n"}
    assert inputs["n"] == 1e-5
    assert (tmp_path / "a b.txt").as_uri() in json.dumps(inputs["f"])


def test_what_the_server_cannot_run_is_exit_code_33(
    fake: FakeServer, run: Run, tool: str, deployed: str, tmp_path: Path
) -> None:
    refusal = {"title": UNSUPPORTED_TITLE, "detail": "no container engine"}
    fake.on("POST", f"/processes/{deployed}/execution", Answer(refusal, 400))
    result = run("cwl-runner", tool)
    assert result.exit_code == 33
    assert "no container engine" in result.stderr


def test_the_title_of_unsupported_is_the_servers() -> None:
    assert PlanRejected("x").problem()["title"] == UNSUPPORTED_TITLE


def test_a_failed_job_is_exit_code_1_with_its_log(fake: FakeServer, run: Run, tool: str, deployed: str) -> None:
    fake.on("GET", "/jobs/j", Answer({"jobID": "j", "status": "failed", "message": "exit code 3"}))
    result = run("cwl-runner", "--quiet", tool)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == "the log\noapip: exit code 3\n"


@pytest.mark.parametrize("text", ["cwlVersion: v1.2\nclass: [", "[]", TOOL + "doc: {$include: none.txt}\n", None])
def test_a_document_that_cannot_be_read_is_not_sent(fake: FakeServer, run: Run, tmp_path: Path, text: Any) -> None:
    path = tmp_path / "wrong.cwl"
    if text is not None:
        path.write_text(text)
    result = run("cwl-runner", str(path))
    assert result.exit_code == 1
    assert result.stderr.startswith("oapip: ")
    assert not fake.requests


@pytest.mark.parametrize("text", ["[1]", "a: [", None])
def test_an_input_object_that_cannot_be_read_is_wrong_use(
    fake: FakeServer, run: Run, tool: str, tmp_path: Path, text: Any
) -> None:
    if text is not None:
        (tmp_path / "job.yml").write_text(text)
    result = run("cwl-runner", tool, str(tmp_path / "job.yml"))
    assert (result.exit_code, fake.requests) == (2, [])
    assert "Traceback" not in result.output


def test_a_document_that_stands_alone_is_sent_as_it_is(fake: FakeServer, run: Run, tool: str) -> None:
    run("cwl-runner", tool)
    assert fake.sent("POST")[0].json["executionUnit"]["value"] == TOOL


def test_one_that_needs_others_is_packed(fake: FakeServer, run: Run, tool: str, tmp_path: Path) -> None:
    (tmp_path / "doc.txt").write_text("what it does")
    Path(tool).write_text(TOOL + "doc: {$include: doc.txt}\n")
    run("cwl-runner", tool)
    assert "what it does" in fake.sent("POST")[0].json["executionUnit"]["value"]


@pytest.mark.parametrize("graph", [False, True])
def test_requirements_of_the_input_object_win(fake: FakeServer, run: Run, tmp_path: Path, graph: bool) -> None:
    own: dict[str, Any] = {"ToolTimeLimit": {"timelimit": 1}, "WorkReuse": {"enableReuse": False}}
    process = {"id": "p", "class": "CommandLineTool", "inputs": [], "outputs": [], "requirements": own}
    other = {**process, "id": "q"}
    whole = {"$graph": [process, other]} if graph else process
    (tmp_path / "t.cwl").write_text(json.dumps({"cwlVersion": "v1.2", **whole}))
    (tmp_path / "job.yml").write_text("cwl:requirements: [{class: ToolTimeLimit, timelimit: 9}]")
    run("cwl-runner", f"{tmp_path / 't.cwl'}#p", str(tmp_path / "job.yml"))
    document = json.loads(fake.sent("POST")[0].json["executionUnit"]["value"])
    first = document["$graph"][0] if graph else document
    assert sorted(first["requirements"], key=str) == [
        {"class": "ToolTimeLimit", "timelimit": 9},
        {"class": "WorkReuse", "enableReuse": False},
    ]
    assert not graph or document["$graph"][1] == other


def test_an_archive_that_is_none_is_an_error(
    fake: FakeServer, run: Run, tool: str, deployed: str, tmp_path: Path
) -> None:
    fake.on("GET", "/d", Answer(b"no archive"))
    link = {"href": f"{fake.url}/d", "title": "r", "type": "application/zip"}
    fake.on("GET", "/jobs/j/results", Answer({"out": link}))
    result = run("cwl-runner", "--quiet", "--outdir", str(tmp_path / "o"), tool)
    assert result.exit_code == 1
    assert "is not the archive" in result.stderr
