"""Folders among the results of a job are kept whole and apart.

cwltool moves all results into one folder, each file once. So Directories of the same name, as those of a scattered step
have, would be one folder, whose files replace each other; and a Directory that an expression has put together of files
would be without those that are results themselves. Calrissian's pod runs this file, too: it needs Python 3.8, cwltool.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cwltool.pathmapper import PathMapper

try:
    from .folder_links import FolderLinks
except ImportError:  # in the pod all files are beside each other
    from folder_links import FolderLinks  # type: ignore[import-not-found,no-redef,unused-ignore]


class ApartMapper(PathMapper):
    """cwltool's, which gives each Directory among the results a folder of its own. Their `basename` stays."""

    def folders(self) -> Sequence[str]:
        """Folders of the job, real paths; there is room in the first one until the results are moved."""
        return [os.getcwd()]

    def __init__(self, referenced_files: Any, basedir: str, stagedir: str, separateDirs: bool = True) -> None:
        """As cwltool's. Results are moved without a `basedir`, and with all of them known at once."""
        if basedir or separateDirs:
            super().__init__(referenced_files, basedir, stagedir, separateDirs)
            return
        for row in referenced_files:
            if row["class"] == "Directory" and not _is_real(row):
                self._make(row)
        with _apart(referenced_files):
            super().__init__(referenced_files, basedir, stagedir, separateDirs)

    def _make(self, row: Any) -> None:
        folder = os.path.join(tempfile.mkdtemp(prefix="literal-", dir=self.folders()[0]), row["basename"])
        self._fill(folder, row.pop("listing", None) or ())
        row["location"] = Path(folder).as_uri()

    def _fill(self, folder: str, listing: Sequence[Any]) -> None:
        os.mkdir(folder)
        for item in listing:
            for row in (item, *(item.get("secondaryFiles") or ())):
                self._put(row, _free(folder, row["basename"]))

    def _put(self, row: Any, place: str) -> None:
        if _is_real(row):
            FolderLinks(lambda link, target: None, self.folders()).give(_path(row), place)
        elif row["class"] == "Directory":
            self._fill(place, row.get("listing") or ())
        else:
            with open(place, "w", encoding="utf-8", newline="") as file:
                file.write(row.get("contents") or "")


def _is_real(row: Any) -> bool:
    return not str(row.get("location") or "_:").startswith("_:")


def _path(row: Any) -> str:
    location = row["location"]
    return os.path.realpath(unquote(urlsplit(location).path) if location.startswith("file:") else location)


def _free(folder: str, name: str) -> str:
    place, number = os.path.join(folder, name), 1
    while os.path.lexists(place):
        number += 1
        place = os.path.join(folder, f"{name}_{number}")
    return place


@contextmanager
def _apart(rows: Sequence[Any]) -> Iterator[None]:
    directories = [row for row in rows if row["class"] == "Directory"]
    taken = {row["basename"]: "" for row in rows if row["class"] != "Directory"}
    before = [row["basename"] for row in directories]
    for row in directories:
        name, number = row["basename"], 1
        while taken.setdefault(row["basename"], row["location"]) != row["location"]:
            number += 1
            row["basename"] = f"{name}_{number}"
    try:
        yield
    finally:
        for row, name in zip(directories, before):  # noqa: B905  (`strict` came with Python 3.10)
            row["basename"] = name
