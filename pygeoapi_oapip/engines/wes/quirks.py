"""What is particular to one WES server: all of it is in the table below, and nothing of it elsewhere.

Toil: measured with 9.3.0 and 9.6.0; its server is `toil/server/wes/` (https://github.com/DataBiosphere/toil).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a server differs from what the specification says."""

    batch_system: str = ""
    """Engine parameter that chooses the batch system; "" where there is none."""
    retries: str = ""
    """Engine parameter for the number of retries of a step."""
    any_file_names: str = ""
    """Engine parameter that takes files whose names have characters such as spaces."""
    destination: str = ""
    """Engine parameter for the bucket (and prefix) that results are put in."""
    log_line: re.Pattern[str] | None = None
    """A line of the run's log, with the groups time, level, source and text; other lines are raw."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """Words for levels in such lines."""
    step_separator: str = ""
    """Task names are `WORKFLOW<sep>STEP<sep>TOOL`; "": they are step names."""
    internal_task: re.Pattern[str] | None = None
    """Names of tasks that are no steps of the workflow."""
    stdout_is_outputs: bool = False
    """True: the run's standard output is the CWL output object, so it is no log."""


STANDARD = Quirks()
"""GA4GH WES 1.0 and 1.1 as specified."""

TOIL = Quirks(
    batch_system="--batchSystem",
    retries="--retryCount",
    any_file_names="--relax-path-checks",
    destination="--destBucket",
    log_line=re.compile(
        r"\t*\[(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4})\] \[[^\]]*\] "
        r"\[(?P<level>[A-Z])\] \[(?P<source>[^\]]*)\] (?P<text>.*)"
    ),
    levels={"D": "DEBUG", "I": "INFO", "W": "WARNING", "E": "ERROR", "C": "ERROR"},
    step_separator=".",
    internal_task=re.compile(r"(?:.*\.)?_[^.]*|[^.]*"),
    stdout_is_outputs=True,
)

TABLE: Mapping[str, Quirks] = {"toil": TOIL, "standard": STANDARD}
"""By the setting `server`, and by the keys of `workflow_engine_versions` in the service-info."""
