"""How a command ends: exit codes, and errors as one line for people."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from http import HTTPStatus
from typing import IO, Any

import click

from .plain import plain


class ExitCode(IntEnum):
    """What a command tells the shell (docs/cli.md)."""

    DONE = 0
    FAILED = 1
    """the server refused, or the job failed or was dismissed"""
    USAGE = 2
    """wrong options, files or configuration"""
    UNREACHABLE = 3
    """no answer from the server"""
    UNSUPPORTED = 33
    """`cwl-runner` only: the server cannot run this document (as cwltest expects it)"""


class CommandError(click.ClickException):
    """Ends the command with one line on stderr and an exit code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        vars(self)["exit_code"] = int(code)  # click declares it for the class; here it differs by error

    def show(self, file: IO[Any] | None = None) -> None:
        """Write `oapip: message` to stderr."""
        click.echo(plain(f"oapip: {self.message}"), file=file, err=file is None)


class Refused(CommandError):
    """The server answered with an error."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "error"
        title = str(problem.get("title") or phrase)
        detail = str(problem.get("detail") or problem.get("description") or "")
        super().__init__(f"{title} ({status})" + (f": {detail}" if detail else ""))


class Unreachable(CommandError):
    """There is no server at the address, or it does not speak HTTP as expected."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.UNREACHABLE)
