"""What has to be true before a job is made; modes and preferences."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from pygeoapi_oapip.admission import Admission, PlanCheck, waiting_time
from pygeoapi_oapip.errors import (
    AddressForbidden,
    BadRequest,
    InvalidInputs,
    OapipError,
    PlanRejected,
    UnresolvableReference,
)
from pygeoapi_oapip.model.json import JSON
from pygeoapi_oapip.model.process import AD_HOC, JobControl, Process
from pygeoapi_oapip.operations import Preference
from pygeoapi_oapip.packages.describe import describe
from pygeoapi_oapip.packages.load import load_package
from pygeoapi_oapip.settings import Settings, load_settings
from pygeoapi_oapip.staging.router import make_stager
from pygeoapi_oapip.testing.fake_engine import FakeEngine
from pygeoapi_oapip.validate import validate

TOOL = b"""
cwlVersion: v1.2
class: CommandLineTool
baseCommand: "true"
inputs:
  file: File?
  folder: Directory?
  anything: Any?
  record:
    type:
      - "null"
      - type: record
        fields: {name: string, part: "File?", parts: "File[]?"}
  size: int?
outputs: {}
"""
SYNC, ASYNC = JobControl.SYNC, JobControl.ASYNC


@pytest.fixture(scope="module")
def process() -> Process:
    return describe(load_package(TOOL, "application/cwl+yaml"), "tool")


def settings(tmp_path: Path, **limits: object) -> Settings:
    return load_settings({"staging": {"allow_files": [str(tmp_path)]}, "limits": limits})


def admit(tmp_path: Path, process: Process, inputs: JSON, **limits: object) -> None:
    found = settings(tmp_path, **limits)
    Admission(make_stager(found.staging), found).request({"inputs": inputs}, process)


def places(href: str) -> list[JSON]:
    link: JSON = {"href": href}
    return [
        {"file": link},
        {"file": {"class": "File", "location": href}},
        {"folder": {"class": "Directory", "listing": [{"class": "File", "location": href}]}},
        {"record": {"name": "n", "part": link}},
        {"record": {"name": "n", "parts": [link]}},
        {"record": {"name": "n", "part": {"class": "File", "location": href, "secondaryFiles": []}}},
        {"anything": link},
        {"anything": [{"deep": link}]},
    ]


@pytest.mark.requirement("part1/core/process-execute-input-validation")
@pytest.mark.parametrize("at", range(8))
def test_a_missing_file_is_found_wherever_it_stands(tmp_path: Path, process: Process, at: int) -> None:
    present = tmp_path / "a.txt"
    present.write_text("a", encoding="utf-8")
    admit(tmp_path, process, places(present.as_uri())[at])
    with pytest.raises(UnresolvableReference, match=r"^inputs\.\w+: file:.* does not exist$"):
        admit(tmp_path, process, places((tmp_path / "none").as_uri())[at])


@pytest.mark.parametrize("at", range(8))
def test_an_address_that_is_not_allowed_is_found_wherever_it_stands(tmp_path: Path, process: Process, at: int) -> None:
    for href in ("file:///etc/passwd", "http://127.0.0.1/a"):
        with pytest.raises(AddressForbidden, match=r"^inputs\.\w+: "):
            admit(tmp_path, process, places(href)[at])
    with pytest.raises(UnresolvableReference, match=r"^inputs\.\w+: .*scheme"):
        admit(tmp_path, process, places("gopher://example.org/a")[at])


def test_links_in_the_content_of_a_file_are_no_references(tmp_path: Path, process: Process) -> None:
    item: JSON = {"type": "Feature", "links": [{"href": "http://127.0.0.1/self", "rel": "self"}], "assets": {}}
    admit(tmp_path, process, {"file": item})


def test_the_look_can_be_switched_off(tmp_path: Path, process: Process) -> None:
    admit(tmp_path, process, {"file": {"href": (tmp_path / "none").as_uri()}}, check_references=False)


@pytest.mark.requirement("part1/core/process-execute-input-validation")
@pytest.mark.parametrize(
    ("inputs", "location"),
    [
        ({"record": {"name": "n", "extra": 1}}, "inputs.record"),
        ({"folder": "relative"}, "inputs.folder"),
        ({"file": {"class": "File"}}, "inputs.file"),
        ({"file": {"class": "Directory", "listing": []}}, "inputs.file"),
        ({"file": {"class": "File", "contents": "", "basename": "../x"}}, "inputs.file"),
    ],
)
def test_what_only_cwl_knows_is_refused_before_a_job_too(
    tmp_path: Path, process: Process, inputs: JSON, location: str
) -> None:
    with pytest.raises(InvalidInputs) as caught:
        admit(tmp_path, process, inputs)
    assert caught.value.location == location
    assert caught.value.problem()["errors"][0]["location"].startswith(location)


def test_values_by_reference_are_validated(tmp_path: Path, process: Process) -> None:
    number = tmp_path / "n.json"
    number.write_text("7", encoding="utf-8")
    admit(tmp_path, process, {"size": {"href": number.as_uri()}})
    number.write_text('"seven"', encoding="utf-8")
    with pytest.raises(InvalidInputs, match=r"inputs\.size: must be of type integer"):
        admit(tmp_path, process, {"size": {"href": number.as_uri()}})


@pytest.mark.requirement(
    "part1/core/process-execute-default-execution-mode", "part1/core/process-execute-auto-execution-mode"
)
@pytest.mark.parametrize(
    ("modes", "preference", "seconds"),
    [
        ((ASYNC,), Preference(), None),
        ((SYNC,), Preference(), 30),
        ((SYNC, ASYNC), Preference(), 30),
        ((ASYNC,), Preference(respond_async=True), None),
        ((SYNC,), Preference(respond_async=True), 30),
        ((SYNC, ASYNC), Preference(respond_async=True), None),
        ((ASYNC,), Preference(wait=5), 5),
        ((SYNC,), Preference(wait=5), 5),
        ((SYNC, ASYNC), Preference(wait=500), 30),
        ((ASYNC,), Preference(respond_async=True, wait=5), None),
        ((SYNC, ASYNC), Preference(respond_async=True, wait=5), 5),
        ((ASYNC,), Preference(wait=0), 0),
    ],
)
def test_modes(process: Process, modes: tuple[JobControl, ...], preference: Preference, seconds: float | None) -> None:
    assert waiting_time(replace(process, job_control=modes), preference, 30) == seconds


@pytest.mark.parametrize(
    ("modes", "preference", "message"),
    [
        ((SYNC,), Preference(respond_async=True, strict=True), "respond-async: .* synchronously only"),
        ((SYNC, ASYNC), Preference(wait=31, strict=True), r"wait: must be at most 30 seconds \(is 31\)"),
    ],
)
def test_strict_handling_refuses_what_cannot_be_had(
    process: Process, modes: tuple[JobControl, ...], preference: Preference, message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        waiting_time(replace(process, job_control=modes), preference, 30)


def test_what_the_engine_reads_itself_is_not_looked_for(tmp_path: Path, process: Process) -> None:
    found = settings(tmp_path)
    admission = Admission(make_stager(found.staging), found)
    body: JSON = {"inputs": {"file": {"href": "s3://bucket/key"}}}
    with pytest.raises(UnresolvableReference, match="scheme 's3' cannot be read here"):
        admission.request(body, process)
    admission.request(body, process, frozenset({"s3"}))


def test_rules_of_this_server_count_for_what_the_engine_reads_too(tmp_path: Path, process: Process) -> None:
    found = load_settings({"staging": {"s3": [{"buckets": ["open"], "endpoint": "http://127.0.0.1:1"}]}})
    admission = Admission(make_stager(found.staging), found)
    admission.request({"inputs": {"file": {"href": "s3://open/key"}}}, process, frozenset({"s3"}))
    with pytest.raises(AddressForbidden, match="the bucket other is not one"):
        admission.request({"inputs": {"file": {"href": "s3://other/key"}}}, process, frozenset({"s3"}))
    with pytest.raises(AddressForbidden):
        admission.request({"inputs": {"file": {"href": "http://127.0.0.1/a"}}}, process, frozenset({"http"}))
    with pytest.raises(OapipError):
        admission.request({"inputs": {"file": {"href": "file:///etc/passwd"}}}, process, frozenset({"file"}))


SECRET = TOOL.replace(
    b"inputs:",
    b"""$namespaces: {cwltool: "http://commonwl.org/cwltool#"}
