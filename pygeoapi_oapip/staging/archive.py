"""Archives (zip; tar, also with gzip, bzip2 or xz) unpacked into a folder.

An archive comes from anybody: names that lead elsewhere, links, devices and two members of one name are refused, and
the bytes and files that count are those that come out, whatever the archive says of itself.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from ..errors import TooLarge, UnresolvableReference
from .s3_address import safe_path
from .transfer import Intake

CHUNK = 1 << 18
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (257, b"ustar", "tar"),
)
_ENDINGS = (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".txz", ".tar", ".zip")
_OPENERS: Mapping[str, Callable[[IO[bytes]], Any]] = {
    "gzip": gzip.open,
    "bzip2": bz2.open,
    "xz": lzma.open,
}
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_ONE_READ = 64 * 1024**2
"""Bytes that a list of members or the header of one may take."""
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)


def kind_of(path: Path) -> str:
    """What kind of archive a file is, by what it begins with; "" for none."""
    with path.open("rb") as file:
        head = file.read(512)
    return next((kind for at, magic, kind in _MAGIC if head[at : at + len(magic)] == magic), "")


def folder_name(name: str) -> str:
    """The name of an archive without its ending."""
    ending = next((one for one in _ENDINGS if name.lower().endswith(one)), "")
    return name[: len(name) - len(ending)] or "data"


def unpack(path: Path, target: Path, intake: Intake) -> None:
    """Put the members of an archive below `target`, which does not exist yet.

    Raises:
        UnresolvableReference: it is damaged, encrypted, or has a member that is refused.
        TooLarge: it has too many files or bytes.
        Stopped, OSError: as `Stager.stage`.
    """
    kind = kind_of(path)
    target.mkdir()
    with path.open("rb") as raw, _explained():
        members = _zipped(raw) if kind == "zip" else _tarred(raw, kind)
        for member in members:
            _write(member, target, intake)


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    is_folder: bool
    open: Callable[[], Any]


class _Broken(Exception):
    """Reading the archive failed, not writing the files."""


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise _Broken from error


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except _Broken:
        raise UnresolvableReference("the archive is damaged, or not an archive of files") from None


class _Bounded:
    """A file that gives no more than a list of members may take in one piece: sizes in archives can be lies."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, _ONE_READ + 1) if size >= 0 else _ONE_READ + 1)
        if len(data) > _ONE_READ:
            raise TooLarge("the archive has a list of members, or a header, that is too large")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _tarred(raw: IO[bytes], kind: str) -> Iterator[_Member]:
    with _reading():
        plain = _OPENERS[kind](raw) if kind in _OPENERS else raw
        archive = tarfile.open(fileobj=_Bounded(plain), mode="r:")
    with archive:
        while True:
            with _reading():
                info = archive.next()
            if info is None:
                return
            # what was read is not needed again, and a long list of it would be kept in memory
            archive.members.clear()  # type: ignore[attr-defined]
            if not (info.isfile() or info.isdir()):
                raise UnresolvableReference(f"the archive has {_shown(info.name)}, which is a link or a device")
            yield _Member(info.name, info.isdir(), partial(archive.extractfile, info))


def _zipped(raw: IO[bytes]) -> Iterator[_Member]:
    with _reading():
        archive = zipfile.ZipFile(_Bounded(raw))
    with archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise UnresolvableReference(f"the archive has {_shown(info.filename)}, which is a link or a device")
            if info.flag_bits & 0x1:
                raise UnresolvableReference("the archive is encrypted")
            if info.compress_type not in _METHODS:
                raise UnresolvableReference("the archive is compressed in a way that cannot be read here")
            yield _Member(info.filename, info.is_dir(), partial(archive.open, info))


def _write(member: _Member, target: Path, intake: Intake) -> None:
    path = _place(member, target)
    if path == target:
        return
    intake.files("the archive")
    try:
        (path if member.is_folder else path.parent).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _twice(member.name) from None
    if member.is_folder:
        return
    with _reading():
        content = member.open()
    with content:
        try:
            file = path.open("xb")
        except (FileExistsError, IsADirectoryError):
            raise _twice(member.name) from None
        with file:
            while piece := _piece(content):
                intake.moved("the archive", len(piece))
                file.write(piece)


def _piece(content: IO[bytes]) -> bytes:
    with _reading():
        return content.read(CHUNK)


def _place(member: _Member, target: Path) -> Path:
    name = member.name.removesuffix("/") if member.is_folder else member.name
    while name.startswith("./"):
        name = name[2:]
    if name in ("", ".") and member.is_folder:
        return target
    if "\\" in name or not safe_path(name):
        raise UnresolvableReference(f"the archive has {_shown(member.name)}, which is not a name that a file can have")
    return target / name


def _twice(name: str) -> UnresolvableReference:
    return UnresolvableReference(f"the archive has {_shown(name)} twice")


def _shown(name: str) -> str:
    return repr(name[:200].encode("utf-8", "replace").decode("utf-8"))
