from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from pygeoapi_oapip.store.lease import LeaseOwner


def test_owner_survives_storage() -> None:
    owner = LeaseOwner.here()
    assert LeaseOwner.parse(str(owner)) == owner


def test_living_owner_is_not_dead() -> None:
    assert not LeaseOwner.here().is_dead()


def test_ended_process_is_dead() -> None:
    code = "from pygeoapi_oapip.store.lease import LeaseOwner; print(LeaseOwner.here())"
    text = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    owner = LeaseOwner.parse(text)
    assert owner is not None
    assert owner.is_dead()


def test_reused_process_id_and_other_boot_are_dead() -> None:
    assert replace(LeaseOwner.here(), start="1").is_dead()
    assert replace(LeaseOwner.here(), boot="other").is_dead()


def test_nothing_is_known_of_other_hosts() -> None:
    assert not replace(LeaseOwner.here(), host="elsewhere", pid=1, start="1").is_dead()


@pytest.mark.parametrize("text", ["", "a/b", "a/b/c/d/e", "worker-1"])
def test_other_names_are_not_parsed(text: str) -> None:
    assert LeaseOwner.parse(text) is None
