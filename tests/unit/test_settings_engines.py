"""The blocks of engines: what is taken, and what is refused with a word about it."""

from __future__ import annotations

from typing import Any

import pytest

from pygeoapi_oapip.errors import ConfigurationError
from pygeoapi_oapip.settings import WesEngine, load_settings

URL = "https://hpc.example.org/ga4gh/wes/v1/"


def block(**keys: Any) -> WesEngine:
    settings = load_settings({"engines": {"local": {}, "hpc": {"type": "wes", "url": URL, **keys}}})
    found = settings.engines["hpc"]
    assert isinstance(found, WesEngine)
    return found


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "tope-secret")


def test_an_address_is_enough() -> None:
    found = block()
    assert (found.url, found.retry_count, found.reads, found.server) == (URL, 0, (), "auto")


def test_secrets_are_read_and_not_shown() -> None:
    found = block(username="eve", password={"env": "SECRET"})
    assert found.password == "tope-secret" and "tope-secret" not in repr(found)
    assert "tope-secret" not in repr(block(token={"env": "SECRET"}))


def test_everything_together() -> None:
    found = block(
        batch_system="slurm",
        engine_parameters={"--logDebug": None, "--maxCores": 2},
        processes={"p": {"--maxCores": 4}},
        reads=["http", "s3"],
        inputs={"/srv/jobs": "/shared/jobs"},
        outputs="s3://bucket/a/b",
        deadline="2d",
        poll_interval="500ms",
        max_attachment="1MiB",
    )
    assert (found.deadline, found.poll_interval, found.max_attachment) == (172800.0, 0.5, 1048576)
    assert found.engine_parameters == {"--logDebug": None, "--maxCores": 2}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"url": "ftp://h"}, "engines.hpc.url: must be an http or https URL"),
        ({"url": "https://eve:pw@h/"}, "engines.hpc.url: must be an http or https URL without user"),
        ({"url": "https://h/?x=1"}, "engines.hpc.url"),
        ({"url": "http://h:0/"}, "engines.hpc.url"),
        ({"url": "http://["}, "engines.hpc.url"),
        ({"password": "plain"}, "engines.hpc.password: a secret is written as"),
        ({"username": "eve"}, "`username` and `password` belong together"),
        ({"token": {"env": "SECRET"}, "username": "eve", "password": {"env": "SECRET"}}, "not both"),
        ({"token": {"env": "NO_SUCH"}}, "NO_SUCH is not set"),
        ({"reads": ["file"]}, "engines.hpc.reads: 'file' is not one of http, https, s3"),
        ({"outputs": "gs://bucket"}, "engines.hpc.outputs"),
        ({"outputs": {"shared": "/mnt"}}, "'shared' is not an absolute path"),
        ({"outputs": {"/shared": "/mnt/../etc"}}, "is not an absolute path"),
        ({"inputs": {"/a": "b"}}, "'b' is not an absolute path"),
        ({"retry_count": -1}, "engines.hpc.retry_count"),
        ({"poll_interval": 0}, "engines.hpc.poll_interval"),
        ({"server": "cromwell"}, "engines.hpc.server"),
        ({"batch": "slurm"}, "engines.hpc.batch: unknown key"),
        ({"engine_parameters": {"--x": [1]}}, "engines.hpc.engine_parameters"),
    ],
)
def test_what_is_wrong_is_named(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        block(**keys)
    assert words in str(caught.value)
    assert "tope-secret" not in str(caught.value)
