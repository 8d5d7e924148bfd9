"""HTTP Basic authentication (RFC 7617) from a file, for small sites."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from ..errors import ConfigurationError, Unauthorized, Unavailable
from ..model.identity import ANONYMOUS_NAME, Principal
from ..settings_auth import BasicAuth
from .attempts import OF_ADDRESS, OF_ADDRESS_TIME, Attempts, Rate
from .base import LoginLog, unwritten
from .claims import with_rules
from .passwords import Account, hash_password, matches, read_accounts

LOG = logging.getLogger(__name__)

KEPT = 300.0
"""Seconds that a verified password is remembered (as a keyed digest), because to verify one takes 100 ms on purpose."""
_MOST = 1000
LONGEST = 1024
"""Characters of a name and a password together."""


class BasicPasswords:
    """`Verifier` for names and passwords.

    Args:
        settings: the block.
        clock: monotonic seconds.
        log: of wrong passwords.

    Raises:
        ConfigurationError: the file is wrong.
    """

    scheme = "basic"

    def __init__(
        self, settings: BasicAuth, clock: Callable[[], float] = time.monotonic, log: LoginLog = unwritten
    ) -> None:
        self._settings = settings
        self._log = log
        self._clock = clock
        self._attempts = Attempts(clock)
        self._of_address = Rate(OF_ADDRESS, OF_ADDRESS_TIME, clock)
        self._secret = os.urandom(32)
        self._known: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()
        self._lock = threading.Lock()
        self._stamp = self._stat()
        self._accounts: Mapping[str, Account] = read_accounts(settings.file)
        self._nobody = hash_password("")

    def challenge(self, error: str = "") -> str:
        """RFC 7617 section 2."""
        return 'Basic realm="OGC API", charset="UTF-8"'

    def verify(self, credentials: str, address: str) -> Principal:
        """As `Verifier`."""
        name, password = self._read(credentials)
        self._refresh()
        digest = hmac.digest(self._secret, f"{name}\0{password}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        with self._lock:
            seen, principal = self._known.get(digest, (0.0, None))
        if principal is not None and self._clock() - seen < KEPT:
            return principal
        key = f"{address} {name}"
        self._of_address.check(address)
        self._attempts.check(key)
        account = self._accounts.get(name)
        # an unknown name takes as long as a wrong password
        right = matches(password, account.hashed if account else self._nobody)
        if account is None or not right:
            self._attempts.wrong(key)
            self._of_address.note(address)
            # a name that nobody has may be a password in the wrong place
            self._log("log in", account.name if account else ANONYMOUS_NAME, "401 wrong name or password", address)
            raise Unauthorized("the name or the password is wrong", self.challenge())
        self._attempts.right(key)
        principal = with_rules(account.name, set(account.roles), account.groups, self._settings)
        self._remember(digest, principal)
        return principal

    def _read(self, credentials: str) -> tuple[str, str]:
        try:
            name, colon, password = base64.b64decode(credentials, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, ValueError):
            name = colon = password = ""
        if not colon or len(credentials) > LONGEST:
            raise Unauthorized("the Authorization header is not one of RFC 7617", self.challenge())
        return name, password

    def _remember(self, digest: bytes, principal: Principal) -> None:
        with self._lock:
            self._known[digest] = (self._clock(), principal)
            self._known.move_to_end(digest)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)

    def _stat(self) -> tuple[int, int, int]:
        try:
            found = self._settings.file.stat()
        except OSError:
            return 0, 0, 0
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _refresh(self) -> None:
        """Read the file again when it has changed. A file that is wrong lets nobody in."""
        stamp = self._stat()
        if stamp == self._stamp:
            return
        try:
            accounts = read_accounts(self._settings.file)
        except ConfigurationError as error:
            LOG.error("%s; nobody can log in until it is put right", error)
            raise Unavailable("the password file of this server is wrong; its administrator knows more") from None
        with self._lock:
            self._known.clear()
            self._accounts, self._stamp = accounts, stamp
