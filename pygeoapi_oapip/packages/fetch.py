"""The one way by which a package may reach beyond itself: counted, limited reads by a guarded function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import InvalidPackage, OapipError, TooLarge, UnresolvableReference
from .guard import decode, parse_value

Fetch = Callable[[str], bytes]
"""Reads the document at an absolute URL. Raises UnresolvableReference, AddressForbidden, TooLarge or Unavailable."""

NOWHERE = "https://package.invalid/"
"""Base of documents that came without an address (RFC 2606: the name never resolves, and is never asked for).
An https base, because relative references are resolved against it by several URL libraries."""

MAX_REFERENCES = 100
MAX_TOTAL_BYTES = 20 * 1024**2


def refuse_all(url: str) -> bytes:
    """A `Fetch` that reads nothing.

    Raises:
        UnresolvableReference: always.
    """
    raise UnresolvableReference(f"References are not read here: {url}")


def read_below(root: Path | None, fetch: Fetch = refuse_all) -> Fetch:
    """A `Fetch` for trusted packages: files below a folder, and all other schemes by another `Fetch`.

    Args:
        root: the folder, symbolic links resolved; None allows every file.
        fetch: reads what is not a `file:` URL.
    """

    def read(url: str) -> bytes:
        parts = urlsplit(url)
        if parts.scheme != "file":
            return fetch(url)
        path = Path(unquote(parts.path))
        if root is not None and not path.resolve().is_relative_to(root.resolve()):
            raise InvalidPackage(f"The reference to {path.name!r} leaves the folder of the package.")
        try:
            return path.read_bytes()
        except OSError as error:
            raise UnresolvableReference(f"{path.name!r}, which the package refers to: {error.strerror}.") from None

    return read


class Reader:
    """Reads the references of one package, each once, within limits, and remembers what went wrong.

    Args:
        fetch: the only way out.
        base: URL of the package document.
        files: True if `file:` references are for `fetch` to decide (trusted packages); else they are refused here.
    """

    def __init__(self, fetch: Fetch, base: str, *, files: bool = False) -> None:
        self._fetch = fetch
        self.files = files
        self._texts: dict[str, str] = {}
        self._count = 0
        self._bytes = 0
        self.base = base
        self.error: OapipError | None = None

    @property
    def used(self) -> bool:
        """True once anything but the package itself was asked for."""
        return self._count > 0

    def seed(self, text: str) -> None:
        """Give the text of the package itself."""
        self._texts[self.base] = text

    def give(self, url: str, text: str) -> None:
        """Give the text of another document that came with the package; it counts as read."""
        self._texts[url] = text
        self._count += 1

    def knows(self, url: str) -> bool:
        """True if the document at `url` (without fragment) was read, or is the package."""
        return url == self.base or url in self._texts

    def read(self, url: str) -> bytes:
        """The document at `url`, counted against the limits.

        Raises:
            InvalidPackage: a reference that this package may not make, or too many.
            TooLarge: more than MAX_TOTAL_BYTES in all.
            OapipError: what `fetch` raises.
        """
        try:
            return self._read(url)
        except OapipError as error:
            self.error = self.error or error
            raise

    def text(self, url: str) -> str:
        """As `read`, decoded, and safe to give to any YAML parser."""
        if url not in self._texts:
            content = self.read(url)
            try:
                self._texts[url] = decode(content)
                if not url.endswith(".js"):
                    _check_yaml(content)
            except OapipError as error:
                self.error = self.error or InvalidPackage(f"{self.name(url)}: {error.detail}")
                raise self.error from None
        return self._texts[url]

    def name(self, url: str) -> str:
        """`url` as the author may know it: without the base that this server gave, or the folder it is in."""
        if url.startswith(NOWHERE):
            return url.removeprefix(NOWHERE)
        return url.rpartition("/")[2] if url.startswith("file:") else url

    def hidden_names(self) -> list[str]:
        """Names of the documents whose addresses are not for users: files, and packages without address."""
        return [self.name(url) for url in (self.base, *self._texts) if url.startswith(("file:", NOWHERE))]

    def exists(self, url: str) -> bool:
        """Whether there is a local file or folder at `url`; a trusted package's only."""
        return self.files and urlsplit(url).scheme == "file" and Path(unquote(urlsplit(url).path)).exists()

    def is_folder(self, url: str) -> bool:
        """Whether there is a local folder at `url`; a trusted package's only."""
        return self.exists(url) and Path(unquote(urlsplit(url).path)).is_dir()

    def entries(self, url: str) -> list[str]:
        """URLs of what is in a local folder, by name; a trusted package's only.

        Raises:
            InvalidPackage: the package is not from a local folder, or there is no such folder.
        """
        path = Path(unquote(urlsplit(url).path))
        if not self.files or urlsplit(url).scheme != "file" or not path.is_dir():
            raise InvalidPackage(f"The directory {self.name(url)!r}, a default of the package, cannot be read.")
        return [child.as_uri() + ("/" if child.is_dir() else "") for child in sorted(path.iterdir())]

    def _read(self, url: str) -> bytes:
        if url.startswith(NOWHERE):
            raise InvalidPackage(
                f"The package refers to {self.name(url)!r}, relative to itself, but was sent without an address. "
                "Deploy it by its URL, or send it packed (`cwltool --pack`)."
            )
        scheme = urlsplit(url).scheme
        if scheme == "file" and not self.files:
            raise InvalidPackage(f"A package may not refer to files of the server: {url}")
        self._count += 1
        if self._count > MAX_REFERENCES:
            raise InvalidPackage(f"The package refers to more than {MAX_REFERENCES} other documents.")
        content = self._fetch(url)
        self._bytes += len(content)
        if self._bytes > MAX_TOTAL_BYTES:
            raise TooLarge(f"The package and what it refers to have more than {MAX_TOTAL_BYTES} bytes.")
        return content


def _check_yaml(content: bytes) -> None:
    """Apply the limits of `guard` to text that may be YAML; what is not YAML is its reader's business."""
    try:
        parse_value(content)
    except InvalidPackage as error:
        if "not valid YAML" not in error.detail:
            raise
