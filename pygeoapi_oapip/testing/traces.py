"""Files in which a text is: for tests of what a job leaves of a secret."""

from __future__ import annotations

import time
from pathlib import Path

_LIMIT = 60.0


def files_with(folder: Path, *texts: str) -> list[str]:
    """Paths in a folder, relative to it, of the files that have one of the texts. Files may vanish meanwhile."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if _has(path, texts))


def left_with(folder: Path, *texts: str) -> list[str]:
    """`files_with`, as soon as it is empty: a job is freed some moments after its end is told. Waits for a minute."""
    deadline = time.monotonic() + _LIMIT
    while (found := files_with(folder, *texts)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _has(path: Path, texts: tuple[str, ...]) -> bool:
    if not path.is_file() or path.is_symlink():
        return False
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return any(text.encode() in content for text in texts)
