from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pygeoapi_oapip.engines.calrissian.places import Places, places

from .conftest import JOB_ID, settings

JOBS = Path("/server/jobs") / JOB_ID
JOB = "/calrissian/job"
THREE = {
    "input_claim": "in",
    "input_folder": "/server/in",
    "output_claim": "out",
    "output_folder": "/server/out",
}


def of(**volumes: str) -> Places:
    return places(settings(volumes=volumes).volumes, JOB_ID, JOBS)


def mounts(found: Places) -> list[tuple[str, str, str]]:
    return [(mount.claim, mount.sub_path, mount.path) for mount in found.mounts]


def test_with_one_claim_the_job_works_in_its_own_folder() -> None:
    found = of(claim="jobs", path="deep/jobs/")
    assert mounts(found) == [("jobs", f"deep/jobs/{JOB_ID}", JOB)]
    assert found.server_in == found.server_out == JOBS
    assert found.outdir == "/calrissian/job/outputs" and found.bring_in == found.take_out == []


def test_with_three_claims_jobs_are_apart_by_sub_path_and_inputs_are_read_only() -> None:
    found = of(**THREE, tmp_claim="tmp")
    assert mounts(found) == [
        ("in", JOB_ID, "/calrissian/input-data"),
        ("out", JOB_ID, "/calrissian/output-data"),
        ("tmp", "", "/calrissian/tmpout"),
    ]
    assert found.mounts[0].mount()["readOnly"] is True and "readOnly" not in found.mounts[1].mount()
    assert found.server_in == Path("/server/in") / JOB_ID and found.server_out == Path("/server/out") / JOB_ID
    assert found.tmp == f"/calrissian/tmpout/oapip-{JOB_ID}"


def test_one_claim_for_inputs_and_outputs_is_mounted_once() -> None:
    found = of(**{**THREE, "output_claim": "in", "output_folder": "/server/in"}, tmp_claim="in")
    assert mounts(found) == [("in", JOB_ID, JOB)]
    assert found.tmp == "/".join((JOB, "work", "tmp"))


def test_a_volume_of_its_own_comes_first_and_files_are_copied_in_and_out() -> None:
    found = of(claim="jobs", storage_class="fast")
    assert mounts(found) == [(f"oapip-{JOB_ID}", "", "/calrissian"), ("jobs", JOB_ID, "/exchange/job")]
    assert found.bring_in == [("/exchange/job/inputs", "/calrissian/inputs")]
    assert found.take_out == [("/calrissian/outputs", "/exchange/job/outputs")]


def test_no_path_of_one_mount_begins_with_another_within_calrissian() -> None:
    # Calrissian looks for a claim by the beginning of a path
    for found in (of(claim="jobs", tmp_claim="tmp"), of(**THREE, tmp_claim="tmp"), of(claim="j", storage_class="")):
        paths = [mount.path for mount in found.mounts]
        for place in (found.outdir, found.inputs, found.tmp):
            assert len([path for path in paths if place.startswith(path)]) == 1


@pytest.mark.parametrize("volumes", [{}, {"input_claim": "in"}, {k: v for k, v in THREE.items() if "out" not in k}])
def test_settings_without_a_way_for_files_are_refused(volumes: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="needs claim, or input_claim"):
        settings(volumes=volumes)
