"""Who may see, run, deploy, change, read or dismiss what. No door and no query decides by itself."""

from __future__ import annotations

from ..errors import ImmutableProcess
from ..model.identity import EVERYTHING, Principal, Scope
from ..model.process import Process, Source

ADMIN_ROLE = "admin"


class Policy:
    """The rules. A stranger's row is not forbidden but absent (404), by the scope."""

    def scope(self, principal: Principal) -> Scope:
        """The rows that the principal may see and act on."""
        return EVERYTHING if ADMIN_ROLE in principal.roles else Scope(principal.name)

    def require_mutable(self, process: Process) -> None:
        """Raises ImmutableProcess for what the administrator configured, the server has built in, or the
        deployer has locked."""
        if process.locked:
            raise ImmutableProcess(f"the process {process.id} was deployed as immutable (`mutable: false`)")
        if not process.mutable:
            where = {
                Source.CONFIGURED: "is part of the server's configuration",
                Source.FOLDER: "comes from a package folder of the server",
                Source.BUILTIN: "is built into the server",
            }[process.source]
            raise ImmutableProcess(f"the process {process.id} {where} and cannot be changed here")
