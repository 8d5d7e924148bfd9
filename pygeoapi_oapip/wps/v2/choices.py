"""Parameters that have one of a few words."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from ..faults import InvalidParameter, MissingParameter

Words = TypeVar("Words", bound=StrEnum)


def choice(value: str, name: str, words: type[Words]) -> Words:
    """The word that a value is.

    Args:
        value: as the request has it.
        name: of the parameter.
        words: that are allowed.

    Raises:
        MissingParameter: the value is "".
        InvalidParameter: it is another word.
    """
    known = ", ".join(word.value for word in words)
    if not value:
        raise MissingParameter(f"{name} is missing (one of {known})", location=name)
    try:
        return words(value)
    except ValueError:
        raise InvalidParameter(f"{name} must be one of {known} (is {value[:60]!r})", location=name) from None
