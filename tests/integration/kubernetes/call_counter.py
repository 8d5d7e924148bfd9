"""Counts the requests that a server makes of the Kubernetes API, by standing between both."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType

import yaml

from .service_addresses import API_SERVER, end_all, listen

_REQUEST = re.compile(rb"^(GET|POST|PUT|PATCH|DELETE) /\S* HTTP/1\.1\r$", re.MULTILINE)
_HEAD = 65536


class CallCounter:
    """Plain HTTP on a free port of 127.0.0.1, passed on to the API server with the rights of the administrator.

    Args:
        folder: of the cluster, with its certificates.
    """

    def __init__(self, folder: Path) -> None:
        self.count = 0
        self._tls = ssl.create_default_context(cafile=str(folder / "pki" / "ca.crt"))
        self._tls.load_cert_chain(folder / "pki" / "admin.crt", folder / "pki" / "admin.key")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    def __enter__(self) -> CallCounter:
        self._thread.start()
        opened = listen(self._passed, ("127.0.0.1", 0), self._passing)
        self._server = asyncio.run_coroutine_threadsafe(opened, self._loop).result(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def kubeconfig(self, folder: Path) -> Path:
        """A kubeconfig that leads here."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "counted", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "counted", "user": {}}],
            "contexts": [{"name": "counted", "context": {"cluster": "counted", "user": "counted"}}],
            "current-context": "counted",
        }
        path = folder / "counted.kubeconfig"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    async def _passed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection(*API_SERVER, ssl=self._tls)
            with closing(back):
                asking = asyncio.create_task(self._copy(reader, back, True))
                await self._copy(there, writer, False)
                asking.cancel()

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        await end_all()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, counted: bool) -> None:
        with suppress(OSError):
            while block := await source.read(_HEAD):
                if counted:
                    self.count += len(_REQUEST.findall(block))
                target.write(block)
                await target.drain()
        with suppress(OSError, RuntimeError):
            target.close()
