from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.errors import ConfigurationError, JobFailed, PlanRejected
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.model.value import Inline, Many, Reference
from pygeoapi_oapip.packages.load import load_package
from pygeoapi_oapip.settings import load_settings
from pygeoapi_oapip.staging.s3_address import ObjectAddress
from pygeoapi_oapip.staging.wrap import wrapping
from pygeoapi_oapip.staging.wrap_results import WrapResults, absolute, file_item, joined
from pygeoapi_oapip.staging.wrap_values import Values

TOOL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "id": "store",
    "baseCommand": "true",
    "inputs": {"folder": "Directory", "process": "string", "STAGEOUT_OUTPUT": "string", "retry": "boolean"},
    "outputs": {"address": {"type": "string", "outputBinding": {"glob": "x"}}},
}


def made(folder: Path, parameters: dict[str, Any], **more: Any) -> Any:
    (folder / "store.yaml").write_text(yaml.safe_dump(TOOL))
    block = {"stage_out": str(folder / "store.yaml"), "additional_parameters": parameters, **more}
    return wrapping(load_settings({"staging": {"wrap": block}}))


def test_nothing_is_wrapped_by_default() -> None:
    assert wrapping(load_settings({})) is None


def test_missing_value_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the tool's input retry .boolean. has no value"):
        made(tmp_path, {"STAGEOUT_OUTPUT": "bucket"})


def test_false_is_a_value_and_stays_false(tmp_path: Path) -> None:
    found = made(tmp_path, {"STAGEOUT_OUTPUT": "bucket", "retry": False})
    tool = next(iter(found.tools("any").values()))
    assert found.values.find("retry", tool.hoisted["retry"].type, "job", "").value is False


def test_value_of_another_type_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the value of retry is not of type boolean"):
        made(tmp_path, {"STAGEOUT_OUTPUT": "bucket", "retry": "perhaps"})


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"secret_files": {"hpc": "/etc/keys.json"}}, "secret_files.hpc: there is no such engine"),
        ({"secret_files": {"local": "/etc/keys.json"}}, "secret_files.local: only engines of type wes"),
        ({"processes": {"one": {"stage_in": "none.yaml"}}}, "stage_in: none.yaml"),
    ],
)
def test_settings_that_cannot_work_end_the_start(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        made(tmp_path, {"STAGEOUT_OUTPUT": "bucket", "retry": True}, **more)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["STAGEOUT_AWS_SECRET_ACCESS_KEY", "password", "api_token"])
def test_secret_in_the_text_of_the_configuration_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        made(tmp_path, {name: "hush-hush"})
    assert "never in the YAML text" in str(caught.value) and "hush" not in str(caught.value)


def test_single_processes_have_other_tools_or_none(tmp_path: Path) -> None:
    parameters = {"STAGEOUT_OUTPUT": "bucket", "retry": True}
    found = made(tmp_path, parameters, processes={"plain": False, "other": {}})
    assert found.tools("any") and not found.tools("plain") and not found.tools("other")


def test_process_follows_from_the_job(tmp_path: Path) -> None:
    values = Values(load_settings({}))
    from pygeoapi_oapip.packages.cwltypes import CWLType

    found = values.find("ADES_process", CWLType("string"), "abc", "")
    assert found is not None and (found.value, found.secret) == ("processing-results/abc", False)


def test_addresses_become_absolute() -> None:
    at = ObjectAddress("bucket", "a/b/catalog.json")
    assert joined(at, "./c/item.json") == "s3://bucket/a/b/c/item.json"
    assert joined(at, "../x.json") == "s3://bucket/a/x.json"
    assert joined(at, "https://data.example/y") == "https://data.example/y"
    document: Any = {"links": [{"rel": "item", "href": "i.json"}, 3], "assets": {"a": {"href": "a.tif"}}}
    found = absolute(document, at)
    assert found["links"] == [{"rel": "item", "href": "s3://bucket/a/b/i.json"}, 3]
    assert found["assets"] == {"a": {"href": "s3://bucket/a/b/a.tif"}}


def test_file_is_an_item() -> None:
    item: Any = file_item("job", "s3://bucket/a/map.tif")
    assert item["assets"]["map.tif"]["href"] == "s3://bucket/a/map.tif"


