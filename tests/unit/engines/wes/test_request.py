"""What is sent to start a run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.wes.api import ServiceInfo
from pygeoapi_oapip.engines.wes.quirks import STANDARD, TOIL, Quirks
from pygeoapi_oapip.engines.wes.request import RunRequest, bucket_of, job_of, run_request, user_tags
from pygeoapi_oapip.errors import JobFailed
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.settings import WesEngine as Settings

JOB = "0a6e27f5-7fb9-4e6f-9a51-5f2d5b0d8d11"
INFO = ServiceInfo(("1.1.0",), {"cwl": ("v1.0", "v1.2")})


def request_of(order: Any = None, quirks: Quirks = STANDARD, entry: str = "#main", **settings: Any) -> RunRequest:
    package = Package({"cwlVersion": "v1.2", "$graph": []}, entry, b"", "", cwl_version="v1.2")
    return run_request(JOB, ("p", package, order or {}), Settings(url="http://x", **settings), quirks, INFO)


def params(request: RunRequest) -> Any:
    return json.loads(request.fields["workflow_params"])


def options(request: RunRequest) -> Any:
    return json.loads(request.fields.get("workflow_engine_parameters", "null"))


def test_the_document_is_attached_and_both_names_hold_the_job() -> None:
    request = request_of({"n": 1})
    assert request.fields["workflow_url"] == f"{JOB}.cwl#main"
    assert request.files[0][0] == f"{JOB}.cwl" and json.loads(request.files[0][1])["cwlVersion"] == "v1.2"
    assert (request.fields["workflow_type"], request.fields["workflow_type_version"]) == ("cwl", "v1.2")
    assert params(request) == {"n": 1}
    tagged = {"tags": json.loads(request.fields["tags"])}
    assert job_of(tagged) == job_of({"workflow_url": request.fields["workflow_url"]}) == JOB


def test_a_document_that_is_one_process_has_no_entry() -> None:
    assert request_of(entry="").fields["workflow_url"] == f"{JOB}.cwl"


@pytest.mark.parametrize(
    "request_there", [{}, {"tags": {}}, {"tags": None}, {"tags": "x"}, {"workflow_url": "a.cwl"}, {"tags": {"a": 1}}]
)
def test_requests_of_others_are_of_no_job(request_there: Any) -> None:
    assert job_of(request_there) == ""


def test_small_files_are_attached_under_names_that_no_server_changes(tmp_path: Path) -> None:
    path = tmp_path / "ä b?.txt"
    path.write_text("content")
    request = request_of({"f": {"class": "File", "location": path.as_uri()}})
    found = params(request)["f"]
    assert found["basename"] == "ä b?.txt"
    assert found["location"].isascii() and " " not in found["location"]
    assert (found["location"], b"content") in request.files


def test_directories_are_sent_as_their_listing(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    (folder / "sub" / "empty").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("a")
    os.symlink("/etc/hostname", folder / "out")
    request = request_of({"d": {"class": "Directory", "location": folder.as_uri()}})
    found = params(request)["d"]
    assert found["basename"] == "d" and "location" not in found
    [sub] = found["listing"]
    assert [part["basename"] for part in sub["listing"]] == ["a.txt", "empty"]
    assert len(request.files) == 2


def test_secondary_files_and_arrays_are_sent_too(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "a.idx")]
    for path in paths:
        path.write_text(path.name)
    parts = [{"class": "File", "location": paths[1].as_uri()}]
    request = request_of({"l": [{"class": "File", "location": paths[0].as_uri(), "secondaryFiles": parts}]})
    assert [content for _, content in request.files[1:]] == [b"a.idx", b"a"]


def test_files_that_the_cluster_sees_are_not_sent(tmp_path: Path) -> None:
    (tmp_path / "a b").write_text("x")
    order = {"f": {"class": "File", "location": (tmp_path / "a b").as_uri()}}
    request = request_of(order, inputs={str(tmp_path): "/shared/jobs"})
    assert params(request)["f"]["location"] == "file:///shared/jobs/a%20b"
    assert len(request.files) == 1


@pytest.mark.parametrize("address", ["s3://b/a", "https://example.org/a", "http://example.org/a"])
def test_addresses_stay(address: str) -> None:
    order = {"f": {"class": "File", "location": address}}
    assert params(request_of(order)) == order


def test_too_large_inputs_name_the_setting(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 2000)
    with pytest.raises(JobFailed, match="max_attachment"):
        request_of({"f": {"class": "File", "location": (tmp_path / "a").as_uri()}}, max_attachment=1000)


def test_options_of_the_administrator_and_of_the_process() -> None:
    request = request_of(
        quirks=TOIL,
        batch_system="slurm",
        outputs="s3://bucket/prefix/",
        engine_parameters={"--logDebug": None, "--maxCores": 2, "--x": True},
        processes={"p": {"--maxCores": 4}, "q": {"--y": 1}},
    )
    assert options(request) == {
        "--batchSystem": "slurm",
        "--retryCount": "0",
        "--relax-path-checks": None,
        "--destBucket": f"s3://bucket/prefix/{JOB}",
        "--logDebug": None,
        "--maxCores": "4",
        "--x": "true",
    }


def test_a_standard_server_gets_no_options_of_toil() -> None:
    assert options(request_of(batch_system="slurm", outputs="s3://bucket")) is None


@pytest.mark.parametrize(
    ("settings", "quirks", "bucket"),
    [
        ({"outputs": "s3://b/p"}, TOIL, f"s3://b/p/{JOB}/"),
        ({"outputs": "s3://b"}, STANDARD, "s3://b/"),
        ({"engine_parameters": {"--destBucket": "s3://c/d"}}, TOIL, "s3://c/d/"),
        ({"outputs": {"/a": "/b"}}, TOIL, ""),
        ({}, STANDARD, ""),
    ],
)
def test_where_the_results_of_a_job_may_be_in_s3(settings: Any, quirks: Quirks, bucket: str) -> None:
    assert bucket_of(JOB, "p", Settings(url="http://x", **settings), quirks) == bucket


@pytest.mark.parametrize("told", [True, False])
def test_the_service_is_told_whose_job_it_is_where_the_settings_say_so(told: bool) -> None:
    package = Package({"cwlVersion": "v1.2", "$graph": []}, "#main", b"", "", cwl_version="v1.2")
    plan = Plan(JOB, "p", package, {}, Path("/x"), "alice", groups=("all", "hydro"))
    tags = user_tags(Settings(url="http://x", tell_user=told), plan)
    sent = json.loads(request_of().tagged(tags).fields["tags"])
    assert sent["oapip-job"] == JOB
    assert (sent.get("oapip-user"), sent.get("oapip-groups")) == (("alice", "all,hydro") if told else (None, None))


def test_no_user_can_take_the_tag_of_a_job() -> None:
    assert json.loads(request_of().tagged({"oapip-job": "another"}).fields["tags"])["oapip-job"] == JOB
