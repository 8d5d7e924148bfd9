from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pygeoapi_oapip.engines.calrissian.folder import JobFolder

from .conftest import JOB_ID, folder_of


def write(folder: JobFolder, order: dict[str, Any], document: dict[str, Any] | None = None) -> dict[str, Any]:
    """The job order as the pod reads it."""
    folder.make(0, 0)
    folder.write_plan({}, document or {}, order)
    text = (folder.where.server_in / "run" / "order.json").read_text(encoding="utf-8")
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return found


def given(folder: Path, name: str, text: str = "text") -> dict[str, Any]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return {"class": "File", "location": path.as_uri()}


def three(tmp_path: Path) -> JobFolder:
    return folder_of(
        tmp_path,
        input_claim="in",
        input_folder=str(tmp_path / "in"),
        output_claim="out",
        output_folder=str(tmp_path / "out"),
    )


def test_files_of_the_workspace_stay_where_they_are(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    order = write(folder, {"a": given(folder.workspace / "inputs" / "1-a", "x y.txt")})
    assert order["a"]["location"] == "file:///calrissian/job/inputs/1-a/x%20y.txt"
    assert len(list((folder.workspace / "inputs").iterdir())) == 1


def test_files_from_elsewhere_are_brought_and_do_not_meet(tmp_path: Path) -> None:
    folder = three(tmp_path)
    first, second = given(tmp_path / "a", "same.txt", "1"), given(tmp_path / "b", "same.txt", "2")
    order = write(folder, {"files": [first, {**second, "secondaryFiles": [given(tmp_path / "c", "i.idx")]}]})
    locations = [row["location"] for row in order["files"]]
    assert len(set(locations)) == 2
    start = "file:///calrissian/input-data/inputs/"
    texts = [(folder.where.server_in / "inputs" / place.removeprefix(start)).read_text() for place in locations]
    assert texts == ["1", "2"] and order["files"][1]["secondaryFiles"][0]["location"].startswith(start)


def test_folders_are_brought_with_all_below_them(tmp_path: Path) -> None:
    given(tmp_path / "tree" / "deep", "x.txt", "deep")
    folder = three(tmp_path)
    order = write(folder, {"d": {"class": "Directory", "location": (tmp_path / "tree").as_uri()}})
    assert order["d"]["location"].endswith("/tree")
    assert [path.read_text() for path in folder.where.server_in.rglob("x.txt")] == ["deep"]


@pytest.mark.parametrize(
    "value",
    [
        "é😀",
        "\\ud83d\\ude00",
        "\\\\ud83d\\\\ude00",
        "line\nbreak\ttab",
        "\u0085\u2028\ufeff",
        "\x7f",
        "'\"",
        "no",
        "1e5",
        "",
    ],
)
def test_texts_arrive_as_they_are(tmp_path: Path, value: str) -> None:
    assert write(folder_of(tmp_path), {"text": value, value or "key": 1})["text"] == value


def test_literal_files_and_other_addresses_are_left_alone(tmp_path: Path) -> None:
    order = {
        "literal": {"class": "File", "contents": "x", "basename": "x.txt"},
        "far": {"class": "File", "location": "s3://bucket/x"},
        "text": {"location": "file:///etc/passwd"},
    }
    assert write(folder_of(tmp_path), order) == order


def test_schemas_are_not_fetched_in_the_pod(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    write(folder, {}, {"$schemas": ["http://x"], "class": "Workflow"})
    assert json.loads((folder.workspace / "run" / "app.cwl").read_text()) == {"class": "Workflow"}


def test_what_the_pod_left_elsewhere_comes_to_the_workspace_and_is_removed_there(tmp_path: Path) -> None:
    folder = three(tmp_path)
    write(folder, {})
    out = folder.where.server_out
    (out / "outputs" / "x.txt").write_text("result")
    (out / "logs" / "leader.log").write_text("said\n")
    (out / "run" / "exit.json").write_text('{"exit_code": 0}')
    folder.collect()
    folder.collect()
    folder.remove()
    folder.remove()
    assert (folder.workspace / "outputs" / "x.txt").read_text() == "result"
    assert folder.told("exit") == {"exit_code": 0} and [name for name, _ in folder.logs()] == [""]
    assert not out.exists() and not folder.where.server_in.exists()


def test_forgetting_in_the_workspace_keeps_results_and_logs(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    write(folder, {})
    folder.collect()
    folder.remove()
    assert (folder.workspace / "outputs").is_dir() and not (folder.workspace / "work").exists()
    assert folder.workspace.name == JOB_ID
