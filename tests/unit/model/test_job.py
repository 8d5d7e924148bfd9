from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pygeoapi_oapip.model.job import ENDED, OGC_STATUS, TRANSITIONS, Goal, Job, JobStatus, Phase

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def a_job(phase: Phase = Phase.ACCEPTED) -> Job:
    return replace(Job.new("p", 1, "anonymous", "local", {}), phase=phase)


def test_every_phase_has_a_public_status_and_transitions() -> None:
    assert set(OGC_STATUS) == set(TRANSITIONS) == set(Phase)


def test_public_status_never_goes_back() -> None:
    order = [JobStatus.CREATED, JobStatus.ACCEPTED, JobStatus.RUNNING]
    for phase, later in TRANSITIONS.items():
        for target in later:
            before, after = OGC_STATUS[phase], OGC_STATUS[target]
            if before in order and after in order:
                assert order.index(before) <= order.index(after)


@pytest.mark.parametrize("phase", sorted(ENDED))
def test_ended_job_stays_ended(phase: Phase) -> None:
    for target in set(Phase) - {phase}:
        with pytest.raises(ValueError, match="cannot go"):
            a_job(phase).advance(target, NOW)


def test_job_never_goes_back() -> None:
    with pytest.raises(ValueError, match="from running to staged"):
        a_job(Phase.RUNNING).advance(Phase.STAGED, NOW)


@pytest.mark.parametrize("phase", [Phase.SUBMITTING, Phase.RUNNING, Phase.SUCCESSFUL, Phase.FAILED])
def test_a_created_job_is_started_or_dismissed_and_nothing_else(phase: Phase) -> None:
    created = a_job(Phase.CREATED)
    assert created.advance(Phase.ACCEPTED, NOW).status is JobStatus.ACCEPTED
    assert created.advance(Phase.DISMISSED, NOW).finished == NOW
    with pytest.raises(ValueError, match="from created to"):
        created.advance(phase, NOW)


def test_times_are_set_once() -> None:
    running = a_job().advance(Phase.RUNNING, NOW)
    done = running.advance(Phase.SUCCESSFUL, NOW.replace(year=2027))
    assert (done.started, done.finished, done.updated) == (NOW, NOW.replace(year=2027), NOW.replace(year=2027))


def test_job_to_be_dismissed_is_dismissed_for_the_public_at_once() -> None:
    assert replace(a_job(Phase.RUNNING), goal=Goal.DISMISS).status is JobStatus.DISMISSED
    assert replace(a_job(Phase.SUCCESSFUL), goal=Goal.DISMISS).status is JobStatus.SUCCESSFUL


def test_ids_cannot_be_guessed() -> None:
    assert len({a_job().id for _ in range(100)}) == 100
    assert all(a_job().id[14] == "4" for _ in range(10))
