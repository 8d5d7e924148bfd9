"""Texts of others on a terminal: what a log, a title or a message holds can change nothing but what is read.

Escape sequences of terminals move the cursor, rename the window or answer as if somebody typed; marks of direction show
a text as another one. They are escaped wherever the text goes, also into a file or pipe: it may be shown later.
"""

from __future__ import annotations

import json
import re
from typing import Any

import click

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What ends a line or changes how a terminal shows it, also by the direction of the text."""
_BUT_LINES = re.compile(CONTROL.pattern.replace(r"\x00-\x1f", r"\x00-\x08\x0b-\x1f"))
_IN_JSON = re.compile(CONTROL.pattern.replace(r"\x00-\x1f", ""))


def one_line(text: str) -> str:
    """A text with all of `CONTROL` escaped as in Python (`\\x1b`), also line feeds and tabs."""
    return CONTROL.sub(_escaped, text)


def plain(text: str) -> str:
    """The same, where line feeds and tabs stay."""
    return _BUT_LINES.sub(_escaped, text.replace("\r\n", "\n"))


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Write a text of others, `plain`, to stdout or stderr."""
    click.echo(plain(text), err=err, nl=nl)


def say_json(document: Any) -> None:
    """Write a document as JSON, whose own escapes stand for all of `CONTROL`."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    click.echo(_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
