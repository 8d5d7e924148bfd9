"""The `oapip` command: run a server, look after it, and use any OGC API - Processes server from a terminal."""

from __future__ import annotations

import click

from .. import __version__
from .administration import check, db, engines, init, reap, worker
from .jobs import dismiss, execute, jobs, logs, results, status
from .processes import deploy, describe, processes, undeploy
from .runner import cwl_runner
from .serve import serve

COMMANDS = {
    "Server": (serve, worker, init, check, engines, db, reap),
    "Processes": (deploy, processes, describe, undeploy),
    "Jobs": (execute, jobs, status, logs, results, dismiss, cwl_runner),
}


class _Sections(click.Group):
    """A group whose help lists the commands by what they are about."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, commands in COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl([(c.name or "", c.get_short_help_str(90)) for c in commands])


@click.group(cls=_Sections, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="oapip")
def main() -> None:
    """Run an OGC API - Processes server, or use one.

    Commands about processes and jobs speak to --server, else to OAPIP_SERVER, else to http://localhost:5000.

    Exit codes: 0 done; 1 refused, or the job failed; 2 wrong use; 3 the server cannot be reached.
    """


for _commands in COMMANDS.values():
    for _command in _commands:
        main.add_command(_command)
