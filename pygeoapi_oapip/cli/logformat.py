"""One log format for all processes of the server."""

from __future__ import annotations

import logging.config
from typing import Any

LEVELS = ("debug", "info", "warning", "error")


def log_configuration(level: str) -> dict[str, Any]:
    """A `logging.config.dictConfig` document: everything goes to stderr as `time LEVEL [pid] logger: text`.

    Args:
        level: one of `LEVELS`. The web server's own notes on its start and stop are shown from `debug` on.
    """
    web = "DEBUG" if level == "debug" else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s [%(process)d] %(name)s: %(message)s"}},
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
