"""What schema-salad and cwltool see of the world: a `Reader`, nothing else."""

from __future__ import annotations

from urllib.parse import urldefrag, urljoin, urlsplit

from schema_salad.fetcher import Fetcher

from ..errors import InvalidPackage
from .document import process_id, processes
from .fetch import Reader
from .guard import parse_value


class SaladFetcher(Fetcher):
    """What schema-salad and cwltool see of a `Reader`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def fetch_text(self, url: str, content_types: list[str] | None = None) -> str:
        """The text at `url`; see `Reader.text`."""
        return self._reader.text(url)

    def check_exists(self, url: str) -> bool:
        """Whether `url` may be the name of something. Never looks: a reference that is followed is read later,
        and a name that is only a name (an unknown hint, an ontology) needs no access at all."""
        document, fragment = urldefrag(url)
        return not (fragment and self._reader.knows(document)) or self._has_process(document, fragment)

    def _has_process(self, url: str, fragment: str) -> bool:
        """Whether a document that was read has this process; schema-salad asks before it looks into it again."""
        try:
            found = parse_value(self._reader.text(url).encode())
            return isinstance(found, dict) and any(process_id(item) == fragment for item in processes(found))
        except InvalidPackage:
            return False

    def urljoin(self, base_url: str, url: str) -> str:
        """The absolute form of `url`. Documents from elsewhere never get to `file:`."""
        if url.startswith("_:"):
            return url
        if urlsplit(url).scheme == "file" and urlsplit(base_url).scheme != "file":
            error = InvalidPackage(f"A package may not refer to files of the server: {url}")
            self._reader.error = self._reader.error or error
            raise error
        return urljoin(base_url, url)
