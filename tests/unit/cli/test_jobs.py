from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Answer, FakeServer, Run

PROCESS = {
    "id": "p",
    "inputs": {
        "text": {"schema": {"type": "string"}},
        "size": {"schema": {"type": "integer"}},
        "sizes": {"schema": {"type": "array", "items": {"type": "number"}}},
        "raster": {"schema": {"oneOf": [{"type": "string", "contentEncoding": "binary"}, {"type": "object"}]}},
    },
}


def status(word: str, **members: Any) -> Answer:
    return Answer({"jobID": "j1", "processID": "p", "status": word, "progress": 0, **members})


@pytest.fixture(autouse=True)
def process(fake: FakeServer) -> None:
    fake.on("GET", "/processes/p", Answer(PROCESS))
    created = Answer({"jobID": "j1", "status": "accepted"}, 201, {"Location": f"{fake.url}/jobs/j1"})
    fake.on("POST", "/processes/p/execution", created)


def inputs_sent(fake: FakeServer) -> Any:
    return fake.sent("POST")[-1].json["inputs"]


def test_execute_prints_the_job_and_prefers_not_to_wait(fake: FakeServer, run: Run) -> None:
    result = run("execute", "p")
    assert (result.exit_code, result.stdout) == (0, "j1\n")
    assert fake.sent("POST")[0].headers["Prefer"] == "respond-async"


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (["text=12"], {"text": "12"}),
        (["text=a=b"], {"text": "a=b"}),
        (["text="], {"text": ""}),
        (["size=12"], {"size": 12}),
        (["size=twelve"], {"size": "twelve"}),
        (["sizes=1", "sizes=2.5"], {"sizes": [1, 2.5]}),
        (["sizes=[1, 2]"], {"sizes": [1, 2]}),
        (["raster=https://example.org/a.tif"], {"raster": {"href": "https://example.org/a.tif"}}),
        (["raster=file:///data/a.tif"], {"raster": {"href": "file:///data/a.tif"}}),
        (["text=https://example.org/"], {"text": "https://example.org/"}),
    ],
)
def test_inputs_are_read_as_the_process_describes_them(
    fake: FakeServer, run: Run, pairs: list[str], expected: dict[str, Any]
) -> None:
    arguments = [part for pair in pairs for part in ("-i", pair)]
    result = run("execute", "p", *arguments)
    assert result.exit_code == 0, result.stderr
    assert inputs_sent(fake) == expected


def test_a_local_file_is_sent_within_the_request(fake: FakeServer, run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x00\x01")
    run("execute", "p", "-i", f"raster=file:{tmp_path}/a.png")
    assert inputs_sent(fake) == {"raster": {"value": "AAE=", "mediaType": "image/png", "encoding": "base64"}}


def test_inputs_come_from_files_and_pairs_win(fake: FakeServer, run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.yml").write_text("inputs: {text: old, size: 1}")
    (tmp_path / "v.json").write_text("[3, 4]")
    run("execute", "p", "--inputs", str(tmp_path / "in.yml"), "-i", "text=new", "-i", f"sizes=@{tmp_path}/v.json")
    assert inputs_sent(fake) == {"text": "new", "size": 1, "sizes": [3, 4]}


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        ("text", "write an input as name=value"),
        ("=x", "write an input as name=value"),
        ("other=1", "the process has no such input (it has: text, size, sizes, raster)"),
        ("size=@nowhere.json", "nowhere.json: No such file or directory"),
        ("raster=file:nowhere.tif", "nowhere.tif: No such file or directory"),
    ],
)
def test_wrong_inputs_are_refused_before_anything_is_executed(
    fake: FakeServer, run: Run, pair: str, reason: str
) -> None:
    result = run("execute", "p", "-i", pair)
    assert result.exit_code == 2
    assert reason in result.stderr
    assert not fake.sent("POST")


def test_wait_follows_the_job_and_prints_its_results(fake: FakeServer, run: Run) -> None:
    fake.on("GET", "/jobs/j1", status("accepted"), status("running", progress=40), status("successful", progress=100))
    fake.on("GET", "/jobs/j1/results", Answer({"out": 5}))
    result = run("execute", "p", "--wait")
    assert json.loads(result.stdout) == {"out": 5}
    assert result.stderr == "j1 accepted 0 %\nj1 running 40 %\nj1 successful 100 %\n"


@pytest.mark.parametrize("word", ["failed", "dismissed"])
def test_wait_fails_with_the_reason_of_the_job(fake: FakeServer, run: Run, word: str) -> None:
    fake.on("GET", "/jobs/j1", status(word, message="step a: exit code 3"))
    result = run("execute", "p", "--wait")
    assert result.exit_code == 1
    assert result.stderr.endswith(f"oapip: job j1 {word}: step a: exit code 3\n")


def test_sync_prints_the_results_of_the_same_answer(fake: FakeServer, run: Run) -> None:
    fake.on("POST", "/processes/p/execution", Answer({"out": "x"}))
    result = run("execute", "p", "--sync")
    assert json.loads(result.stdout) == {"out": "x"}
    assert fake.sent("POST")[0].headers["Prefer"] == "wait=300"


def test_sync_waits_for_the_job_where_the_server_answers_with_one(fake: FakeServer, run: Run) -> None:
    fake.on("GET", "/jobs/j1", status("successful"))
    fake.on("GET", "/jobs/j1/results", Answer({"out": 1}))
    assert json.loads(run("execute", "p", "--sync").stdout) == {"out": 1}


