"""The server's own processes beside those of the administrator and of users."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pygeoapi_oapip.catalogue import Catalogue, Entry, folder_entries
from pygeoapi_oapip.engines.registry import builtin_processes
from pygeoapi_oapip.errors import UnresolvableReference
from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.model.process import Process, Source
from pygeoapi_oapip.settings import OWN_PROCESSES
from pygeoapi_oapip.store.memory import MemoryProcessStore

PACKAGE = "cwlVersion: v1.2\nclass: CommandLineTool\nid: echo\nbaseCommand: 'true'\ninputs: {}\noutputs: {}\n"


class Site:
    """A store, and one catalogue after the other over it, as a server is started anew."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.packages = home / "packages"
        self.packages.mkdir()
        self.configured: list[Entry] = []
        self.store = MemoryProcessStore()

    def start(self, *builtin: Process) -> Catalogue:
        def fetch(url: str) -> bytes:
            raise UnresolvableReference(url)

        def entries() -> list[Entry]:
            return [*self.configured, *folder_entries((self.packages,))]

        catalogue = Catalogue(self.store, self.home / "state", fetch, entries, 10**6, builtin)
        catalogue.refresh()
        return catalogue

    def echo(self) -> Process:
        return self.store.get("echo", EVERYTHING)

    def ids(self) -> list[str]:
        return [process.id for process in self.store.list(100, 0, EVERYTHING).processes]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def own() -> tuple[Process, ...]:
    return builtin_processes(("echo",))


def test_all_of_the_settings_are_there(site: Site) -> None:
    site.start(*builtin_processes(OWN_PROCESSES))
    assert site.ids() == list(OWN_PROCESSES)


def test_they_are_there_and_immutable(site: Site, own: tuple[Process, ...]) -> None:
    catalogue = site.start(*own)
    assert (site.echo().source, site.echo().mutable, site.echo().package) == (Source.BUILTIN, False, None)
    catalogue.refresh()
    assert site.echo().revision == 1
    assert site.start(*own).broken() == {}
    assert site.echo().revision == 1


def test_switched_off_they_are_gone_and_can_come_back(site: Site, own: tuple[Process, ...]) -> None:
    site.start(*own)
    site.start()
    assert site.ids() == []
    site.start(*own)
    assert site.ids() == ["echo"]


def test_new_description_is_a_new_revision(site: Site, own: tuple[Process, ...]) -> None:
    site.start(*own)
    site.start(*(replace(process, version="2.0.0") for process in own))
    assert (site.echo().revision, site.echo().version) == (2, "2.0.0")


@pytest.mark.parametrize("source", [Source.CONFIGURED, Source.FOLDER])
def test_package_of_the_administrator_stands_before_them(site: Site, own: tuple[Process, ...], source: Source) -> None:
    catalogue = site.start(*own)
    path = (site.packages if source is Source.FOLDER else site.home) / "echo.cwl"
    path.write_text(PACKAGE)
    if source is Source.CONFIGURED:
        site.configured.append(Entry("echo", source, str(path)))
    for _ in range(2):
        catalogue.refresh()
        assert (site.echo().source, site.echo().revision) == (source, 2)
    assert catalogue.broken() == {}
    site.configured.clear()
    path.unlink()
    for _ in range(2):
        catalogue.refresh()
        assert (site.echo().source, site.ids()) == (Source.BUILTIN, ["echo"])


def test_process_that_users_deployed_before_stays_until_it_is_undeployed(site: Site, own: tuple[Process, ...]) -> None:
    site.store.add(replace(own[0], source=Source.DEPLOYED, title="Mine"))
    catalogue = site.start(*own)
    catalogue.refresh()
    assert (site.echo().source, site.echo().title) == (Source.DEPLOYED, "Mine")
    assert catalogue.broken() == {}
    site.start()
    assert site.ids() == ["echo"]
    catalogue = site.start(*own)
    site.store.remove("echo")
    catalogue.refresh()
    assert site.echo().source is Source.BUILTIN
