"""One stager for all schemes: chooses by the scheme of the URL."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import UnresolvableReference
from ..settings import Settings
from ..settings import Staging as StagingSettings
from ..settings_workspace import Storage
from .base import Downloader, Fetched, OnBehalf, Prober, Staged, Stager, TokenOf
from .cache import make_cache
from .choice import split
from .file import FileStager
from .transfer import Intake

if TYPE_CHECKING:
    from .client import GuardedClient


class SchemeRouter:
    """A `Stager` made of stagers."""

    def __init__(self, stagers: Sequence[Stager]) -> None:
        self._by_scheme = {scheme: stager for stager in stagers for scheme in stager.schemes}

    @property
    def schemes(self) -> frozenset[str]:
        """All schemes of the parts."""
        return frozenset(self._by_scheme)

    def check(self, url: str) -> None:
        """Refuse unknown schemes and what does not choose assets, then as the part does."""
        url, _ = split(url)
        self._part(url).check(url)

    def fetch(self, url: str, max_bytes: int) -> Fetched:
        """Read a document into memory."""
        part = self._part(url)
        part.check(url)
        return part.fetch(url, max_bytes)

    def stage(self, url: str, folder: Path, intake: Intake | None = None) -> Staged:
        """Put the thing at `url` into `folder`, or tell where it is."""
        part = self._part(url)
        part.check(url)
        return part.stage(url, folder, intake)

    def download(self, url: str, target: Path, intake: Intake) -> None:
        """Put one file at `target`."""
        part = self._part(url)
        part.check(url)
        if not isinstance(part, Downloader):
            raise UnresolvableReference(f"{url!r} cannot be read as a single file")
        part.download(url, target, intake)

    def probe(self, url: str, seconds: float) -> None:
        """As the part does; a part that cannot look knows nothing."""
        url, _ = split(url)
        part = self._part(url)
        part.check(url)
        if isinstance(part, Prober):
            part.probe(url, seconds)

    def on_behalf(self, tokens: TokenOf) -> SchemeRouter:
        """The same, with the tokens of one job."""
        parts = dict.fromkeys(self._by_scheme.values())
        return SchemeRouter([part.on_behalf(tokens) if isinstance(part, OnBehalf) else part for part in parts])

    def _part(self, url: str) -> Stager:
        try:
            scheme = urlsplit(url).scheme.lower()
        except ValueError:
            raise UnresolvableReference(f"{url!r} is not a URL") from None
        if not scheme:
            raise UnresolvableReference(f"{url!r} is a relative reference; an absolute URL is needed")
        if scheme not in self._by_scheme:
            known = ", ".join(sorted(self._by_scheme))
            raise UnresolvableReference(f"{url!r}: the scheme {scheme!r} cannot be read here (possible: {known})")
        return self._by_scheme[scheme]


def make_stager(settings: StagingSettings, storage: Storage | None = None) -> SchemeRouter:
    """The stagers that the settings allow; the libraries for HTTP and S3 are loaded when they are first needed.

    Args:
        settings: the rules.
        storage: where results are kept: they are no inputs by their S3 address.
    """
    from .http import HttpStager

    cache = make_cache(settings.cache)
    stagers: list[Stager] = [HttpStager(settings, cache), FileStager(settings.allow_files)]
    if settings.s3:
        from .s3 import S3Stager

        stagers.append(S3Stager(settings, storage, cache))
    return SchemeRouter(stagers)


def make_client(settings: Settings, longest: float = math.inf) -> GuardedClient:
    """What talks to other processing servers; the HTTP library is loaded now.

    Args:
        settings: the rules.
        longest: seconds that no answer may take, whatever the settings say.
    """
    from .client import GuardedClient

    timeout = min(longest, settings.staging.timeout)
    staging = settings.staging.model_copy(update={"timeout": timeout})
    return GuardedClient(settings.nested.remote, staging, min(longest, settings.nested.timeout))
