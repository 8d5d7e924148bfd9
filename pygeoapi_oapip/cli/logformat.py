"""One log format for all processes of the server."""

from __future__ import annotations

import logging.config
from typing import Any

from .plain import one_line

LEVELS = ("debug", "info", "warning", "error")


class OneLine(logging.Formatter):
    """Each message on one line, whatever names, titles and addresses are in it, and tracebacks indented, so that nobody
    can write a line that looks like one of ours."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line, without a traceback."""
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        """The traceback."""
        lines = super().formatException(ei).splitlines()
        return "\n".join("    " + one_line(line) for line in lines)


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
