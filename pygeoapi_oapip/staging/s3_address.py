"""Addresses of objects: `s3://BUCKET/KEY`, where `%XX` in the key stands for a byte of UTF-8, as in every URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from ..errors import UnresolvableReference
from ..settings_s3 import BUCKET

SCHEME = "s3"
_PREFIX = f"{SCHEME}://"
_LONGEST_KEY = 1024
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class ObjectAddress:
    """An object, or with a `/` at the end of its key (or no key) a folder of objects."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{_PREFIX}{self.bucket}/{quote(self.key, safe=_SAFE)}"

    @property
    def is_folder(self) -> bool:
        """True where the address ends with `/`."""
        return not self.key or self.key.endswith("/")

    @property
    def folder(self) -> str:
        """What the keys of all objects in this folder start with."""
        return self.key if self.is_folder else f"{self.key}/"

    @property
    def name(self) -> str:
        """The last part of the key, or the bucket."""
        return self.key.rstrip("/").rpartition("/")[2] or self.bucket

    def below(self, path: str) -> ObjectAddress:
        """The object with a path relative to this folder."""
        return ObjectAddress(self.bucket, self.folder + path)


_SAFE = "/!$&'()*+,;=:@~"


def parse(url: str) -> ObjectAddress:
    """Read an address.

    Raises:
        UnresolvableReference: it is not one: another scheme, no bucket, a bucket name that S3 does not allow (account,
            region and access point names are refused too), or a key that is too long.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme.lower() != SCHEME or not re.fullmatch(BUCKET, bucket):
        raise UnresolvableReference(f"{url[:200]!r} is not an address of the form s3://BUCKET/KEY")
    key = unquote(key, errors="surrogateescape")
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError:
        raise UnresolvableReference(f"{url[:200]!r}: the key is not UTF-8") from None
    if size > _LONGEST_KEY or "\0" in key:
        raise UnresolvableReference(f"{url[:200]!r}: the key is longer than {_LONGEST_KEY} bytes, or has a null byte")
    return ObjectAddress(bucket, key)


def is_object(href: str) -> bool:
    """True for the address of an object, in the form at least."""
    return href[: len(_PREFIX)].lower() == _PREFIX


def safe_path(path: str) -> bool:
    """True if a relative path leads down only, and all its parts can be names of files."""
    return all(
        part not in ("", ".", "..") and "\0" not in part and len(part.encode("utf-8", "replace")) <= _LONGEST_NAME
        for part in path.split("/")
    )


def file_name(name: str) -> str:
    """A last part of a key as a name of a file."""
    return name if safe_path(name) else "data"
