"""What holds for all tests."""

from __future__ import annotations

from contextlib import suppress

# the environments of the tools need not have it
with suppress(ModuleNotFoundError):
    from hypothesis import HealthCheck, settings

    # the same examples in each run, and no failure because a machine is slow
    settings.register_profile(
        "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
    )
    settings.load_profile("steady")
