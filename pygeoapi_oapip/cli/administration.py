"""Commands of the administrator: init, worker, db, check, engines, reap, unlock."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import ConfigurationError, OapipError, Unavailable
from .configuration import Configuration, find_configuration
from .failures import CommandError, ExitCode
from .lifetime import end_with_parent, stop_on_signals
from .logformat import LEVELS, start_logging
from .plain import say
from .printing import print_process, print_table

if TYPE_CHECKING:
    from ..wiring import Wired

ENGINES_WAIT = 20.0
"""Seconds that `oapip engines` waits for answers."""

DRY_RUN = 10_000
"""Jobs of each kind that `oapip reap --dry-run` tells at most."""

config_option = click.option(
    "--config", "file", type=click.Path(path_type=Path), metavar="FILE", help="pygeoapi configuration."
)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write a commented configuration and an example package into DIR."""
    with as_file(files(__package__).joinpath("examples")) as examples:
        for source in sorted(path for path in examples.rglob("*") if path.is_file()):
            target = folder / source.relative_to(examples)
            if target.exists():
                raise CommandError(f"{target} is there already; nothing more was written", ExitCode.USAGE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            click.echo(target)
    click.echo(f"\nStart it with:  cd {folder} && oapip serve --config pygeoapi-config.yml", err=True)


@click.command()
@config_option
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
def worker(file: Path | None, log_level: str) -> None:
    """Move jobs on until SIGTERM or Ctrl-C, without serving HTTP. `oapip serve` runs one of these itself."""
    end_with_parent()
    stop = stop_on_signals()
    start_logging(log_level)
    gc.disable()  # as in the web processes: what is loaded now stays
    with _wired(find_configuration(file)) as wired:
        gc.enable()
        gc.freeze()
        wired.run_worker(stop)
        for engine in wired.engines.values():
            leave = getattr(engine, "quit", None)  # a helper process that the engine keeps; jobs go on without it
            if leave is not None:
                leave()


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@config_option
def upgrade(file: Path | None) -> None:
    """Make or update the tables (the server does it too when it starts)."""
    configuration = find_configuration(file)
    from ..store.database import Database
    from ..store.migrations import upgrade as upgrade_tables

    settings = configuration.settings
    with explained():
        upgrade_tables(Database(settings.connection, settings.connection_password))
    click.echo("the database is up to date")


@click.command()
@click.argument("package", type=click.Path(path_type=Path))
@click.option("--entry", metavar="ID", help="Entry point, where the package holds several processes.")
def check(package: Path, entry: str | None) -> None:
    """Check an application package without a server.

    Shows the process that it becomes.

    PACKAGE is a CWL document, or PACKAGE#ENTRY. Exit code 1 if it is not valid.
    """
    from ..ogcapi.documents import description
    from ..ogcapi.links import Links
    from ..packages.describe import describe
    from ..packages.load import load_local_package

    name, _, fragment = str(package).partition("#")
    with explained(f"{name}: "):
        loaded = load_local_package(Path(name), entry or fragment or None)
        print_process(description(describe(loaded, address=name), Links("")))
    for needed, what in ((loaded.requires_container, "a container engine"), (loaded.requires_javascript, "JavaScript")):
        if needed:
            say(f"  needs: {what}")


@click.command()
@config_option
def engines(file: Path | None) -> None:
    """List the engines, and whether each one works."""
    from ..health import examine

    with _wired(find_configuration(file)) as wired:
        states = examine(wired.engines, ENGINES_WAIT)
        rows = []
        for name, block in wired.settings.engines.items():
            default = "default" if name == wired.settings.default_engine else ""
            state = states.get(name)
            words = "works" if state is None or state.ok else "does not work"
            rows.append([name, block.type, words, default, state.detail if state else ""])
    print_table(("engine", "type", "state", "", "detail"), rows, "no engines")


@click.command()
@click.option("--dry-run", is_flag=True, help="Only tell which jobs would be removed, and why.")
@config_option
def reap(file: Path | None, dry_run: bool) -> None:
    """Free the jobs of processes that died, and remove expired jobs (`retention`) and what ended jobs have left in
    a cluster.

    Workers do the first two, all the time.
    """
    with _wired(find_configuration(file)) as wired:
        if dry_run:
            _tell_expired(wired)
            return
        owners, expired, freed = wired.reap()
    click.echo(f"{owners} dead processes, {expired} expired jobs removed, {freed} runs freed")


def _tell_expired(wired: Wired) -> None:
    rows = [
        [found.job_id, found.owner, f"{found.finished:%Y-%m-%d %H:%M:%S}" if found.finished else "", str(found.size)]
        + [found.reason]
        for found in wired.upkeep.expired(DRY_RUN)
    ]
    rows += [[job.id, job.owner, "", "0", "created and never started"] for job in wired.upkeep.forgotten()]
    print_table(("job", "user", "finished (UTC)", "bytes", "because"), rows, "no job would be removed")


@click.command()
@click.argument("process_id", metavar="ID")
@click.option("--owner", metavar="USER", help="Whose process, where several users have one of this id.")
@config_option
def unlock(process_id: str, owner: str | None, file: Path | None) -> None:
    """Let a process that was deployed with `mutable: false` be changed again.

    Over HTTP nobody can replace or undeploy it. This works on the database of the server, also while it runs.
    """
    from dataclasses import replace

    from ..model.identity import EVERYTHING
    from ..model.process import Source
    from ..store.sql import SqlProcessStore

    with _wired(find_configuration(file)) as wired:
        processes = SqlProcessStore(wired.database)
        process = processes.get(process_id, EVERYTHING, owner=owner)
        if process.source is not Source.DEPLOYED:
            raise CommandError(f"{process_id} is no deployed process ({process.source})")
        if process.locked:
            processes.replace(replace(process, locked=False), process.revision)
    click.echo(f"{process_id} can be changed")


@contextmanager
def _wired(configuration: Configuration) -> Iterator[Wired]:
    """The parts of the server, closed at the end.

    Raises:
        CommandError: they cannot be made, or an operation failed.
    """
    from ..wiring import wire

    os.environ["PYGEOAPI_CONFIG"] = str(configuration.path)
    with explained():
        wired = wire(configuration.document)
        try:
            yield wired
        finally:
            wired.close()


@contextmanager
def explained(prefix: str = "") -> Iterator[None]:
    """Errors of the server's own code as those of a command. Raises CommandError."""
    try:
        yield
    except ConfigurationError as error:
        raise CommandError(f"{prefix}{error}", ExitCode.USAGE) from None
    except Unavailable as error:
        raise CommandError(f"{prefix}{error.detail}", ExitCode.UNREACHABLE) from None
    except OapipError as error:
        raise CommandError(f"{prefix}{error.detail}") from None
