"""Documents of a server as text: tables and progress for people, plain lines where there is no terminal."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .plain import one_line, say, say_json

if TYPE_CHECKING:
    from rich.console import Console

Document = Mapping[str, Any]
STYLES = {"successful": "green", "failed": "red", "dismissed": "yellow", "running": "cyan", "accepted": "blue"}


def console(stderr: bool = False) -> Console:
    """A console on stdout or stderr as they are now."""
    from rich.console import Console

    return Console(file=sys.stderr if stderr else sys.stdout, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    """Write a document as JSON."""
    say_json(document)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    """Write rows: a table on a terminal, else lines with tabs; `nothing` where there are no rows."""
    if not rows:
        say(nothing, err=True)
    elif not sys.stdout.isatty():
        for row in rows:
            say("\t".join(one_line(cell) for cell in row))
    else:
        from rich.table import Table

        table = Table(*columns, box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*(styled(cell) for cell in row))
        console().print(table)


def styled(status: str) -> str:
    """A status word in its colour (rich markup); other text as it is, with no markup in it."""
    if status in STYLES:
        return f"[{STYLES[status]}]{status}[/]"
    return one_line(status).replace("[", "\\[")


def print_process(process: Document) -> None:
    """Write a process description."""
    say(f"{process.get('id')} {process.get('version', '')}".rstrip())
    if process.get("title"):
        say(f"  {one_line(str(process['title']))}")
    if process.get("description"):
        say(textwrap.indent(str(process["description"]).strip(), "  "))
    say(f"  jobs: {', '.join(process.get('jobControlOptions', [])) or 'sync-execute'}")
    for heading in ("inputs", "outputs"):
        described = process.get(heading) or {}
        say(f"  {heading}:" + ("" if described else " none"))
        for name, item in described.items():
            say("    " + _described(name, item))


def _described(name: str, item: Document) -> str:
    schema = item.get("schema") or {}
    text = f"{name}: {kind(schema)}" + ("[]" if item.get("maxOccurs", 1) != 1 else "")
    if item.get("minOccurs") == 0:
        text += f" = {json.dumps(schema['default'])}" if "default" in schema else " (optional)"
    title = item.get("title") or ""
    return text + (f"   {title}" if title and title != name else "")


def kind(schema: Document) -> str:
    """A JSON Schema in a few words, such as `number[]` or `file (image/tiff)`."""
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "contentMediaType" in schema or "contentEncoding" in schema:
        media_type = schema.get("contentMediaType", "")
        return f"file ({media_type})" if media_type else "file"
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(kind(part) for part in schema[key]))
    if schema.get("type") == "array":
        return f"{kind(schema.get('items') or {})}[]"
    return str(schema.get("format") or schema.get("type") or "any")


def print_status(status: Document) -> None:
    """Write the status of a job."""
    say(f"{status.get('jobID')}  {status.get('status')}  {status.get('progress', 0)} %")
    for key in ("processID", "message", "created", "started", "finished"):
        if status.get(key):
            say(f"  {key}: {status[key]}")


def duration(status: Document) -> str:
    """The time that a job ran, as `12.3 s`; "" where it has not ended."""
    try:
        began = datetime.fromisoformat(str(status.get("started") or status["created"]))
        return f"{(datetime.fromisoformat(str(status['finished'])) - began).total_seconds():.1f} s"
    except (KeyError, ValueError):
        return ""


@contextmanager
def watching(title: str) -> Iterator[Callable[[Document], None]]:
    """Show the statuses of a job on stderr: one bar on a terminal, else a line for each change."""
    if not sys.stderr.isatty():
        yield _lines(title)
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[message]}"),
        console=console(stderr=True),
    )
    with bar:
        task = bar.add_task(title, total=100, message="")

        def show(status: Document) -> None:
            word = str(status.get("status"))
            done = 100 if word == "successful" else status.get("progress") or 0
            message = styled(str(status.get("message") or "").partition("\n")[0][:80])
            bar.update(task, completed=done, description=f"{title} {styled(word)}", message=message)

        yield show


def _lines(title: str) -> Callable[[Document], None]:
    last: list[tuple[Any, ...]] = []

    def show(status: Document) -> None:
        line = (status.get("status"), status.get("progress"), status.get("message"))
        if line not in last:
            last[:] = [line]
            message = str(line[2] or "").partition("\n")[0]
            say(f"{title} {line[0]} {line[1] or 0} % {message}".rstrip(), err=True)

    return show


def size(count: int) -> str:
    """A number of bytes for people."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
