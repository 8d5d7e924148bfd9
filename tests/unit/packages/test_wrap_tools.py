from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.errors import ConfigurationError
from pygeoapi_oapip.packages import eoap_types, wrap_tools
from pygeoapi_oapip.packages.wrap_cache import WrapCache
from pygeoapi_oapip.packages.wrap_tools import Role, StageTool, read_tool

SCHEMAS = {"SchemaDefRequirement": {"types": [{"$import": eoap_types.ADDRESS}]}}


def tool(**more: Any) -> dict[str, Any]:
    """A stage-out tool, in CWL v1.0 with what only v1.1 has, as EOEPCA's."""
    return {
        "cwlVersion": "v1.0",
        "class": "CommandLineTool",
        "id": "store",
        "baseCommand": "true",
        "requirements": {
            **SCHEMAS,
            "NetworkAccess": {"networkAccess": True},
            "DockerRequirement": {"dockerPull": "image:1"},
        },
        "inputs": {"folder": "Directory", "process": "string", "depth": {"type": "int", "default": 3}},
        "outputs": {"address": {"type": eoap_types.URI, "outputBinding": {"glob": "x"}}},
        **more,
    }


def read(folder: Path, document: Mapping[str, Any], role: Role = Role.STAGE_OUT, **options: Any) -> StageTool:
    path = folder / "tool.yaml"
    path.write_text(yaml.safe_dump(dict(document)))
    return read_tool(path, role, **options)


def test_each_input_has_its_use(tmp_path: Path) -> None:
    found = read(tmp_path, tool())
    assert (found.taken.id, found.made.id) == ("folder", "address")
    assert {name: item.optional for name, item in found.hoisted.items()} == {"process": False, "depth": True}


def test_stage_in_takes_an_address(tmp_path: Path) -> None:
    inputs = {"reference": eoap_types.URI, "other": "string"}
    document = tool(inputs=inputs, outputs={"staged": {"type": "Directory", "outputBinding": {"glob": "."}}})
    found = read(tmp_path, document, Role.STAGE_IN)
    assert (found.taken.id, found.made.id, list(found.hoisted)) == ("reference", "staged", ["other"])


def test_stage_in_may_take_a_plain_text(tmp_path: Path) -> None:
    inputs = {"bucket": "string", "reference": "string"}
    document = tool(inputs=inputs, outputs={"staged": {"type": "Directory", "outputBinding": {"glob": "."}}})
    assert read(tmp_path, document, Role.STAGE_IN).taken.id == "reference"


def test_declared_secrets_are_known(tmp_path: Path) -> None:
    hints = {"cwltool:Secrets": {"secrets": ["process"]}}
    document = tool(hints=hints, **{"$namespaces": {"cwltool": "http://commonwl.org/cwltool#"}})
    assert read(tmp_path, document).secrets == {"process"}


def test_containers_may_be_left_out(tmp_path: Path) -> None:
    assert "DockerRequirement" in str(read(tmp_path, tool()).document)
    assert "DockerRequirement" not in str(read(tmp_path, tool(), containers=False).document)


@pytest.mark.parametrize(
    ("more", "role", "message"),
    [
        ({"inputs": {"process": "string"}}, Role.STAGE_OUT, "exactly one input of type Directory; it has none"),
        (
            {"inputs": {"a": "Directory", "b": "Directory"}},
            Role.STAGE_OUT,
            "exactly one input of type Directory; it has 2: a, b",
        ),
        ({"inputs": {"file": "File"}}, Role.STAGE_OUT, "exactly one input of type Directory; it has none"),
        ({}, Role.STAGE_OUT_FILE, "exactly one input of type File; it has none"),
        ({"outputs": {}}, Role.STAGE_OUT, "exactly one output for the address of the result"),
        ({"outputs": {}, "inputs": {"reference": "string"}}, Role.STAGE_IN, "exactly one output of type Directory"),
        ({"inputs": {}}, Role.STAGE_IN, "exactly one input for the address to fetch"),
        ({"inputs": {"a": "string", "b": "string"}}, Role.STAGE_IN, "exactly one input for the address to fetch"),
        ({"class": "Nothing"}, Role.STAGE_OUT, "class"),
        ({"cwlVersion": "v9"}, Role.STAGE_OUT, "cwlVersion 'v9' is not supported"),
        ({"baseCommand": {"a": 1}}, Role.STAGE_OUT, "baseCommand"),
        (
            {"requirements": {"SchemaDefRequirement": {"types": [{"$import": "https://data.example/other.yaml"}]}}},
            Role.STAGE_OUT,
            "https://data.example/other.yaml is not read here",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, more: dict[str, Any], role: Role, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, tool(**more), role)
    assert str(caught.value).startswith(f"server.manager.staging.wrap.{role}: tool.yaml: ")
    assert message in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"stage_in: none\.yaml: .*cannot be read"):
        read_tool(tmp_path / "none.yaml", Role.STAGE_IN)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [", "\0"])
def test_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "tool.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"stage_in: tool\.yaml: "):
        read_tool(tmp_path / "tool.yaml", Role.STAGE_IN)


def test_a_tool_that_was_checked_is_read_again_without_cwltool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = WrapCache(tmp_path / "cache")
    first = read(tmp_path, tool(), cache=cache)
    monkeypatch.setattr(wrap_tools, "load_local_package", None)
    assert read(tmp_path, tool(), cache=cache) == first
    monkeypatch.undo()
    assert read(tmp_path, tool(id="other"), cache=cache) != first


def test_a_tool_with_files_beside_it_is_read_as_they_are_now(tmp_path: Path) -> None:
    cache = WrapCache(tmp_path / "cache")
    types = tmp_path / "types.yaml"
    document = tool(requirements={"SchemaDefRequirement": {"types": [{"$import": "types.yaml"}]}})
    document["inputs"]["more"] = "types.yaml#more"
    document["outputs"]["address"]["type"] = "string"
    for kind in ("string", "int"):
        types.write_text(yaml.safe_dump({"name": "more", "type": "record", "fields": {"a": kind}}))
        assert read(tmp_path, document, cache=cache).hoisted["more"].type.fields["a"].kind == kind


@pytest.mark.parametrize("text", ["class: CommandLineTool", "", None])
def test_a_broken_tool_is_not_kept(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "tool.yaml"
    if text is not None:
        path.write_text(text)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"stage_out: tool\.yaml: "):
            read_tool(path, Role.STAGE_OUT, cache=WrapCache(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()
