"""Every package has the same results on Toil as in the local engine, value by value."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..same_results import Both, in_both
from .engine_bench import EngineBench, wes_settings
from .packages import SAMPLES
from .toil import ToilServer


@pytest.fixture(scope="module")
def both(request: pytest.FixtureRequest, toil: ToilServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    with in_both(request, folder / "local", EngineBench(folder / "wes", wes_settings(toil))) as both:
        yield both


@pytest.mark.parametrize("name", SAMPLES)
def test_a_package_has_the_same_results_on_toil_as_in_the_local_engine(both: Both, name: str) -> None:
    both.compare(name)
