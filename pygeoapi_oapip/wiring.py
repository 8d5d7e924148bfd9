"""From a configuration to a working service: lazy, made once per process and configuration, fork-safe."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .auth.policy import Policy
from .catalogue import Catalogue, Entry, configured_entries, folder_entries
from .collecting import Collector
from .collecting import Options as CollectingOptions
from .configuration_file import read_document
from .engines.base import Engine, Reaping
from .engines.registry import BUILTIN, REMOTE, builtin_engine, builtin_processes, make_engine, remote_engine
from .errors import ConfigurationError, Unavailable
from .messages import Composer
from .nested.addresses import OwnAddresses
from .nested.children import Children
from .nested.elsewhere import RemoteProcesses
from .nested.reading import NestedSources
from .notify import Channel, Notifier
from .on_behalf import job_tokens
from .operations import Operations
from .parts import Parts
from .quotas import Quotas
from .reconciler import Reconciler
from .sealing import Sealing
from .service import Collaborators, ProcessingService
from .settings import Settings, load_settings
from .staging.base import Stager, Workspaces
from .staging.poster import make_poster
from .staging.registration import StacRegistrar
from .staging.router import make_client, make_stager
from .staging.storage import make_storage
from .staging.workspace import LocalWorkspaces
from .staging.wrap import wrapping
from .store.base import JobStore, ProcessStore
from .store.lease import LeaseOwner
from .store.notifications import NotificationStore
from .upkeep import Upkeep

LOG = logging.getLogger(__name__)

CONFIG_VARIABLE = "PYGEOAPI_CONFIG"
BACKGROUND_VARIABLE = "OAPIP_RECONCILE"
"""`0`: web processes leave jobs to the worker processes (set by `oapip serve`)."""

AUDIT_INTERVAL = 3600.0
"""Seconds between two looks for old entries of the audit."""

DESCRIPTION_LIMIT = 10.0
"""Seconds for the description of a process of another server: a client waits meanwhile."""

_LOCK = threading.Lock()
_WIRED: dict[tuple[int, str], Wired] = {}


class Wired:
    """The parts of one server in one process."""

    def __init__(self, settings: Settings, resources: Mapping[str, Any], url: str) -> None:
        from .store import sql

        self.settings = settings
        self._resources = resources
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        _make_home(settings)
        self.database = sql.Database(settings.connection, settings.connection_password)
        sql.upgrade(self.database)
        jobs, processes = sql.SqlJobStore(self.database), sql.SqlProcessStore(self.database)
        stager, client = make_stager(settings.staging, settings.storage), make_client(settings)
        self._tokens = job_tokens(settings, sql.SqlJobTokenStore(self.database), jobs)
        self._storage, token = make_storage(settings, self._tokens.token), self._tokens.token
        workspaces = LocalWorkspaces(settings.output_dir, stager, self._storage, settings.staging, token)
        self._sealing = Sealing(settings.output_dir.absolute() / ".sealed")
        self.engines = {**_engines(settings), REMOTE: remote_engine(client)}
        self.catalogue = self._make_catalogue(processes, stager)
        accounts, counts_room = sql.SqlAccountStore(self.database), not self._storage.of_users
        quotas = Quotas(jobs, accounts, settings.limits, counts_room=counts_room)
        parts = self._parts(jobs, processes, workspaces, url, quotas)
        self.reconciler = Reconciler(parts, str(LeaseOwner.here()), settings.limits.jobs_per_worker)
        self.upkeep = self._make_upkeep(jobs, workspaces)
        notifications = sql.SqlNotificationStore(self.database)
        self.service = self._make_service(self._collaborators(parts, stager, quotas, notifications, url))
        self.notifier = self._make_notifier(jobs, notifications, Composer(processes, workspaces, url))
        self._load_catalogue()

    def _collaborators(
        self, parts: Parts, stager: Stager, quotas: Quotas, notifications: NotificationStore, url: str
    ) -> Collaborators:
        return Collaborators(
            parts.jobs,
            parts.processes,
            self.engines,
            stager,
            parts.workspaces,
            self.reconciler,
            self.catalogue,
            Policy(self.settings.auth),
            self.settings,
            NestedSources(OwnAddresses(url), RemoteProcesses(make_client(self.settings, DESCRIPTION_LIMIT))),
            notifications=notifications,
            quotas=quotas,
            sealing=self._sealing,
            wrapping=parts.wrapping,
            tokens=self._tokens,
        )

    def _make_upkeep(self, jobs: JobStore, workspaces: Workspaces) -> Upkeep:
        kept = self.settings.retention
        limits = kept.jobs_per_user, kept.bytes_per_user
        return Upkeep(jobs, workspaces, self.catalogue, kept.jobs, _is_dead, *limits, self._sealing, self._further())

    def _parts(
        self, jobs: JobStore, processes: ProcessStore, workspaces: Workspaces, url: str, quotas: Quotas
    ) -> Parts:
        return Parts(
            jobs,
            processes,
            self.engines,
            workspaces,
            Children(jobs, processes, workspaces),
            allowance=quotas.of,
            collector=Collector(workspaces, _collecting(self.settings, url)),
            wrapping=wrapping(self.settings, self._tokens.token),
            sealing=self._sealing,
            forget_tokens=self._tokens.forget,
        )

    def _further(self) -> Mapping[Callable[[], object], float]:
        """Chores of the upkeep that the configuration asks for."""
        chores: dict[Callable[[], object], float] = {self._tokens.sweep: AUDIT_INTERVAL}
        return {**chores, self.forget_audit: AUDIT_INTERVAL} if self.settings.retention.audit else chores

    def forget_audit(self) -> int:
        """Remove the entries of the audit that are older than `retention.audit`; gives their number."""
        from .store.sql import SqlAuditStore

        age = timedelta(seconds=self.settings.retention.audit)
        return SqlAuditStore(self.database).forget(datetime.now(UTC) - age) if age else 0

    def _make_service(self, parts: Collaborators) -> Operations:
        """With an audit, where people are told apart."""
        if self.settings.auth.type == "none":
            return ProcessingService(parts)
        from .audited import AuditedService
        from .store.sql import SqlAuditStore

        return AuditedService(parts, SqlAuditStore(self.database))

    def start_background(self) -> None:
        """Move jobs on in a thread of this process, once; nothing where worker processes do it alone."""
        if not self.settings.reconcile or os.environ.get(BACKGROUND_VARIABLE) == "0":
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self.run_worker, args=(self._stop,), name="oapip-worker", daemon=True
                )
                self._thread.start()

    def warm(self, delay: float = 10.0) -> None:
        """Load cwltool in a thread, `delay` seconds from now, so that the first deployment need not wait for it."""

        def load() -> None:
            from .packages.load import warm

            if not self._stop.wait(delay):
                warm()

        threading.Thread(target=load, name="oapip-warm", daemon=True).start()

    def run_worker(self, stop: threading.Event) -> None:
        """Start the engines, then move jobs on and do the upkeep until `stop` is set."""
        threading.Thread(target=self._start_engines, name="oapip-engines", daemon=True).start()
        threading.Thread(target=self._storage.start, name="oapip-storage", daemon=True).start()
        upkeep = threading.Thread(target=self.upkeep.run, args=(stop,), name="oapip-upkeep", daemon=True)
        upkeep.start()
        notifier = threading.Thread(target=self.notifier.run, args=(stop,), name="oapip-callbacks", daemon=True)
        notifier.start()
        self.reconciler.run(stop)
        upkeep.join()
        notifier.join()

    def _start_engines(self) -> None:
        for name, engine in self.engines.items():
            start = getattr(engine, "start", None)
            if start is not None:
                try:
                    start()
                except Unavailable as fault:
                    LOG.warning("the engine %s does not start yet: %s", name, fault.detail)

    def reap(self) -> tuple[int, int, int]:
        """Free the leases of dead processes, remove expired jobs, and what ended jobs have left in their engines.

        Returns:
            The numbers of dead lease owners, of jobs removed and of runs freed.
        """
        numbers = self.upkeep.reap(), self.upkeep.expire(), sum(map(self._freed, self.engines))
        self.upkeep.sweep()
        self.forget_audit()
        return numbers

    def _freed(self, name: str) -> int:
        engine = self.engines[name]
        if not isinstance(engine, Reaping):
            return 0
        try:
            return engine.reap(self.upkeep.has_ended)
        except Unavailable as fault:
            LOG.warning("the engine %s does not tell what is left over: %s", name, fault.detail)
            return 0

    def close(self) -> None:
        """Stop the background thread, and let engines end what they keep running for us; jobs go on."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        for engine in self.engines.values():
            close = getattr(engine, "close", None)
            if close is not None:
                close()

    def _make_catalogue(self, processes: Any, stager: Stager) -> Catalogue:
        limit = self.settings.limits.package_bytes
        return Catalogue(
            processes,
            self.settings.output_dir,
            lambda url: stager.fetch(url, limit).content,
            self._entries,
            limit,
            builtin_processes(self.settings.builtin_processes),
        )

    def _make_notifier(self, jobs: JobStore, notifications: NotificationStore, composer: Composer) -> Notifier:
        settings = self.settings.callbacks
        channel = Channel(jobs, notifications, composer, make_poster(settings), settings)
        return Notifier(channel, self.reconciler.leases.owner, _is_dead)

    def _load_catalogue(self) -> None:
        try:
            self.catalogue.refresh()
        except OSError as error:
            LOG.warning("the packages of the configuration are loaded later: %s", error.strerror)

    def _entries(self) -> list[Entry]:
        own = configured_entries(self._resources, asks=self.settings.auth.type != "none")
        return [*own, *folder_entries(self.settings.packages)]


