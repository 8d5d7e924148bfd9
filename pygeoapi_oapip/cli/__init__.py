"""The `oapip` command: run a server, look after it, and use any OGC API - Processes server from a terminal."""

from __future__ import annotations

from importlib import import_module
from typing import cast

import click

from .. import __version__

COMMANDS = {
    "Server": {
        "serve": "serve",
        "worker": "administration",
        "init": "administration",
        "check": "administration",
        "engines": "administration",
        "db": "administration",
        "reap": "administration",
        "unlock": "administration",
        "passwd": "passwords",
        "audit": "audit",
    },
    "Who you are": {
        "login": "login",
        "logout": "login",
        "share": "login",
    },
    "Processes": {
        "deploy": "processes",
        "processes": "processes",
        "describe": "processes",
        "undeploy": "processes",
    },
    "Jobs": {
        "execute": "jobs",
        "jobs": "jobs",
        "status": "jobs",
        "logs": "jobs",
        "results": "jobs",
        "dismiss": "jobs",
        "cwl-runner": "runner",
    },
}
"""Heading -> command -> module. A command is imported when it is called: the server's own processes stay small."""


class _Sections(click.Group):
    """A group whose help lists the commands by what they are about."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for commands in COMMANDS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for commands in COMMANDS.values():
            if cmd_name in commands:
                module = import_module(f".{commands[cmd_name]}", __package__)
                return cast(click.Command, getattr(module, cmd_name.replace("-", "_")))
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, commands in COMMANDS.items():
            found = [(name, self.get_command(ctx, name)) for name in commands]
            with formatter.section(heading):
                formatter.write_dl([(name, c.get_short_help_str(90)) for name, c in found if c])


@click.group(cls=_Sections, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="oapip")
def main() -> None:
    """Run an OGC API - Processes server, or use one.

    Commands about processes and jobs speak to --server, else to OAPIP_SERVER, else to http://localhost:5000.

    Exit codes: 0 done; 1 refused, or the job failed; 2 wrong use; 3 the server cannot be reached.
    """
