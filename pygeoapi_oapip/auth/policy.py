"""Who may see, run, deploy, change, share, read or dismiss what. No door and no query decides by itself.

A thing that the principal may not know of is absent (404), by the scope of the query; what he knows of and may not do
is forbidden (403); and who has not said who he is, is asked to (401), before anything is looked up.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from ..errors import Forbidden, ImmutableProcess, Unauthorized
from ..model.identity import ANONYMOUS_NAME, EVERYTHING, Principal, Role, Scope, group_of
from ..model.job import Job
from ..model.process import Process, Source
from ..settings_auth import Auth, NoAuth

NOBODYS = Scope("")
"""No jobs at all: nobody has this name."""

_VIEWER = "viewer"
"""What the anonymous are who may only see; not a role that anybody can be given."""
_EVERYBODY = frozenset({Role.USER.value, Role.DEPLOYER.value})
_ANONYMOUS = {"nothing": frozenset[str](), "see": frozenset({_VIEWER}), "run": frozenset({_VIEWER, Role.USER.value})}
_CHALLENGES = {"oidc": 'Bearer realm="OGC API"', "basic": 'Basic realm="OGC API", charset="UTF-8"'}


class Do(Enum):
    """What can be done with a job or a process. The text is for the one who may not."""

    READ = "read the inputs and results of this job"
    LOGS = "read the log of this job"
    DISMISS = "dismiss this job"
    CHANGE = "change this job"
    SHARE = "say with whom this is shared"


_OPERATORS = frozenset({Do.LOGS, Do.DISMISS})
"""What operators may do with jobs of others, beside seeing that they are there."""
_SHARED = frozenset({Do.READ, Do.LOGS})
"""What those may do with whom a job is shared."""


class Policy:
    """The rules.

    Args:
        auth: the block of the configuration; without authentication everybody is a user and deployer.
    """

    def __init__(self, auth: Auth | None = None) -> None:
        self._auth = auth or NoAuth()
        self._asks = self._auth.type != "none"

    def entering(self, principal: Principal, user: str) -> Principal:
        """The principal of a request in the context of a user (`/{user}/ogc-api`); "" for no context.

        Raises:
            Forbidden: it is the context of somebody else.
        """
        if not self._asks or not user:
            return principal
        if principal.known and principal.name != user and not self._is(principal, Role.ADMIN, Role.OPERATOR):
            raise Forbidden("this is the context of another user")
        return replace(principal, context=user)

    def enter_host(self, principal: Principal, resource: str) -> None:
        """The resources of pygeoapi itself (`collections`, ...): whoever may see processes; `admin`, which changes the
        configuration, administrators alone. Raises Unauthorized, Forbidden."""
        self._require(principal, *((Role.ADMIN,) if resource.lower() == "admin" else (_VIEWER, Role.USER)))

    def owner(self, principal: Principal) -> str:
        """Who owns what the principal makes: an administrator in the context of a user acts for that user."""
        if self._asks and principal.context and self._is(principal, Role.ADMIN):
            return principal.context
        return principal.name

    def processes(self, principal: Principal) -> Scope:
        """The processes that the principal sees and runs. Raises Unauthorized, Forbidden."""
        self._require(principal, _VIEWER, Role.USER)
        if self._is(principal, Role.ADMIN, Role.OPERATOR):
            return Scope(None, first=principal.context or principal.name)
        return Scope(principal.name, principal.groups | {group_of(role) for role in self._roles(principal)})

    def require_run(self, principal: Principal) -> None:
        """Jobs may be made. Raises Unauthorized, Forbidden."""
        self._require(principal, Role.USER)

    def require_deploy(self, principal: Principal) -> None:
        """Code may be brought along: deployment, ad-hoc execution. Raises Unauthorized, Forbidden."""
        self._require(principal, Role.DEPLOYER)
        if self._asks and principal.context not in ("", principal.name) and not self._is(principal, Role.ADMIN):
            raise Forbidden("this is the context of another user")

    def require_change(self, principal: Principal, process: Process) -> None:
        """A process may be replaced, undeployed or shared.

        Raises:
            Unauthorized, Forbidden: the principal may not deploy, or it is not his.
            ImmutableProcess: see `require_mutable`.
        """
        self._require(principal, Role.DEPLOYER)
        self.require_mutable(process)
        if process.owner != principal.name and not self._is(principal, Role.ADMIN):
            raise Forbidden("only its owner can change this process")

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

    def jobs(self, principal: Principal) -> Scope:
        """The jobs that the principal may know of, each by its id. Raises Unauthorized, Forbidden."""
        self._require(principal, Role.USER)
        if self._is(principal, Role.ADMIN, Role.OPERATOR):
            return EVERYTHING
        return Scope(principal.name, principal.groups)

    def listed_jobs(self, principal: Principal) -> Scope:
        """The jobs of the list: one's own; all, for operators; those of the user in whose context they are.

        The anonymous have a list only where nobody is asked: else each would see the jobs of all others.
        """
        scope = self.jobs(principal)
        if self._asks and not principal.known:
            return NOBODYS
        if scope.owner is None and principal.context:
            return Scope(principal.context)
        return scope

    def shared_jobs(self, principal: Principal) -> Scope:
        """The jobs of others that are shared with the principal, or with the user in whose context he is, whose groups
        are not known then. Raises Unauthorized, Forbidden."""
        if self.listed_jobs(principal) == NOBODYS:
            return NOBODYS
        if principal.context not in ("", principal.name):
            return Scope(principal.context)
        return Scope(principal.name, principal.groups)

    def names_owners(self, principal: Principal) -> bool:
        """Who looks after the server is told whose a job is."""
        return self._asks and self._is(principal, Role.ADMIN, Role.OPERATOR)

    def require(self, principal: Principal, what: Do, job: Job) -> None:
        """Something may be done with a job that the principal knows of. Raises Forbidden."""
        if job.owner == principal.name and (principal.known or not self._asks or what is not Do.SHARE):
            return
        # who starts a job of another user does so in the context of that user, whose processes it may run
        if self._is(principal, Role.ADMIN) and (what is not Do.CHANGE or principal.context == job.owner):
            return
        if what in _OPERATORS and self._is(principal, Role.OPERATOR):
            return
        # an operator knows all jobs, so that only the others know this one by sharing
        if what in _SHARED and not self._is(principal, Role.OPERATOR):
            return
        raise Forbidden(f"you may not {what.value}")

    def require_share(self, principal: Principal, job: Job) -> None:
        """Raises Forbidden for a job that the principal does not own."""
        self.require(principal, Do.SHARE, job)

    def require_group(self, principal: Principal, groups: frozenset[str]) -> None:
        """Things are shared with groups that one is in. Raises Forbidden."""
        foreign = sorted(groups - principal.groups)
        if foreign and not self._is(principal, Role.ADMIN):
            raise Forbidden(f"you are not in the group {foreign[0]!r}")

    def sees_operation(self, principal: Principal) -> bool:
        """How the parts of the server do, and what is wrong with them."""
        return not self._asks or self._is(principal, Role.ADMIN, Role.OPERATOR)

    def _roles(self, principal: Principal) -> frozenset[str]:
        if not self._asks:
            return principal.roles | _EVERYBODY
        if principal.known:
            return principal.roles
        # whatever was said of somebody whom nobody knows, only the configuration counts
        return frozenset() if principal.context else _ANONYMOUS[getattr(self._auth, "anonymous", "nothing")]

    def _is(self, principal: Principal, *roles: str) -> bool:
        return not self._roles(principal).isdisjoint(roles)

    def _require(self, principal: Principal, *roles: str) -> None:
        """One of the roles; administrators have all, and operators see what users see."""
        if self._is(principal, *roles, Role.ADMIN):
            return
        if _VIEWER in roles and self._is(principal, Role.OPERATOR, Role.DEPLOYER):
            return
        if roles == (Role.USER,) and self._is(principal, Role.OPERATOR):
            return
        if self._asks and not principal.known:
            raise Unauthorized("log in first: this needs to know who asks", _CHALLENGES[self._auth.type])
        raise Forbidden(f"this needs the role {roles[-1]}, which you do not have")


__all__ = ["ANONYMOUS_NAME", "NOBODYS", "Do", "Policy"]
