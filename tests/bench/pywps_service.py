"""A stock PyWPS service as its users write one: the commands of the bench as processes.

Run by gunicorn in a process of its own (`wps_stock.py`); nothing of this project is imported."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from pywps import LiteralInput, LiteralOutput, Process, Service
from werkzeug.middleware.shared_data import SharedDataMiddleware

HOME = Path(os.environ["BENCH_PYWPS_HOME"])
NUMBER = int(os.environ["BENCH_PYWPS_PROCESSES"])


class Command(Process):  # type: ignore[misc]  # PyWPS has no types
    """Runs a command with the message as its last argument and gives back what it prints."""

    def __init__(self, identifier: str, command: list[str]) -> None:
        self._command = command
        super().__init__(
            self._handler,
            identifier=identifier,
            title="Echo",
            abstract="Repeats a message.",
            version="1.0.0",
            inputs=[LiteralInput("message", "Message", data_type="string")],
            outputs=[LiteralOutput("said", "Said", data_type="string")],
            store_supported=True,
            status_supported=True,
        )

    def _handler(self, request: Any, response: Any) -> Any:
        command = [*self._command, request.inputs["message"][0].data]
        done = subprocess.run(command, cwd=self.workdir, capture_output=True, text=True, check=True)
        response.outputs["said"].data = done.stdout
        return response


processes = [Command("say", ["echo"]), Command("slow", ["sh", "-c", "sleep 0.5; echo $0"])]
processes += [Command(f"echo-{number:04}", ["echo"]) for number in range(NUMBER)]
application = SharedDataMiddleware(Service(processes, [str(HOME / "pywps.cfg")]), {"/outputs": str(HOME / "outputs")})
