"""The file of names and hashed passwords: one line `NAME:HASH:ROLES:GROUPS` for each user, lists with commas."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigurationError
from ..model.identity import Role, is_name

_COST, _BLOCK, _PARALLEL = 2**15, 8, 1
_MEMORY = 128 * 1024**2
SHORTEST = 10
"""Characters of a new password."""


@dataclass(frozen=True, slots=True)
class Account:
    """A line of the file."""

    name: str
    hashed: str
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def line(self) -> str:
        """As it stands in the file."""
        return ":".join((self.name, self.hashed, ",".join(sorted(self.roles)), ",".join(sorted(self.groups))))


def hash_password(password: str, cost: int = _COST) -> str:
    """`scrypt$COST$BLOCK$PARALLEL$SALT$HASH` (RFC 7914), with a new salt."""
    salt = os.urandom(16)
    parts = [_text(salt), _text(_scrypt(password, salt, cost, _BLOCK, _PARALLEL))]
    return "$".join(["scrypt", str(cost), str(_BLOCK), str(_PARALLEL), *parts])


def matches(password: str, hashed: str) -> bool:
    """True if it is the password; takes as long for a wrong one."""
    try:
        kind, cost, block, parallel, salt, wanted = hashed.split("$")
        found = _scrypt(password, base64.b64decode(salt), int(cost), int(block), int(parallel))
        return kind == "scrypt" and hmac.compare_digest(found, base64.b64decode(wanted))
    except (ValueError, binascii.Error):
        return False


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    secret = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=cost, r=block, p=parallel, maxmem=_MEMORY, dklen=32)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def read_accounts(path: Path) -> Mapping[str, Account]:
    """The accounts of a file; empty lines and those that begin with `#` are passed over.

    Raises:
        ConfigurationError: it cannot be read, others may write it, or a line is wrong; no line is repeated in the text.
    """
    try:
        if path.stat().st_mode & 0o022:
            raise ConfigurationError(f"the password file {path} can be written by others: chmod 600")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(f"the password file {path} cannot be read: {reason}") from None
    found: dict[str, Account] = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            account = _account(line, f"{path}, line {number}")
            if account.name in found:
                raise ConfigurationError(f"{path}, line {number}: the name is there twice")
            found[account.name] = account
    return found


def write_account(path: Path, account: Account) -> None:
    """Put an account into the file, in place of the one with its name; the file is replaced as a whole, mode 600."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if line.partition(":")[0] != account.name]
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join([*kept, account.line()]) + "\n")
    partial.replace(path)


def _account(line: str, place: str) -> Account:
    parts = line.split(":")
    if len(parts) not in (2, 3, 4) or not is_name(parts[0]) or not parts[1].startswith("scrypt$"):
        raise ConfigurationError(f"{place}: is not NAME:HASH:ROLES:GROUPS as `oapip passwd` writes it")
    roles, groups = (frozenset(filter(None, text.split(","))) for text in [*parts[2:], "", ""][:2])
    if wrong := sorted(roles - set(Role)):
        raise ConfigurationError(f"{place}: there is no role {wrong[0]!r} (possible: {', '.join(Role)})")
    if not all(is_name(group) for group in groups):
        raise ConfigurationError(f"{place}: the name of a group is wrong")
    return Account(parts[0], parts[1], roles, groups)
