"""One log format for all processes of the server."""

from __future__ import annotations

import logging.config
import re
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What ends a line or changes how a terminal shows it, also by the direction of the text."""

LEVELS = ("debug", "info", "warning", "error")


class OneLine(logging.Formatter):
    """Each message on one line, whatever names, titles and addresses are in it, and tracebacks indented, so that nobody
    can write a line that looks like one of ours."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line, without a traceback."""
        return _CONTROL.sub(_escaped, super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        """The traceback."""
        lines = super().formatException(ei).splitlines()
        return "\n".join("    " + _CONTROL.sub(_escaped, line) for line in lines)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def log_configuration(level: str) -> dict[str, Any]:
    """A `logging.config.dictConfig` document: everything goes to stderr as `time LEVEL [pid] logger: text`.

    Args:
        level: one of `LEVELS`. The web server's own notes on its start and stop are shown from `debug` on.
    """
    web = "DEBUG" if level == "debug" else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": OneLine, "format": "%(asctime)s %(levelname)-7s [%(process)d] %(name)s: %(message)s"}
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "pygeoapi_oapip": {"level": level.upper()},
            "gunicorn.error": {"level": web, "handlers": [], "propagate": True},
            "gunicorn.access": {"level": "WARNING", "handlers": [], "propagate": True},
        },
    }


def start_logging(level: str) -> None:
    """Log in that format from now on."""
    logging.config.dictConfig(log_configuration(level))