hints: {"cwltool:Secrets": {secrets: [key, size]}}
inputs:
  key: string?""",
)


@pytest.mark.parametrize(("given", "refused"), [({"key": "x"}, True), ({"size": 1}, False), ({}, False)])
def test_a_secret_text_is_refused_where_the_engine_cannot_keep_it(given: JSON, refused: bool, process: Process) -> None:
    package = load_package(SECRET, "application/cwl+yaml")
    secret = replace(describe(package, "tool"), engine="hpc")
    request = validate({"inputs": given}, secret)
    check = PlanCheck({"hpc": FakeEngine("hpc")}, None)
    with pytest.raises(PlanRejected, match=r"inputs\.key is secret .* engine hpc") if refused else nullcontext():
        check.require(secret, request, "hpc", "alice")


def test_what_cannot_run_anywhere_is_refused(process: Process) -> None:
    check, request = PlanCheck({}, None), validate({"inputs": {}}, process)
    with pytest.raises(PlanRejected, match="is not configured"):
        check.require(replace(process, engine="gone"), request, "gone", "alice")
    with pytest.raises(PlanRejected, match="has no package"):
        check.package(replace(process, package=None))
    with pytest.raises(PlanRejected, match="brings its CWL along"):
        check.package(replace(process, id=AD_HOC, package=None))
