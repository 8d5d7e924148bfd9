from __future__ import annotations

from typing import Any

import pytest

from pygeoapi_oapip.packages.resources import MIB, disk, gpus

CUDA = "http://commonwl.org/cwltool#CUDARequirement"


def tool(**requirement: Any) -> dict[str, Any]:
    return {"class": "CommandLineTool", "hints": [{"class": "ResourceRequirement", **requirement}]}


@pytest.mark.parametrize(
    ("wanted", "mebibytes"),
    [
        ({}, 0),
        ({"tmpdirMin": 10}, 10),
        ({"tmpdirMin": 10, "outdirMin": 5}, 15),
        ({"outdirMax": 7}, 7),
        ({"outdirMin": 3, "outdirMax": 7}, 3),
        ({"outdirMin": "$(inputs.size)"}, 0),
        ({"ramMin": 4000, "coresMin": 9}, 0),
    ],
)
def test_disk_is_that_of_both_folders(wanted: dict[str, Any], mebibytes: float) -> None:
    assert disk(tool(**wanted)) == mebibytes * MIB


def test_disk_is_that_of_the_largest_step() -> None:
    steps = [{"run": tool(tmpdirMin=size)} for size in (3, 9, 1)]
    assert disk({"$graph": [{"class": "Workflow", "steps": steps}]}) == 9 * MIB


@pytest.mark.parametrize(
    ("document", "number"),
    [
        ({"hints": {}}, 0),
        ({"requirements": {"cwltool:CUDARequirement": {}}}, 1),
        ({"requirements": {"cwltool:CUDARequirement": {"cudaDeviceCountMin": 2, "cudaDeviceCountMax": 4}}}, 2),
        ({"hints": [{"class": CUDA, "cudaDeviceCountMax": 3}]}, 3),
        ({"inputs": {"cwltool:CUDARequirement": {}}}, 0),
        ({"hints": [{"class": "Other"}, "text"]}, 0),
    ],
)
def test_gpus_are_those_of_the_extension(document: dict[str, Any], number: int) -> None:
    assert gpus(document) == number