def test_outdir_gets_each_result_as_a_file(fake: FakeServer, run: Run, tmp_path: Path) -> None:
    link = {"href": f"{fake.url}/jobs/j1/results/tif", "type": "image/tiff", "title": "a.tif", "length": 3}
    value = {"value": "AAE=", "mediaType": "image/png", "encoding": "base64"}
    fake.on("GET", "/jobs/j1/results", Answer({"tif": link, "list": [link, 1], "n": 4, "pic": value}))
    fake.on("GET", "/jobs/j1/results/tif", Answer(b"TIF"))
    result = run("results", "j1", "--outdir", str(tmp_path / "out"))
    assert result.exit_code == 0, result.stderr
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found == {"a.tif": b"TIF", "a-2.tif": b"TIF", "n.json": b"4\n", "pic.png": b"\x00\x01"}
    assert f"tif\t{tmp_path}/out/a.tif\timage/tiff\t3 B" in result.stdout


@pytest.mark.parametrize("title", ["../../evil.sh", "/etc/evil.sh", "..\\evil.sh", "a\0evil.sh"])
def test_a_server_cannot_write_outside_the_folder(fake: FakeServer, run: Run, tmp_path: Path, title: str) -> None:
    fake.on("GET", "/f", Answer(b"x"))
    link = {"href": f"{fake.url}/f", "title": title, "length": 1}
    fake.on("GET", "/jobs/j1/results", Answer({"../o": link, "../v": 1}))
    run("results", "j1", "--outdir", str(tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_download_that_is_refused_leaves_no_file(fake: FakeServer, run: Run, tmp_path: Path) -> None:
    fake.on("GET", "/jobs/j1/results", Answer({"o": {"href": f"{fake.url}/gone", "title": "o.tif"}}))
    result = run("results", "j1", "--outdir", str(tmp_path))
    assert result.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_jobs_shows_rows_and_passes_filters(fake: FakeServer, run: Run) -> None:
    row = {
        "jobID": "j1",
        "processID": "p",
        "status": "successful",
        "created": "2026-01-01T00:00:00Z",
        "started": "2026-01-01T00:00:01Z",
        "finished": "2026-01-01T00:00:03.500Z",
    }
    fake.on("GET", "/jobs", Answer({"jobs": [row], "links": []}))
    result = run("jobs", "--status", "successful", "--process", "p", "--limit", "5")
    assert result.stdout == "j1\tp\tsuccessful\t2026-01-01T00:00:00Z\t2.5 s\n"
    assert fake.requests[-1].path == "/jobs?limit=5&status=successful&processID=p"


def test_jobs_stops_at_the_limit_even_where_the_server_gives_more(fake: FakeServer, run: Run) -> None:
    fake.on("GET", "/jobs", Answer({"jobs": [{"jobID": str(n)} for n in range(9)], "links": []}))
    assert len(json.loads(run("jobs", "--limit", "3", "--json").stdout)["jobs"]) == 3


def test_status_prints_the_servers_document_as_json(fake: FakeServer, run: Run) -> None:
    fake.on("GET", "/jobs/j1", status("running", extra=[1]))
    assert json.loads(run("status", "j1", "--json").stdout)["extra"] == [1]


@pytest.mark.parametrize(("word", "code"), [("successful", 0), ("failed", 1), ("dismissed", 1)])
def test_status_watch_tells_the_end_by_its_exit_code(fake: FakeServer, run: Run, word: str, code: int) -> None:
    fake.on("GET", "/jobs/j1", status("running"), status(word, message="why"))
    result = run("status", "j1", "--watch")
    assert result.exit_code == code
    assert f"j1  {word}" in result.stdout
    assert "message: why" in result.stdout


def test_logs_follow_prints_each_line_once(fake: FakeServer, run: Run) -> None:
    plain = {"Content-Type": "text/plain"}
    fake.on("GET", "/jobs/j1", status("running"), status("successful"))
    fake.on("GET", "/jobs/j1/logs", Answer(b"one\n", 200, plain), Answer("one\nzwölf\n".encode(), 200, plain))
    assert run("logs", "-f", "j1").stdout == "one\nzwölf\n"


def test_dismiss_deletes_the_job(fake: FakeServer, run: Run) -> None:
    fake.on("DELETE", "/jobs/j1", status("dismissed"))
    assert run("dismiss", "j1").stdout == "j1 dismissed\n"


def test_a_server_that_is_not_there_is_exit_code_3(run: Run) -> None:
    result = run("jobs", "--server", "http://127.0.0.1:9")
    assert result.exit_code == 3
    assert result.stderr == "oapip: no answer from http://127.0.0.1:9 (connection refused); is the server running?\n"


def test_a_server_that_is_none_of_ours_is_exit_code_3(fake: FakeServer, run: Run) -> None:
    fake.on("GET", "/jobs", Answer(b"<html>", 200, {"Content-Type": "text/html"}))
    result = run("jobs")
    assert result.exit_code == 3
    assert "is it an OGC API - Processes server?" in result.stderr


def test_an_address_that_is_no_url_is_wrong_use(run: Run) -> None:
    assert run("jobs", "--server", "ftp://x").exit_code == 2


def test_an_error_without_a_problem_document_is_still_one_line(fake: FakeServer, run: Run) -> None:
    fake.on("GET", "/jobs/j1", Answer(b"<html>bad gateway", 502, {"Content-Type": "text/html"}))
    assert run("status", "j1").stderr == "oapip: Bad Gateway (502)\n"
