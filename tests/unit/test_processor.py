from __future__ import annotations

import os
from pathlib import Path

import pytest
from pygeoapi.plugin import load_plugin
from pygeoapi.process.base import ProcessorExecuteError

from pygeoapi_oapip.errors import ConfigurationError, InvalidPackage, UnresolvableReference, WorkflowNotFound
from pygeoapi_oapip.processor import CWLProcessor

NAME = "pygeoapi_oapip.processor.CWLProcessor"
TOOL = """
cwlVersion: v1.2
class: CommandLineTool
label: {label}
baseCommand: "true"
inputs:
  scene: {{type: File, label: Scene}}
  size: {{type: "int?", default: 3}}
outputs: []
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "my tool.cwl"
    path.write_text(TOOL.format(label="First"))
    return path


def test_pygeoapi_loads_it_and_finds_all_that_its_pages_need(package: Path) -> None:
    metadata = load_plugin("process", {"name": NAME, "package": str(package)}).metadata
    assert metadata["title"] == "First"
    assert metadata["inputs"]["scene"]["minOccurs"] == 1
    assert metadata["inputs"]["size"]["minOccurs"] == 0
    assert {"id", "version", "description", "keywords", "links", "outputs", "jobControlOptions"} <= set(metadata)


def test_each_instance_has_its_own_description(package: Path) -> None:
    definition = {"name": NAME, "package": str(package)}
    CWLProcessor(definition).metadata["inputs"]["scene"]["schema"].clear()
    assert CWLProcessor(definition).metadata["inputs"]["scene"]["schema"]


def test_an_edited_package_is_described_anew(package: Path) -> None:
    definition = {"name": NAME, "package": str(package)}
    assert CWLProcessor(definition).metadata["title"] == "First"
    package.write_text(TOOL.format(label="Second"))
    os.utime(package, ns=(1, 1))
    assert CWLProcessor(definition).metadata["title"] == "Second"


@pytest.mark.parametrize("value", [None, "", 5])
def test_a_block_without_package_is_a_configuration_error(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"processor\.package"):
        CWLProcessor({"name": NAME, "package": value})


def test_a_package_that_cannot_be_read_or_is_wrong_says_so(package: Path, tmp_path: Path) -> None:
    with pytest.raises(UnresolvableReference):
        CWLProcessor({"name": NAME, "package": str(tmp_path / "absent.cwl")})
    with pytest.raises(WorkflowNotFound):
        CWLProcessor({"name": NAME, "package": f"{package}#absent"})
    package.write_text("class: Nothing")
    with pytest.raises(InvalidPackage):
        CWLProcessor({"name": NAME, "package": str(package)})


def test_it_does_not_run_without_its_manager(package: Path) -> None:
    with pytest.raises(ProcessorExecuteError, match="ProcessManager"):
        CWLProcessor({"name": NAME, "package": str(package)}).execute({})
