from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.model.job import Goal, Job, Phase
from pygeoapi_oapip.model.process import Input, JobControl, Output, Package, Process, Source
from pygeoapi_oapip.model.run import RunRef, RunState, StepReport
from pygeoapi_oapip.store.rows import from_micros, storable, to_micros, to_text
from pygeoapi_oapip.store.sql import Database, SqlJobStore, SqlProcessStore, upgrade

ANY_TEXT = st.text(st.characters(), max_size=8)
KEY = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8)
MOMENT = st.datetimes(timezones=st.just(UTC))
MAYBE = st.none() | MOMENT
LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT
VALUE = LEAF | st.lists(LEAF, max_size=2) | st.dictionaries(ANY_TEXT, LEAF, max_size=2)
OBJECT = st.dictionaries(ANY_TEXT, VALUE, max_size=3)
NUMBER = st.integers(0, 2**31 - 1)
WORDS = st.lists(ANY_TEXT, max_size=2).map(tuple)
OBJECTS = st.lists(OBJECT, max_size=2).map(tuple)
STEP = st.builds(StepReport, ANY_TEXT, st.sampled_from(RunState), MAYBE, MAYBE, st.none() | st.integers())
JOB = st.builds(
    Job,
    id=st.just(""),
    process_id=KEY,
    process_revision=NUMBER,
    owner=KEY,
    engine=KEY,
    request=OBJECT,
    created=MOMENT,
    updated=MOMENT,
    phase=st.sampled_from(Phase),
    goal=st.sampled_from(Goal),
    message=ANY_TEXT,
    progress=st.integers(0, 100),
    started=MAYBE,
    finished=MAYBE,
    steps=st.lists(STEP, max_size=2).map(tuple),
    usage=st.dictionaries(ANY_TEXT, st.floats(allow_nan=False), max_size=2),
    run=st.none() | st.builds(RunRef, ANY_TEXT, ANY_TEXT, ANY_TEXT, OBJECT),
    outputs=st.none() | OBJECT,
    problem=st.none() | OBJECT,
    attempts=NUMBER,
    not_before=MAYBE,
    version=st.just(1),
    lease_owner=st.none() | KEY,
    lease_until=MAYBE,
)
DESCRIBED = {"title": ANY_TEXT, "schema": OBJECT, "description": ANY_TEXT, "keywords": WORDS, "metadata": OBJECTS}
INPUT = st.builds(Input, ANY_TEXT, min_occurs=NUMBER, max_occurs=st.none() | NUMBER, **DESCRIBED)
OUTPUT = st.builds(Output, ANY_TEXT, **DESCRIBED)
PACKAGE = st.builds(Package, OBJECT, ANY_TEXT, st.binary(), ANY_TEXT, st.booleans(), st.booleans(), ANY_TEXT)
PROCESS = st.builds(
    Process,
    id=st.just(""),
    version=ANY_TEXT,
    title=ANY_TEXT,
    description=ANY_TEXT,
    inputs=st.dictionaries(ANY_TEXT, INPUT, max_size=2),
    outputs=st.dictionaries(ANY_TEXT, OUTPUT, max_size=2),
    package=st.none() | PACKAGE,
    keywords=WORDS,
    metadata=OBJECTS,
    job_control=st.lists(st.sampled_from(JobControl)).map(tuple),
    source=st.sampled_from(Source),
    owner=KEY,
    engine=ANY_TEXT,
    extra=OBJECT,
)
ONE_STORE = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    made = Database(f"sqlite:///{Path(tmp_path_factory.mktemp('rows'))}/oapip.db")
    upgrade(made)
    return made


@ONE_STORE
@given(job=JOB)
def test_every_job_comes_back_as_it_was(database: Database, job: Job) -> None:
    job = replace(job, id=str(uuid4()))  # hypothesis may draw one twice
    jobs = SqlJobStore(database)
    assert jobs.add(job) == job
    assert jobs.get(job.id, EVERYTHING) == job


@ONE_STORE
@given(process=PROCESS)
def test_every_process_comes_back_as_it_was(database: Database, process: Process) -> None:
    process = replace(process, id=str(uuid4()))
    processes = SqlProcessStore(database)
    stored = processes.add(process)
    assert processes.get(process.id, EVERYTHING) == stored


@given(MOMENT, MOMENT)
def test_stored_times_are_exact_and_ordered(one: datetime, other: datetime) -> None:
    assert from_micros(to_micros(one)) == one
    assert (to_micros(one) < to_micros(other)) == (one < other)


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    east = datetime(2026, 1, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert from_micros(to_micros(east)) == datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_micros(datetime(2026, 1, 1))


def test_read_only_mappings_and_tuples_are_json() -> None:
    assert to_text(MappingProxyType({"a": (1, MappingProxyType({}))})) == '{"a":[1,{}]}'


def test_other_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="set is not a JSON value"):
        to_text({"a": {1}})


@pytest.mark.parametrize(("text", "fits"), [("", True), ("ä€😀", True), ("a\0", False), ("\udcff", False)])
def test_keys_that_no_column_can_hold_are_known(text: str, fits: bool) -> None:
    assert storable(text) is fits
