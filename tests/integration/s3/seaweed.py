"""A real S3 server for tests: SeaweedFS (`weed mini`), which checks signatures. Any suite may use it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.integration.required import cannot_run

WEED = Path(__file__).parents[3] / ".venv-tools" / "bin" / "weed"
"""Made by `.ci/setup tools`."""
START_LIMIT = 240.0
OWNER = ("owner-key", "owner-secret")
"""May do everything."""
READER = ("reader-key", "reader-secret")
"""May read the bucket `inputs`."""
_GRPC = 10000
"""Each port has a second one for gRPC, this much higher."""


def find_weed() -> Path:
    """The program. Skips the test where there is none, or fails it where `OAPIP_REQUIRE` names `s3`."""
    found = WEED if WEED.exists() else Path(shutil.which("weed") or "/nonexistent")
    if not found.exists():
        cannot_run("s3", "SeaweedFS (weed) is not there: .ci/setup tools installs it")
    return found


class SeaweedFS:
    """A server with its data in a folder; it can be stopped and started again on the same port.

    Args:
        home: folder for data, keys and log.
        users: keys that may do everything in one bucket, by its name.
    """

    def __init__(self, home: Path, users: Mapping[str, tuple[str, str]] | None = None) -> None:
        self._weed = find_weed()
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        (home / "data").mkdir(parents=True, exist_ok=True)
        identity = {"actions": ["Admin", "Read", "List", "Tagging", "Write"]}
        reading = {"actions": ["Read:inputs", "List:inputs"]}
        identities = [
            {"name": "owner", "credentials": [_keys(OWNER)], **identity},
            {"name": "reader", "credentials": [_keys(READER)], **reading},
            *(_user(bucket, keys) for bucket, keys in (users or {}).items()),
        ]
        (home / "s3.json").write_text(json.dumps({"identities": identities}))
        self._ports = _free_ports(5)
        self.endpoint = f"http://127.0.0.1:{self._ports[0]}"

    def __enter__(self) -> SeaweedFS:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it checks signatures and has its volumes."""
        s3, master, volume, filer, admin = self._ports
        home = self._home
        arguments = [f"-dir={home / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false"]
        arguments += [f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={s3}"]
        arguments += [f"-s3.config={home / 's3.json'}", "-master.volumeSizeLimitMB=64"]
        # doors at fixed ports, which two servers cannot both have
        arguments += [f"-admin.port={admin}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
        with (home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._weed), "mini", *arguments],
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_LIMIT
        while not self._ready():
            assert self._process.poll() is None, f"weed ended:\n{(home / 'log').read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"weed does not answer:\n{(home / 'log').read_text()[-2000:]}"
            time.sleep(0.1)

    def stop(self) -> None:
        """End it at once, as a power failure does."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)
            self._process = None

    def pause(self) -> None:
        """Let it hold all connections and answer nothing."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """The end of `pause`."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGCONT)

    def client(self, keys: tuple[str, str] = OWNER) -> Any:
        """A boto3 client."""
        config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 6})
        session = boto3.session.Session(keys[0], keys[1], region_name="us-east-1")
        return session.client("s3", endpoint_url=self.endpoint, config=config)

    def bucket(self, name: str) -> str:
        """Make a bucket, if it is not there."""
        client = self.client()
        if name not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str, prefix: str = "") -> dict[str, int]:
        """The objects of a bucket: key -> size."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", ())}

    def access(self) -> Mapping[str, Any]:
        """Keys of a configuration block for a server whose environment has `credentials_in(...)`."""
        return {"endpoint": self.endpoint, "credentials": credentials(self._home, OWNER)}

    def reader_access(self) -> Mapping[str, Any]:
        """The same with the keys that may only read `inputs`."""
        return {"endpoint": self.endpoint, "credentials": credentials(self._home, READER)}

    def _ready(self) -> bool:
        try:
            if requests.get(self.endpoint, timeout=5).status_code != 403:
                return False
            self.client().list_buckets()
            filer = requests.get(f"http://127.0.0.1:{self._ports[1]}/dir/status", timeout=5)
            return bool(filer.json()["Topology"].get("DataCenters"))
        except (requests.RequestException, BotoCoreError, ClientError, ValueError, KeyError):
            return False


def credentials(home: Path, keys: tuple[str, str]) -> Mapping[str, Any]:
    """Write keys into files and give the block that names these."""
    found = {}
    for name, value in zip(("access_key", "secret_key"), keys, strict=True):
        file = home / f"{keys[0]}.{name}"
        file.write_text(value + "\n")
        found[name] = {"file": str(file)}
    return found


def _user(bucket: str, keys: tuple[str, str]) -> Mapping[str, Any]:
    actions = [f"{word}:{bucket}" for word in ("Read", "List", "Write", "Tagging")]
    return {"name": bucket, "credentials": [_keys(keys)], "actions": actions}


def _keys(pair: tuple[str, str]) -> Mapping[str, str]:
    return {"accessKey": pair[0], "secretKey": pair[1]}


def _free_ports(count: int) -> list[int]:
    """Ports that are free, and whose gRPC ports are, too; none that Linux gives to connections, which could take it
    while the server is stopped."""
    found: list[int] = []
    with_sockets = []
    for port in range(20000 + os.getpid() * 140 % 2000, 32768 - _GRPC, 7):  # suites side by side begin apart
        pair = [socket.socket(), socket.socket()]
        try:
            for one, number in zip(pair, (port, port + _GRPC), strict=True):
                one.bind(("127.0.0.1", number))
            found.append(port)
        except OSError:
            continue
        finally:
            with_sockets.extend(pair)
        if len(found) == count:
            break
    for one in with_sockets:
        one.close()
    return found
