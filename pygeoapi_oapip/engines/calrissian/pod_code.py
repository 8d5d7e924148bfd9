"""The Python files that Calrissian's pod runs: they travel with each job, so that its image need not have them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_HERE = Path(__file__).parent


def pod_code() -> Sequence[Path]:
    """The files, all for one folder."""
    own = sorted(path for path in (_HERE / "inpod").glob("*.py") if path.name != "__init__.py")
    shared = ("folder_links.py", "output_folders.py", "whole_folder.py")
    return (*own, *(_HERE.parent / name for name in shared))
