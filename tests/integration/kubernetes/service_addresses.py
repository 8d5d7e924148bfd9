"""Makes the addresses of Services work on the test cluster, which has no kube-proxy: for pods and for this machine.

Each cluster address is put on the loopback device, and connections to it are passed on to a ready pod of the Service,
as kube-proxy does it in its mode `userspace`. So manifests, and pods that call the API, need nothing special for tests.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

API_SERVER = ("127.0.0.1", 16443)
_PAUSE = 0.5
Address = tuple[str, int]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class ServiceAddresses:
    """Follows Services and Endpoints, and passes connections on.

    Args:
        folder: of the cluster, with its certificates.
    """

    def __init__(self, folder: Path) -> None:
        self._tls = ssl.create_default_context(cafile=str(folder / "pki" / "ca.crt"))
        self._tls.load_cert_chain(folder / "pki" / "admin.crt", folder / "pki" / "admin.key")
        self._backends: Mapping[Address, list[Address]] = {}
        self._servers: dict[Address, asyncio.Server] = {}
        self._turn = itertools.count()
        self._passing: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                with suppress(OSError, http.client.HTTPException, ValueError):  # the API server is away: as before
                    self._backends = await asyncio.to_thread(self._read)
                await self._listen()
                await asyncio.sleep(_PAUSE)
        finally:
            for server in self._servers.values():
                server.close()
            await end_all()
            for where, _ in self._servers:  # last: a connection of an address that is gone does not end
                _address("del", where)

    async def _listen(self) -> None:
        for address in self._backends.keys() - self._servers.keys():
            _address("add", address[0])
            self._servers[address] = await listen(self._passing_on(address), address, self._passing)
        for address in self._servers.keys() - self._backends.keys():
            self._servers.pop(address).close()

    def _passing_on(self, address: Address) -> Handler:
        async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            found = self._backends.get(address)
            if found:
                with suppress(OSError):
                    there, back = await asyncio.open_connection(*found[next(self._turn) % len(found)])
                    with closing(back):
                        await asyncio.gather(_copy(reader, back), _copy(there, writer))

        return passed

    def _read(self) -> Mapping[Address, list[Address]]:
        ready = {_key(row): row.get("subsets") or [] for row in self._items("endpoints")}
        found: dict[Address, list[Address]] = {}
        for row in self._items("services"):
            where = row["spec"].get("clusterIP")
            for port in row["spec"].get("ports", ()) if where not in (None, "", "None") else ():
                pods = list(_pods(ready.get(_key(row), []), port.get("name")))
                found[where, port["port"]] = [API_SERVER] if _key(row) == ("default", "kubernetes") else pods
        return found

    def _items(self, kind: str) -> list[Any]:
        connection = http.client.HTTPSConnection(*API_SERVER, context=self._tls, timeout=10)
        try:
            connection.request("GET", f"/api/v1/{kind}")
            items: list[Any] = json.loads(connection.getresponse().read()).get("items", [])
            return items
        finally:
            connection.close()


@contextmanager
def service_addresses(folder: Path) -> Iterator[None]:
    """Addresses of Services work within this context, in the cluster in this folder."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(ServiceAddresses(folder).serve())

    def run() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(30)


async def listen(handler: Handler, address: Address, tasks: set[asyncio.Task[None]]) -> asyncio.Server:
    """Serve connections; each is closed when its task ends, even one that is cancelled before it begins.

    Args:
        handler: of one connection.
        address: port 0 is any free one.
        tasks: holds those of open connections, which asyncio itself holds weakly.
    """

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def over(task: asyncio.Task[None]) -> None:
            tasks.discard(task)
            writer.close()

        task = asyncio.get_running_loop().create_task(handler(reader, writer))
        tasks.add(task)
        task.add_done_callback(over)

    return await asyncio.start_server(connected, *address)


async def end_all() -> None:
    """Cancel all other tasks of the running loop, and let their connections close."""
    await asyncio.sleep(0.1)  # a connection that is being accepted has no owner yet
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.1)


def _key(row: Any) -> tuple[str, str]:
    return row["metadata"]["namespace"], row["metadata"]["name"]


def _pods(subsets: list[Any], port_name: str | None) -> Iterator[Address]:
    for subset in subsets:
        for port in subset.get("ports", ()):
            if port.get("name") == port_name:
                yield from ((row["ip"], port["port"]) for row in subset.get("addresses", ()))


def _address(change: str, where: str) -> None:
    """Of the loopback device; it may have it already, or not have it any more."""
    subprocess.run(["ip", "address", change, f"{where}/32", "dev", "lo"], check=False, capture_output=True)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await source.read(65536):
            target.write(block)
            await target.drain()
    with suppress(OSError):
        if target.can_write_eof():
            target.write_eof()
