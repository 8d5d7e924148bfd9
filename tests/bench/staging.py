"""Objects of a real S3 server into a job and back, against the loops over boto3's TransferManager that a user has
otherwise.

The loops are given more than the stage-in scripts in use have, which read one file after the other: all files are
handed to one TransferManager at once, with the defaults of boto3 (10 requests at once, parts of 8 MiB, checksums).
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from boto3.s3.transfer import TransferConfig, create_transfer_manager

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.s3.seaweed import SeaweedFS, find_weed

from .figures import Figure

SIZE = 20_000_000
ROOM = 12 * 1024**3
"""Bytes of disk that 50 objects take: at the S3 server, which frees nothing at once, from the loops, in the job."""
TARGET = 0.9
PASS = json.dumps(
    {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "pass",
        "baseCommand": ["sh", "-c", 'for file; do ln -L "$file" .; done', "pass"],
        "inputs": {"files": {"type": "File[]", "inputBinding": {}}},
        "outputs": {"files": {"type": "File[]", "outputBinding": {"glob": "*.bin"}}},
    }
)
"""Gives its files back; it takes no time of its own, since it links them."""


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of one turn."""

    way_in: float
    both_ways: float


def inputs_from_s3(folder: Path, quick: bool) -> list[Figure]:
    """Rates and memory; one row that says why, where there is no S3 server."""
    count, turns = (10, 2) if quick else (50, 5)
    what = f"{count} objects of {SIZE // 10**6} MB from S3 (SeaweedFS) into a job"
    try:
        find_weed()
    except BaseException as reason:  # a test is skipped or failed by it, a benchmark is not
        if isinstance(reason, KeyboardInterrupt | SystemExit):
            raise
        return [Figure(what, "not measured", "SeaweedFS is not there")]
    if shutil.disk_usage(folder).free < ROOM * count // 50:
        return [Figure(what, "not measured", "there is no room on the disk")]
    (folder / "seaweed").mkdir()
    with SeaweedFS(folder / "seaweed") as s3:
        keys = _fill(s3, count)
        settings = {
            "staging": {"s3": [{"buckets": ["inputs"], **s3.access()}]},
            "storage": {"type": "s3", "bucket": s3.bucket("results"), **s3.access()},
        }
        with LiveServer(folder / "staging", settings, workers=1) as server:
            server.deploy(PASS)
            return _rows(what, s3, server, keys, turns)


def _fill(s3: SeaweedFS, count: int) -> list[str]:
    s3.bucket("inputs")
    client = s3.client()
    for number in range(count):
        client.put_object(Bucket="inputs", Key=f"{number}.bin", Body=os.urandom(SIZE))
    return [f"{number}.bin" for number in range(count)]


def _rows(what: str, s3: SeaweedFS, server: LiveServer, keys: list[str], turns: int) -> list[Figure]:
    bare: list[Took] = []
    ours: list[Took] = []
    _job(server, keys[:10])
    before = _forget_peaks(server)
    for turn in range(turns):
        # by turns, and each first in turn, so that other programs and the disk disturb both alike
        if turn % 2:
            bare.append(_loops(s3, server.home / "bare", keys, turn))
        ours.append(_job(server, keys))
        if not turn % 2:
            bare.append(_loops(s3, server.home / "bare", keys, turn))
    after = _memory(server, "VmHWM")
    grown = sum(after[pid] - size for pid, size in before.items() if pid in after) / 2**20
    return [
        _rate(what, len(keys), [one.way_in for one in ours], [one.way_in for one in bare]),
        _rate(f"{what} and back", len(keys), [one.both_ways for one in ours], [one.both_ways for one in bare]),
        Figure(
            "memory that the server needs more for that, at most", f"{grown:.0f} MiB",
            target="below 100 MiB (the objects are 10 times that)", held=grown < 100,
        ),
    ]  # fmt: skip


def _rate(what: str, count: int, ours: Sequence[float], bare: Sequence[float]) -> Figure:
    """The ratio is the median of the ratios of neighbouring turns: what disturbs the machine disturbs both."""
    ratio = statistics.median(other / own for own, other in zip(ours, bare, strict=True))
    megabytes = count * SIZE / 1e6
    rates = [megabytes / statistics.median(seconds) for seconds in (ours, bare)]
    against = f"boto3 TransferManager {rates[1]:.0f} MB/s"
    return Figure(what, f"{rates[0]:.0f} MB/s", against, ratio, f"at least {TARGET}", ratio >= TARGET)


def _loops(s3: SeaweedFS, folder: Path, keys: list[str], turn: int) -> Took:
    """The bare loops: down, and up into a bucket of their own."""
    folder.mkdir()
    client, bucket = s3.client(), s3.bucket(f"bare-{turn}")
    start = time.perf_counter()
    with create_transfer_manager(client, TransferConfig()) as manager:
        futures = [manager.download("inputs", key, str(folder / key)) for key in keys]
        for future in futures:
            future.result()
    between = time.perf_counter()
    with create_transfer_manager(client, TransferConfig()) as manager:
        futures = [manager.upload(str(folder / key), bucket, key) for key in keys]
        for future in futures:
            future.result()
    end = time.perf_counter()
    shutil.rmtree(folder)
    client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    client.delete_bucket(Bucket=bucket)
    return Took(between - start, end - start)


def _job(server: LiveServer, keys: list[str]) -> Took:
    """From the making of a job to the start of its run, and to its end, all that a job does beside included."""
    body: dict[str, Any] = {"inputs": {"files": [{"href": f"s3://inputs/{key}"} for key in keys]}}
    answer = requests.post(
        f"{server.url}/processes/pass/execution", json=body, headers={"Prefer": "respond-async"}, timeout=60
    )
    assert answer.status_code == 201, answer.text
    status = server.ended(answer.json()["jobID"], 600)
    assert status["status"] == "successful", status
    created, started, finished = (datetime.fromisoformat(status[name]) for name in ("created", "started", "finished"))
    server.dismiss(status["jobID"])
    return Took((started - created).total_seconds(), (finished - created).total_seconds())


def _forget_peaks(server: LiveServer) -> dict[int, int]:
    """Let the highest use of memory be counted from now on. Returns the present use, in bytes by process."""
    for pid in server.processes():
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _memory(server, "VmRSS")


def _memory(server: LiveServer, name: str) -> dict[int, int]:
    """Bytes of each process of the server, from its status."""
    found = {}
    for pid in server.processes():
        text = Path(f"/proc/{pid}/status").read_text()
        if f"{name}:" in text:
            found[pid] = int(text.partition(f"{name}:")[2].split()[0]) * 1024
    return found