def wire(configuration: Mapping[str, Any]) -> Wired:
    """The server of a pygeoapi configuration, made at the first call in each process.

    Args:
        configuration: the whole pygeoapi configuration; only `server.manager` and the process resources count.

    Raises:
        ConfigurationError: the configuration is wrong.
    """
    block = configuration.get("server", {}).get("manager", {})
    if not isinstance(block, Mapping):
        raise ConfigurationError("server.manager: must be a mapping (see docs/configuration.md)")
    resources = {
        key: resource
        for key, resource in (configuration.get("resources") or {}).items()
        if isinstance(resource, Mapping) and resource.get("type") == "process"
    }
    plain = {key: value for key, value in block.items() if key != "processes"}
    key = (os.getpid(), json.dumps([plain, resources], sort_keys=True, default=str))
    with _LOCK:
        if key not in _WIRED:
            settings = load_settings(block)
            list(configured_entries(resources))
            _WIRED[key] = Wired(settings, resources, _address(configuration["server"]))
        return _WIRED[key]


def load_configuration() -> dict[str, Any]:
    """The pygeoapi configuration named by `PYGEOAPI_CONFIG`, or the embedded defaults under `./var`.

    Raises:
        ConfigurationError: the file is no configuration.
    """
    name = os.environ.get(CONFIG_VARIABLE)
    return read_document(Path(name)) if name else default_configuration("http://localhost:5000", Path("var"))


