"""gunicorn as a library: the web processes of `oapip serve`.

`python -m pygeoapi_oapip.cli.web` serves on the socket that its parent has bound and left open.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import gunicorn.app.base
import gunicorn.glogging
from gunicorn.util import import_app

from .lifetime import end_with_parent
from .logformat import log_configuration

SOCKET, WORKERS, THREADS, LEVEL = "OAPIP_SOCKET", "OAPIP_WORKERS", "OAPIP_THREADS", "OAPIP_LOG_LEVEL"
"""Environment variables that the parent sets: a file descriptor, two numbers, a log level."""

GRACE = 30
"""Seconds that requests have to finish after SIGTERM."""


class QuietLogger(gunicorn.glogging.Logger):  # type: ignore[misc]
    """Makes an access log line only where somebody reads it: with a configured log, gunicorn makes one for each request
    and then drops it."""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Log one request."""
        if self.access_log.isEnabledFor(logging.INFO):
            super().access(resp, req, environ, request_time)


class WebServer(gunicorn.app.base.BaseApplication):  # type: ignore[misc]
    """Serves `pygeoapi_oapip.app:APP`. The app is loaded before the workers are forked, so they share its memory."""

    def load_config(self) -> None:
        """Settings of gunicorn."""
        level = os.environ.get(LEVEL, "info")
        options = {
            "bind": f"fd://{os.environ[SOCKET]}",
            "workers": int(os.environ.get(WORKERS, "2")),
            "threads": int(os.environ.get(THREADS, "8")),
            "worker_class": "gthread",
            "preload_app": True,
            "keepalive": 15,
            "timeout": 120,
            "graceful_timeout": GRACE,
            "control_socket_disable": True,
            "logger_class": QuietLogger,
            "logconfig_dict": log_configuration(level),
            "loglevel": level,
            "proc_name": "oapip",
        }
        for key, value in options.items():
            if key in self.cfg.settings:
                self.cfg.set(key, value)

    def load(self) -> Callable[..., Any]:
        """The WSGI application."""
        gc.disable()  # what is loaded now stays: looking for garbage in it costs a tenth of the start
        app: Callable[..., Any] = import_app("pygeoapi_oapip.app:APP")
        gc.enable()
        gc.collect()
        gc.freeze()  # collectors of workers would write to all pages that the workers share
        return app


if __name__ == "__main__":
    end_with_parent()
    sys.argv = sys.argv[:1]
    WebServer().run()