@pytest.mark.parametrize("told", ["", "nowhere", 3, {"other": "x"}, {"value": None}])
def test_what_is_no_address_fails_the_job(told: Any) -> None:
    results = WrapResults(Values(load_settings({})))
    with pytest.raises(JobFailed, match=r"outputs\.x: the stage-out tool gave no address"):
        results.read(("job", "me"), "x", told, "Directory")


def test_arrays_and_nothing_keep_their_shape() -> None:
    results = WrapResults(Values(load_settings({})))
    told = [{"value": "https://data.example/a/\n"}, None]
    assert results.read(("job", "me"), "x", told, "Directory") == [
        {"href": "https://data.example/a/", "type": "application/json", "rel": "item"},
        None,
    ]


_STORES = {
    **TOOL,
    "inputs": {"folder": "Directory", "process": "string", "STAGEOUT_OUTPUT": "string", "KEY": "string"},
}
_FETCHES = {
    **TOOL,
    "inputs": {"reference": "string", "TOKEN": "string?"},
    "outputs": {"staged": {"type": "Directory", "outputBinding": {"glob": "."}}},
}
_WES = {"default_engine": "hpc", "engines": {"hpc": {"type": "wes", "url": "https://hpc.test/ga4gh/wes/v1"}}}
_SECRETS = {"STAGEOUT_OUTPUT": "bucket", "KEY": {"env": "TEST_STAGE_KEY"}, "TOKEN": {"env": "TEST_STAGE_KEY"}}
_ADDRESS = Reference("https://data.test/scene")


def _package(inputs: dict[str, Any], outputs: dict[str, Any]) -> Package:
    bound = {key: {"type": kind, "outputBinding": {"glob": "x"}} for key, kind in outputs.items()}
    document = {**TOOL, "id": "work", "inputs": inputs, "outputs": bound}
    return load_package(yaml.safe_dump(document).encode(), "application/cwl+yaml")


def _two(folder: Path, **more: Any) -> Any:
    """Both tools, each with a secret."""
    block: dict[str, Any] = {"additional_parameters": _SECRETS, **more}
    for name, tool in (("stage_in", _FETCHES), ("stage_out", _STORES)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(tool))
        block[name] = str(folder / f"{name}.yaml")
    return wrapping(load_settings({**_WES, "staging": {"wrap": block}}))


@pytest.mark.parametrize(
    ("inputs", "outputs", "given", "names"),
    [
        ({}, {"x": "Directory"}, {}, "KEY"),
        ({"a": "Directory?"}, {"x": "Directory?"}, {}, "KEY, TOKEN"),
        ({"a": "Directory[]"}, {}, {"a": Many((_ADDRESS, _ADDRESS))}, "TOKEN"),
        ({"a": "Directory"}, {"x": "Directory"}, {"a": _ADDRESS}, "KEY, TOKEN"),
    ],
)
def test_secrets_that_an_engine_cannot_keep_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: Any, outputs: Any, given: Any, names: str
) -> None:
    monkeypatch.setenv("TEST_STAGE_KEY", "hush-hush")
    with pytest.raises(PlanRejected) as caught:
        _two(tmp_path).require_secrets("p", "hpc", _package(inputs, outputs), given)
    assert f"need secrets ({names})" in caught.value.detail and "engine hpc" in caught.value.detail
    assert "hush" not in caught.value.detail


@pytest.mark.parametrize(
    ("inputs", "outputs", "given"),
    [
        ({"n": "int"}, {"n": "int"}, {"n": Inline(1)}),
        ({"a": "Directory?"}, {}, {"a": Reference("file:///data/here")}),
        ({"a": "File"}, {"x": "File"}, {"a": _ADDRESS}),
    ],
)
def test_packages_that_need_no_tool_need_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: Any, outputs: Any, given: Any
) -> None:
    monkeypatch.setenv("TEST_STAGE_KEY", "hush-hush")
    _two(tmp_path).require_secrets("p", "hpc", _package(inputs, outputs), given)


def test_a_file_of_secrets_at_the_engine_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_STAGE_KEY", "hush-hush")
    package = _package({"a": "Directory"}, {"x": "Directory"})
    _two(tmp_path, secret_files={"hpc": "/etc/keys.json"}).require_secrets("p", "hpc", package, {"a": _ADDRESS})
    _two(tmp_path, processes={"p": False}).require_secrets("p", "hpc", package, {"a": _ADDRESS})
