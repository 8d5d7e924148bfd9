"""Secrets of a job: in this pod as files, in the pods of its steps by references to the job's Secret.

The input object has placeholders. cwltool carries them along; here they are put in at the last moment, and never into
a pod's specification: a variable of the environment is read from the Secret, an argument from such a variable.
"""

from __future__ import annotations

import os
from typing import Any

_VARIABLE = "OAPIP_SECRET_%d"


class Sealed:
    """The secrets of one job.

    Args:
        given: `name` of the Secret, `folder` of this pod where it is mounted, and `keys` by placeholder; None where the
            job has none.
    """

    def __init__(self, given: dict[str, Any] | None) -> None:
        given = given or {"name": "", "folder": "", "keys": {}}
        self.name = str(given["name"])
        self.keys = {str(mark): str(key) for mark, key in given["keys"].items()}
        self.folder = str(given["folder"])
        self.variables = {mark: _VARIABLE % index for index, mark in enumerate(sorted(self.keys))}

    def store(self) -> Any:
        """What cwltool asks for secrets; it writes them into files that a tool wants to have. Raises OSError."""
        from cwltool.secrets import SecretStore

        class Store(SecretStore):  # type: ignore[misc,unused-ignore]
            """Of a job whose input object has all its placeholders."""

            def store(self, secrets: Any, job: Any) -> None:
                """Nothing. cwltool's own would refuse a declared input that is no text."""

        made: Any = Store()
        for mark, key in self.keys.items():
            with open(os.path.join(self.folder, key), encoding="utf-8", newline="") as file:
                made.secrets[mark] = file.read()
        return made

    def place(self, container: dict[str, Any]) -> None:
        """Put references into the container of a step, whose `$` are doubled already."""
        used: set[str] = set()
        for variable in container.get("env", []):
            mark = variable.get("value")
            if mark in self.keys:
                del variable["value"]
                variable["valueFrom"] = self._reference(mark)
            elif mark is not None:
                variable["value"] = self._replaced(mark, "$(%s)", used)
        # Calrissian has put each argument with brackets into single quotes, for a shell
        for name in ("command", "args"):
            container[name] = [self._replaced(text, "'\"$$%s\"'", used) for text in container.get(name, [])]
        more = [{"name": self.variables[mark], "valueFrom": self._reference(mark)} for mark in sorted(used)]
        container["env"] = more + container.get("env", [])

    def _replaced(self, text: str, form: str, used: set[str]) -> str:
        for mark, variable in self.variables.items():
            if mark in text:
                used.add(mark)
                text = text.replace(mark, form % variable)
        return text

    def _reference(self, mark: str) -> Any:
        return {"secretKeyRef": {"name": self.name, "key": self.keys[mark]}}


def install(sealed: Sealed) -> None:
    """Give cwltool the secrets, and remove the files that it has made with them as soon as a tool has ended."""
    from calrissian import job
    from calrissian import main as calrissian_main

    store = sealed.store()
    base: Any = calrissian_main.CalrissianRuntimeContext
    finish = job.CalrissianCommandLineJob.finish

    class Context(base):  # type: ignore[misc,unused-ignore]
        """Knows the secrets."""

        def __init__(self, kwargs: Any = None) -> None:
            super().__init__(kwargs)
            self.secret_store = store

    def finished(self: Any, *more: Any, **named: Any) -> Any:
        for path in written(self, store):
            if os.path.exists(path):
                os.unlink(path)
        return finish(self, *more, **named)

    calrissian_main.CalrissianRuntimeContext = Context
    job.CalrissianCommandLineJob.finish = finished


def written(step: Any, store: Any) -> list[str]:
    """The files with secrets that cwltool has made for a tool in its folder of outputs."""
    entries = [] if step.generatemapper is None else [entry for _, entry in step.generatemapper.items()]
    start = step.builder.outdir + "/"
    return [
        os.path.join(step.outdir, entry.target[len(start) :])
        for entry in entries
        if entry.type in ("CreateFile", "CreateWritableFile")
        and entry.target.startswith(start)
        and store.has_secret(entry.resolved)
    ]
