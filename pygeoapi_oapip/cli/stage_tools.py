"""Whether the stage tools of a configuration can be used: asked before a server starts, in a process of its own, as
cwltool takes much memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ..errors import ConfigurationError
from .configuration import Configuration, read_configuration
from .failures import CommandError, ExitCode


def require_stage_tools(configuration: Configuration) -> None:
    """Raises CommandError: a tool of `staging.wrap` cannot be used; says which and why."""
    if not configuration.settings.staging.wrap.names_tools:
        return
    command = [sys.executable, "-P", "-m", __name__, str(configuration.path)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(f"{configuration.path}: {(done.stdout or done.stderr).strip()}", ExitCode.USAGE)


def main() -> int:
    """Print what is wrong with the tools of the configuration that the first argument names."""
    from ..staging.wrap import wrapping

    try:
        wrapping(read_configuration(Path(sys.argv[1])).settings)
    except ConfigurationError as error:
        print(error)
        return int(ExitCode.USAGE)
    return int(ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main())
