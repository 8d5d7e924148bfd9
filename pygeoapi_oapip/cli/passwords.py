"""`oapip passwd`: names and passwords of `auth: {type: basic}`."""

from __future__ import annotations

from pathlib import Path

import click

from ..auth.passwords import SHORTEST, Account, hash_password, read_accounts, write_account
from ..errors import ConfigurationError
from ..model.identity import Role, is_name
from .failures import CommandError, ExitCode

_ROLES = [role.value for role in Role]


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@click.argument("name", metavar="NAME")
@click.option("--role", "roles", multiple=True, type=click.Choice(_ROLES), help="A role beside the default ones.")
@click.option("--group", "groups", multiple=True, metavar="GROUP", help="A group that the user is in.")
@click.password_option(
    "--password", envvar="OAPIP_NEW_PASSWORD", help="The password (asked for, or OAPIP_NEW_PASSWORD)."
)
def passwd(file: Path, name: str, roles: tuple[str, ...], groups: tuple[str, ...], password: str) -> None:
    """Put a user into the password file, or change one.

    The file is made where it is not there. A running server sees the change at once.
    """
    for text in (name, *groups):
        if not is_name(text) or set(text) & set(":,#"):
            raise CommandError(f"{text!r} cannot be the name of a user or group", ExitCode.USAGE)
    if len(password) < SHORTEST:
        raise CommandError(f"the password is too short (at least {SHORTEST} characters)", ExitCode.USAGE)
    try:
        if file.exists():
            read_accounts(file)
        write_account(file, Account(name, hash_password(password), frozenset(roles), frozenset(groups)))
    except ConfigurationError as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}", ExitCode.USAGE) from None
    click.echo(f"{name} is in {file}")
