"""Identifiers in paths: those that nothing can have never reach a store."""

from __future__ import annotations

from ..errors import OapipError

LONGEST = 255
"""Characters of an identifier in a path."""


def checked(identifier: str, missing: type[OapipError]) -> str:
    """The identifier, if something could have it.

    Args:
        identifier: one segment of a path, percent-decoded.
        missing: what is raised otherwise: what is too long or holds control characters does not exist.
    """
    if len(identifier) > LONGEST or not identifier.isprintable():
        raise missing("nothing has this identifier")
    return identifier
