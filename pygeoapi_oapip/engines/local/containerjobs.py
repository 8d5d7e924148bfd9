"""Tools in containers: cwltool's jobs, with a label that finds their containers again, and with images by name only."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

from cwltool.context import RuntimeContext
from cwltool.docker import DockerCommandLineJob, PodmanCommandLineJob
from cwltool.errors import WorkflowException
from cwltool.job import JobBase
from cwltool.secrets import SecretStore

from .containers import label

if TYPE_CHECKING:
    _Base = DockerCommandLineJob
else:
    _Base = object


_log = logging.getLogger("cwltool")  # all that it says is the job's log


class ImageUnavailable(WorkflowException):
    """The image of a tool cannot be had; says why."""


class _Contained(_Base):
    """What both kinds of jobs have in common."""

    def create_runtime(
        self, env: MutableMapping[str, str], runtimeContext: RuntimeContext
    ) -> tuple[list[str], str | None]:
        """The command that runs the container, with labels of the job and of this one tool."""
        runtime, cidfile = super().create_runtime(env, runtimeContext)
        if runtimeContext.secret_store is not None:
            runtime = [by_environment(part, env, runtimeContext.secret_store) for part in runtime]
        labels = (label("job", Path(str(runtimeContext.basedir))), label("tool", Path(self.outdir)))
        return [*runtime, *(f"--label={mark}" for mark in labels)], cidfile

    def get_image(
        self, docker_requirement: dict[str, str], pull_image: bool, force_pull: bool, tmp_outdir_prefix: str
    ) -> bool:
        """True once the image is there, pulled or built where it was not.

        Raises:
            ImageUnavailable: with what the container engine says.
        """
        for field in ("dockerLoad", "dockerImport"):  # cwltool would read any address or file of this machine
            if field in docker_requirement:
                raise ImageUnavailable(f"{field} of DockerRequirement is not supported; use dockerPull.")
        pulled = docker_requirement.get("dockerPull", "")
        name = docker_requirement.get("dockerImageId", pulled)
        if not name:
            raise ImageUnavailable("DockerRequirement names no image: it has neither dockerPull nor dockerImageId.")
        try:
            if super().get_image(docker_requirement, False, force_pull, tmp_outdir_prefix):
                return True
            if pull_image and pulled:
                _log.info("[job %s] pulling the image %s", self.name, pulled)
                subprocess.run([self.docker_exec, "pull", pulled], capture_output=True, text=True, check=True)
                return True
        except (subprocess.CalledProcessError, OSError) as error:
            raise ImageUnavailable(f"The container image {name} is not available{_words(error)}") from error
        raise ImageUnavailable(f"The container image {name} is not on this server, and nothing says where to get it.")

    def docker_monitor(
        self,
        cidfile: str,
        tmpdir_prefix: str,
        cleanup_cidfile: bool,
        docker_exe: str,
        process: subprocess.Popen[str],
    ) -> None:
        """Nothing: cwltool's own would look at the container's memory once a second, and end a second late."""


def by_environment(part: str, env: MutableMapping[str, str], store: SecretStore) -> str:
    """A part of the command line of a container engine; a variable with a secret gets its value by the environment of
    that command, which others cannot see.

    Args:
        part: such as `--env=NAME=VALUE`.
        env: of the command; cwltool puts secrets in when it starts the command.
        store: knows placeholders.
    """
    name, _, value = part.removeprefix("--env=").partition("=")
    if not part.startswith("--env=") or not store.has_secret(value):
        return part
    env[name] = value
    return f"--env={name}"


class LabelledDockerJob(_Contained, DockerCommandLineJob):
    """A tool in docker."""


class LabelledPodmanJob(_Contained, PodmanCommandLineJob):
    """A tool in podman."""


def labelled(kind: type[JobBase]) -> type[JobBase]:
    """The class of this module that stands for one of cwltool's."""
    own: dict[type[JobBase], type[JobBase]] = {
        DockerCommandLineJob: LabelledDockerJob,
        PodmanCommandLineJob: LabelledPodmanJob,
    }
    return own.get(kind, kind)


def _words(error: Exception) -> str:
    said = getattr(error, "stderr", None) or ""
    last = [line.strip() for line in said.splitlines() if line.strip()][-1:]
    return f": {last[0]}" if last else "."
