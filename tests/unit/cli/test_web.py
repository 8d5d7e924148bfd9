from __future__ import annotations

import logging
from typing import Any

import gunicorn.glogging
import pytest

from pygeoapi_oapip.cli.web import QuietLogger


@pytest.mark.parametrize(("level", "lines"), [(logging.WARNING, 0), (logging.INFO, 1)])
def test_an_access_line_is_made_only_where_it_is_read(monkeypatch: pytest.MonkeyPatch, level: int, lines: int) -> None:
    made: list[Any] = []
    monkeypatch.setattr(gunicorn.glogging.Logger, "access", lambda self, *request: made.append(request))
    logger = QuietLogger.__new__(QuietLogger)
    logger.access_log = logging.Logger("access", level)
    logger.access(None, None, {}, None)
    assert len(made) == lines
