from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.cli.demo_checks import DemoFailed, check_history, expected_counts, make_raster

END = {"created": "1", "started": "2", "finished": "3", "progress": 100}


def test_cells_are_counted_between_thresholds(tmp_path: Path) -> None:
    make_raster(tmp_path / "r.tif")
    counts = expected_counts(tmp_path / "r.tif", [10, 50])
    assert sum(counts) == 78 * 84 - 5 * 9
    assert min(counts) > 0


@pytest.mark.parametrize(
    ("history", "changes"),
    [
        (["running", "accepted", "successful"], {}),
        (["accepted", "running"], {}),
        (["successful"], {"progress": 90}),
        (["successful"], {"finished": "0"}),
    ],
)
def test_a_wrong_course_of_a_job_fails_the_demo(history: list[str], changes: dict[str, Any]) -> None:
    with pytest.raises(DemoFailed):
        check_history(history, END | changes)


def test_a_right_course_passes() -> None:
    check_history(["accepted", "accepted", "running", "successful"], END)