def default_configuration(url: str, home: Path) -> dict[str, Any]:
    """A whole pygeoapi configuration that needs no other service.

    Args:
        url: address that links are made from.
        home: folder for the database and the jobs.
    """
    address = urlsplit(url)
    return {
        "server": {
            "bind": {"host": address.hostname or "localhost", "port": address.port or 80},
            "url": url,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "gzip": False,
            "languages": ["en-US"],
            "cors": True,
            "pretty_print": False,
            "limits": {"default_items": 100, "max_items": 10000},
            "map": {"url": "", "attribution": ""},
            "manager": {
                "name": "pygeoapi_oapip.manager.ProcessManager",
                "connection": f"sqlite:///{home / 'oapip.db'}",
                "output_dir": str(home / "jobs"),
            },
        },
        "logging": {"level": "ERROR"},
        "metadata": _DEFAULT_METADATA,
        "resources": {},
    }


_DEFAULT_METADATA: dict[str, Any] = {
    "identification": {
        "title": "pygeoapi-oapip",
        "description": "A processing server: OGC API - Processes for CWL application packages",
        "keywords": ["processing", "CWL", "OGC API - Processes"],
        "keywords_type": "theme",
        "terms_of_service": "",
        "url": "https://ogcapi.ogc.org/processes",
    },
    "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    "provider": {"name": "The operator of this server", "url": "https://ogcapi.ogc.org/processes"},
    "contact": {"name": "The operator of this server"},
}


def _address(server: Mapping[str, Any]) -> str:
    """The URL of the service, with the path that comes before all routes (`api_rules.url_prefix`)."""
    prefix = ""
    if server.get("api_rules"):
        from pygeoapi.util import get_api_rules

        prefix = str(get_api_rules({"server": dict(server)}).get_url_prefix("flask") or "").rstrip("/")
    return str(server.get("url") or "").rstrip("/") + prefix


def _make_home(settings: Settings) -> None:
    try:
        settings.output_dir.mkdir(parents=True, exist_ok=True)
        file = settings.connection.removeprefix("sqlite:///")
        if file != settings.connection and file not in ("", ":memory:"):
            Path(file).absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"server.manager.output_dir: cannot be made: {error.strerror}") from None


def _collecting(settings: Settings, url: str) -> CollectingOptions:
    chosen = settings.storage
    registrar = StacRegistrar(chosen.registration) if chosen.registration is not None else None
    return CollectingOptions(chosen.collections, chosen.items, registrar, url)


def _engines(settings: Settings) -> Mapping[str, Engine]:
    home = settings.output_dir.absolute()
    named = {name: make_engine(name, block, home / f".engine-{name}") for name, block in settings.engines.items()}
    return {**named, BUILTIN: builtin_engine()}


def _is_dead(owner: str) -> bool:
    parsed = LeaseOwner.parse(owner)
    return parsed is not None and parsed.is_dead()
