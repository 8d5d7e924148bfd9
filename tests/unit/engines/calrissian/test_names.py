from __future__ import annotations

import re

import pytest

from pygeoapi_oapip.engines.calrissian.names import job_name, label_value, labels

from .conftest import JOB_ID


@pytest.mark.parametrize("job_id", [JOB_ID, "A job: with / signs", "x" * 300, "-", "é", "Job1"])
def test_each_job_id_gives_names_that_kubernetes_takes(job_id: str) -> None:
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,56}[a-z0-9])?", job_name(job_id))
    for value in labels(job_id, job_id, "oapip").values():
        assert re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", value)


def test_names_of_two_jobs_differ_where_only_signs_differ() -> None:
    assert len({job_name(name) for name in ("a/b", "a:b", "a-b", "A-B")}) == 4


def test_a_uuid_is_seen_in_the_name() -> None:
    assert job_name(JOB_ID) == f"oapip-{JOB_ID}"


def test_signs_at_the_ends_of_a_label_are_left_out() -> None:
    assert label_value("_a b_") == "a_b"
