"""What the WES server says of itself, asked in the background and kept for a while."""

from __future__ import annotations

import threading
import time

from ...errors import EngineUnavailable
from ...settings import WesEngine as Settings
from ..base import EngineHealth
from .api import ServiceInfo, service_info_of
from .client import WesClient
from .quirks import STANDARD, TABLE, Quirks

_FRESH = {True: 60.0, False: 5.0}
"""Seconds for which an answer is believed, by whether it was good."""


class Monitor:
    """Thread-safe; starts nothing until it is asked.

    Args:
        client: of the server.
        settings: of the engine.
    """

    def __init__(self, client: WesClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._lock = threading.Lock()
        self._known = threading.Event()
        self._asked = 0.0
        self._asking = False
        self._info: ServiceInfo | None = None
        self._health = EngineHealth(False, "has not answered yet")

    def start(self) -> None:
        """Begin to ask, unless the answer is fresh or somebody asks already. Returns at once."""
        with self._lock:
            fresh = self._known.is_set() and time.monotonic() - self._asked < _FRESH[self._health.ok]
            if fresh or self._asking:
                return
            self._asking = True
        threading.Thread(target=self._ask, name="oapip-wes-check", daemon=True).start()

    def health(self, wait: float) -> EngineHealth:
        """The last answer; waits for the first one only, at most `wait` seconds."""
        self.start()
        self._known.wait(wait)
        return self._health

    def info(self) -> ServiceInfo | None:
        """What is known, without asking."""
        return self._info

    def require(self) -> ServiceInfo:
        """What is known; asks where nothing is. Raises EngineUnavailable."""
        return self._info or self.ask()

    def ask(self) -> ServiceInfo:
        """Ask now. Raises EngineUnavailable where no WES server answers."""
        self._info = info = service_info_of(self._client.get("service-info"))
        return info

    @property
    def quirks(self) -> Quirks:
        """Of the server, as far as it is known."""
        return TABLE[self.kind] if self.kind in TABLE else STANDARD

    @property
    def kind(self) -> str:
        """A key of `quirks.TABLE`."""
        if self._settings.server != "auto":
            return self._settings.server
        names = [name.lower() for name in (self._info.engines if self._info else ())]
        return next((name for name in names if name in TABLE), "standard")

    def _ask(self) -> None:
        try:
            found = self._look()
        except EngineUnavailable as fault:
            found = EngineHealth(False, fault.detail)
        finally:
            with self._lock:
                self._asking = False
        with self._lock:
            self._health, self._asked = found, time.monotonic()
        self._known.set()

    def _look(self) -> EngineHealth:
        info = self.ask()
        # service-info is often open to all: a run that cannot be tells whether the credentials are good
        status = self._client.get("runs/oapip-no-such-run/status").status
        if status in (401, 403):
            return EngineHealth(False, f"the WES server refuses the credentials ({status})")
        if info.wes_versions and not any(version.lstrip("v").startswith("1.") for version in info.wes_versions):
            return EngineHealth(False, f"the server speaks WES {', '.join(info.wes_versions)}; 1.0 or 1.1 is needed")
        cwl = info.cwl()
        if cwl is None:
            return EngineHealth(False, f"the WES server runs no CWL (it runs: {', '.join(info.workflow_types)})")
        names = ", ".join(f"{name} {version}".strip() for name, version in info.engines.items()) or "WES server"
        text = f"{names}; CWL {', '.join(cwl[1])}"
        if self._settings.batch_system and not self.quirks.batch_system:
            text += "; `batch_system` has no effect: the server is not Toil"
        return EngineHealth(True, text)
