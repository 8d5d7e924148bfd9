from __future__ import annotations

import json
from pathlib import Path

import pytest

from pygeoapi_oapip.cli.failures import CommandError
from pygeoapi_oapip.cli.processes import process_id_of, read_package

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
DUPLICATE = Answer({"title": "Duplicated process", "detail": "echo is deployed"}, 409)


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    path = tmp_path / "echo.cwl"
    path.write_text(TOOL)
    return path


def test_deploy_sends_a_self_contained_document_byte_for_byte(fake: FakeServer, run: Run, tool: Path) -> None:
    fake.on("POST", "/processes", Answer({"id": "echo", "version": "1.0"}, 201))
    result = run("deploy", str(tool))
    assert result.exit_code == 0, result.stderr
    assert "echo 1.0 deployed" in result.stdout
    [request] = fake.requests
    assert request.body == TOOL.encode()
    assert request.headers["Content-Type"] == "application/cwl+yaml"


def test_deploy_with_an_id_sends_an_application_package(fake: FakeServer, run: Run, tool: Path) -> None:
    fake.on("POST", "/processes", Answer({"id": "mine"}, 201))
    assert run("deploy", str(tool), "--id", "mine").exit_code == 0
    [request] = fake.requests
    assert request.headers["Content-Type"] == "application/ogcapppkg+json"
    assert request.json["processDescription"] == {"id": "mine"}
    assert request.json["executionUnit"]["value"]["baseCommand"] == "echo"


def test_deploy_of_a_url_lets_the_server_read_it(fake: FakeServer, run: Run) -> None:
    fake.on("POST", "/processes", Answer({"id": "x"}, 201))
    assert run("deploy", "https://example.org/app.cwl#main").exit_code == 0
    unit = {"href": "https://example.org/app.cwl#main", "type": "application/cwl"}
    assert fake.requests[0].json == {"executionUnit": unit}


def test_deploy_names_the_entry_point_in_the_query(fake: FakeServer, run: Run, tool: Path) -> None:
    fake.on("POST", "/processes", Answer({"id": "echo"}, 201))
    run("deploy", str(tool), "--entry", "echo")
    run("deploy", f"{tool}#echo")
    assert [request.path for request in fake.requests] == ["/processes?w=echo"] * 2


def test_a_second_deployment_is_refused_with_the_servers_reason(fake: FakeServer, run: Run, tool: Path) -> None:
    fake.on("POST", "/processes", DUPLICATE)
    result = run("deploy", str(tool))
    assert result.exit_code == 1
    assert result.stderr == "oapip: Duplicated process (409): echo is deployed\n"


def test_replace_puts_the_package_where_the_process_is_deployed(fake: FakeServer, run: Run, tool: Path) -> None:
    fake.on("POST", "/processes", DUPLICATE)
    fake.on("PUT", "/processes/echo", Answer(b"", 204))
    fake.on("GET", "/processes/echo", Answer({"id": "echo", "version": "2"}))
    result = run("deploy", str(tool), "--replace")
    assert "echo 2 replaced" in result.stdout
    assert fake.sent("PUT")[0].body == TOOL.encode()


def test_replace_does_not_hide_another_refusal(fake: FakeServer, run: Run, tool: Path) -> None:
    fake.on("POST", "/processes", Answer({"title": "Invalid application package", "detail": "no outputs"}, 400))
    result = run("deploy", str(tool), "--replace")
    assert result.exit_code == 1
    assert not fake.sent("PUT")


@pytest.mark.parametrize("content", ["[1, 2]", "a: [", "just text"])
def test_deploy_refuses_what_is_no_package(fake: FakeServer, run: Run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "wrong.cwl"
    path.write_text(content)
    result = run("deploy", str(path))
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert not fake.requests


def test_deploy_of_a_missing_file_says_so(run: Run) -> None:
    result = run("deploy", "nowhere.cwl")
    assert (result.exit_code, result.stderr) == (2, "oapip: nowhere.cwl: No such file or directory\n")


def test_processes_follows_the_next_links(fake: FakeServer, run: Run) -> None:
    following = {"rel": "next", "href": f"{fake.url}/more"}
    fake.on("GET", "/processes", Answer({"processes": [{"id": "a", "title": "A"}], "links": [following]}))
    fake.on("GET", "/more", Answer({"processes": [{"id": "b", "version": "2"}], "links": []}))
    assert run("processes").stdout == "a\t\tA\nb\t2\t\n"
    assert json.loads(run("processes", "--json").stdout)["processes"][1] == {"id": "b", "version": "2"}


def test_no_processes_is_no_error(fake: FakeServer, run: Run) -> None:
    fake.on("GET", "/processes", Answer({"processes": [], "links": []}))
    result = run("processes")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no processes\n")


def test_describe_shows_types_and_defaults(fake: FakeServer, run: Run) -> None:
    inputs = {
        "raster": {"schema": {"type": "string", "contentMediaType": "image/tiff"}},
        "size": {"schema": {"type": "integer", "default": 3}, "minOccurs": 0, "title": "Size"},
        "modes": {"schema": {"type": "array", "items": {"enum": ["a", "b"]}}},
        "any": {"schema": {"oneOf": [{"type": "number"}, {"type": "string"}]}, "minOccurs": 0},
    }
    fake.on("GET", "/processes/p", Answer({"id": "p", "version": "1", "inputs": inputs, "outputs": {}}))
    text = run("describe", "p").stdout
    for line in (
        "raster: file (image/tiff)",
        "size: integer = 3   Size",
        "modes: a | b[]",
        "any: number | string (optional)",
        "outputs: none",
    ):
        assert line in text


def test_describe_of_an_unknown_process_fails_with_the_problem(run: Run) -> None:
    result = run("describe", "a b/c")
    assert result.exit_code == 1
    assert result.stderr == "oapip: Not Found (404): nothing at /processes/a%20b%2Fc\n"


def test_undeploy_deletes(fake: FakeServer, run: Run) -> None:
    fake.on("DELETE", "/processes/echo", Answer(b"", 204))
    assert run("undeploy", "echo").stdout == "echo undeployed\n"


@pytest.mark.parametrize(
    ("document", "entry", "expected"),
    [
        ("id: a", None, "a"),
        ("id: '#a'", None, "a"),
        ("id: a", "b", "b"),
        ("{$graph: [{id: t, class: CommandLineTool}, {id: w, class: Workflow}]}", None, "w"),
        ("{processDescription: {id: p}, executionUnit: {}}", None, "p"),
        ("{processDescription: {process: {id: q}}, executionUnit: {}}", None, "q"),
    ],
)
def test_the_id_of_a_package_is_found(document: str, entry: str | None, expected: str) -> None:
    assert process_id_of(document.encode(), entry) == expected


@pytest.mark.parametrize("document", ["{class: Workflow}", "{$graph: [{class: Workflow, id: a}, {class: Workflow}]}"])
def test_a_package_without_one_id_asks_for_it(document: str) -> None:
    with pytest.raises(CommandError, match="--id"):
        process_id_of(document.encode(), None)


def test_an_application_package_is_sent_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text('{"executionUnit": {"href": "https://example.org/a.cwl"}}')
    body, media_type, _ = read_package(str(path), None, None)
    assert body == path.read_bytes()
    assert media_type == "application/ogcapppkg+json"
