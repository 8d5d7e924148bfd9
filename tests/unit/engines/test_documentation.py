"""docs/writing-an-engine.md agrees with the interface."""

from __future__ import annotations

import re
from pathlib import Path

from pygeoapi_oapip.engines.base import Engine

PAGE = Path(__file__).parents[3] / "docs" / "writing-an-engine.md"


def test_the_table_lists_the_methods_of_the_interface() -> None:
    listed = re.findall(r"^\| `(\w+)", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(listed) == {name for name in vars(Engine) if not name.startswith("_")}
