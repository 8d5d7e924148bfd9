"""What a built-in process is, and how its inputs reach it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from ...model.json import JSON, JSONObject
from ...model.process import Process
from ...model.value import OutputValue


@dataclass(frozen=True, slots=True)
class Item:
    """One value of an input, read from a job order of `packages.plainorder`."""

    value: JSON
    """By value; None where the value is a file."""
    media_type: str
    encoding: str
    location: str
    """URL of the file, staged or not; "" for a value."""
    name: str = ""
    """Name of a staged file."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a run does, known as soon as it starts."""

    seconds: float = 0.0
    """How long it takes."""
    failure: str = ""
    """Not "": it fails with this message at its end."""
    log: Sequence[str] = ()


class Program(Protocol):
    """A built-in process: its description, and what it does with a job order."""

    @property
    def process(self) -> Process:
        """The description; its `engine` is the name of this engine, and it has no package."""
        ...

    def check(self, order: JSONObject) -> None:
        """Refuse inputs that it cannot take, before a job exists; references are not staged. Raises InvalidInputs."""
        ...

    def course(self, order: JSONObject) -> Course:
        """How the run will go. Raises as `outputs`."""
        ...

    def outputs(self, order: JSONObject, folder: Path) -> Mapping[str, OutputValue]:
        """Make the outputs; may be called again.

        Args:
            order: the inputs; references are files of this machine.
            folder: the job's workspace; files go below `outputs`.

        Raises:
            OapipError: the inputs do not fit after all (the content behind a reference); the run fails with it.
        """
        ...


def items_of(entry: JSON) -> Iterator[Item]:
    """The values of one input of a job order: several where the input was given as an array of values."""
    row = cast(JSONObject, entry)
    if "many" in row:
        for part in cast("list[JSON]", row["many"]):
            yield from items_of(part)
        return
    media_type = str(row.get("type") or "")
    if "file" in row:
        file = cast(JSONObject, row["file"])
        yield Item(None, media_type, "", str(file["location"]), str(file.get("basename") or ""))
    elif "href" in row:
        yield Item(None, media_type, "", str(row["href"]))
    elif "value" in row:  # else it is the output of a nested process, not known before that has run
        yield Item(row["value"], media_type, str(row.get("encoding") or ""), "")


def is_many(entry: JSON) -> bool:
    """Whether an input was given as an array of values, each of which fits its schema."""
    return "many" in cast(JSONObject, entry)
