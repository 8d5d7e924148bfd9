"""Whether the engines work: a part of `/health`, and of `oapip engines`.

An engine that does not work makes the server `degraded`, and no more: it answers 200, because it goes on to take jobs,
which wait, and a load balancer must not take it away for a fault that it shares with all others.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from .engines.base import Engine, EngineHealth, Examined
from .model.json import JSON

FIRST_WAIT = 1.0
"""Seconds that `/health` waits for the first answers of all engines."""


def examine(engines: Mapping[str, Engine], wait: float) -> Mapping[str, EngineHealth]:
    """The state of each engine that can tell it, by name.

    Args:
        engines: by name.
        wait: seconds in all for engines that have not been asked yet.
    """
    found = {name: engine for name, engine in engines.items() if isinstance(engine, Examined)}
    for engine in found.values():
        engine.health(0.0)  # all begin to ask
    deadline = time.monotonic() + wait
    return {name: engine.health(max(0.0, deadline - time.monotonic())) for name, engine in found.items()}


def engine_parts(engines: Mapping[str, Engine]) -> tuple[bool, dict[str, JSON]]:
    """The parts of `/health` about engines: one for all, and one for each that can tell its state.

    Args:
        engines: by name.

    Returns:
        Whether all work, and the parts by name.
    """
    states = examine(engines, FIRST_WAIT)
    failing = [name for name, state in states.items() if not state.ok]
    detail = f"does not work: {', '.join(failing)}" if failing else ", ".join(engines)
    parts: dict[str, JSON] = {"engines": {"ok": not failing, "detail": detail, "names": list(engines)}}
    parts |= {f"engine {name}": {"ok": state.ok, "detail": state.detail} for name, state in states.items()}
    return not failing, parts
