"""Secrets of a run: kept in the memory of its child, put in where cwltool starts a tool, shown nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from cwl_utils.types import CWLObjectType
from cwltool.process import Process, shortname
from cwltool.secrets import SecretStore

from .. import secrets

_DECLARED = "http://commonwl.org/cwltool#Secrets"


class Secrets(SecretStore):
    """Of one run.

    Args:
        tool: that runs; inputs that it declares to be secret (`cwltool:Secrets`) are.
        order: its input object; their values become placeholders.
        file: placeholders in `order` and what they stand for (`engines.secrets`); read now, and removed.

    Raises:
        OSError: the file cannot be read.
    """

    def __init__(self, tool: Process, order: CWLObjectType, file: Path | None) -> None:
        super().__init__()
        if file is not None:
            self.secrets.update(secrets.take(file))
        declared = tool.get_requirement(_DECLARED)[0]
        names = [shortname(name) for name in cast("list[str]", declared["secrets"])] if declared else []
        for name in names:
            value = order.get(name)
            if isinstance(value, str) and value and value not in self.secrets:
                order[name] = self.add(value)

    def hide(self, show: Callable[[str], str]) -> Callable[[str], str]:
        """`show`, for texts that may hold a secret."""
        values = sorted(filter(None, self.secrets.values()), key=len, reverse=True)

        def hidden(text: str) -> str:
            for value in values:
                text = text.replace(value, "(secret)")
            return show(text)

        return hidden
