"""Results of Toil go straight into S3 (`--destBucket`), and are served from there; inputs come from it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.s3.conftest import s3
from tests.integration.s3.seaweed import OWNER, SeaweedFS

from .conftest import start_toil
from .engine_bench import wes_settings
from .packages import bound, found, shell
from .serving import deploy, ended, log, server, until
from .slurm import Slurm
from .toil import ToilServer

__all__ = ["s3"]

BUCKET = "wes-results"
_TOOL = shell(
    "cat $0 > copy.txt; mkdir -p folder/deep; echo inside > folder/deep/a.txt; sleep 2",
    inputs={"file": bound("File")},
    outputs={"copy": found("File", "copy.txt"), "folder": found("Directory", "folder")},
)


@pytest.fixture(scope="module")
def toil_with_s3(s3: SeaweedFS, slurm: Slurm) -> Iterator[ToilServer]:
    keys = {"AWS_ENDPOINT_URL": s3.endpoint, "AWS_ACCESS_KEY_ID": OWNER[0], "AWS_SECRET_ACCESS_KEY": OWNER[1]}
    environment = {**slurm.environment, **keys, "AWS_DEFAULT_REGION": "us-east-1"}
    toil = start_toil(celery=False, environment=environment)
    yield toil
    toil.remove()


@pytest.fixture(scope="module")
def live(toil_with_s3: ToilServer, s3: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    outputs = f"s3://{s3.bucket(BUCKET)}/wes"
    block = wes_settings(toil_with_s3, batch_system="slurm", outputs=outputs, reads=["s3"])
    storage = {"type": "s3", "bucket": BUCKET, **s3.access()}
    staging = {"s3": [{"buckets": ["inputs"], **s3.reader_access()}]}
    with server(tmp_path_factory.mktemp("s3"), block, storage=storage, staging=staging) as live:
        deploy(live, _TOOL, "copy")
        s3.client().put_object(Bucket="inputs", Key="given.txt", Body=b"given\n")
        yield live


def test_results_and_inputs_are_in_s3(live: LiveServer, s3: SeaweedFS) -> None:
    job = live.submit("copy", {"file": {"href": "s3://inputs/given.txt"}})
    end = ended(live, job)
    assert end["status"] == "successful", f"{end['message']}\n{log(live, job)[-3000:]}"
    assert live.get(f"/jobs/{job}/results/copy").text == "given\n"
    objects = s3.keys(BUCKET)
    assert any(key.endswith("/copy.txt") and job in key for key in objects), objects
    assert any(key.endswith("/folder/deep/a.txt") and job in key for key in objects), objects
    listed = live.get(f"/jobs/{job}/results", headers={"Accept": "application/json"}).json()
    assert set(listed) == {"copy", "folder"}


def test_results_wait_while_s3_is_away(live: LiveServer, s3: SeaweedFS, toil_with_s3: ToilServer) -> None:
    before = set(toil_with_s3.runs())
    job = live.submit("copy", {"file": {"href": "s3://inputs/given.txt"}})
    until(lambda: set(toil_with_s3.runs()) - before, "the run is started")
    run = (set(toil_with_s3.runs()) - before).pop()
    until(lambda: toil_with_s3.runs()[run] == "COMPLETE", "Toil has put the results into S3")
    s3.pause()
    try:
        time.sleep(20)
        assert live.get(f"/jobs/{job}").json()["status"] in ("running", "successful")
    finally:
        s3.go_on()
    assert ended(live, job)["status"] == "successful"
    assert live.get(f"/jobs/{job}/results/copy").text == "given\n"
