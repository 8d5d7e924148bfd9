from __future__ import annotations

import os
from pathlib import Path

import pytest

from pygeoapi_oapip.catalogue import Catalogue, Entry, configured_entries, configured_entry, folder_entries
from pygeoapi_oapip.errors import ConfigurationError, NoSuchProcess, UnresolvableReference
from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.model.process import JobControl, Source
from pygeoapi_oapip.store.memory import MemoryProcessStore

PACKAGE = """cwlVersion: v1.2
class: CommandLineTool
id: {id}
label: {label}
baseCommand: echo
inputs: {{}}
outputs: {{}}
"""


def package(process_id: str = "tool", label: str = "One") -> str:
    return PACKAGE.format(id=process_id, label=label)


class Site:
    """A catalogue over a folder, and what the administrator changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "packages"
        self.folder.mkdir()
        self.store = MemoryProcessStore()
        self.configured: list[Entry] = []
        self.pages: dict[str, str] = {}
        self.catalogue = Catalogue(self.store, folder / "state", self.fetch, self.entries, 10**6)

    def fetch(self, url: str) -> bytes:
        if url not in self.pages:
            raise UnresolvableReference(f"{url} answers 404")
        return self.pages[url].encode()

    def entries(self) -> list[Entry]:
        return [*self.configured, *folder_entries((self.folder,))]

    def write(self, name: str, text: str, age: int = 0) -> None:
        path = self.folder / name
        path.write_text(text)
        os.utime(path, (1_000_000 + age, 1_000_000 + age))

    def ids(self) -> list[str]:
        return [process.id for process in self.store.list(100, 0, EVERYTHING).processes]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_packages_of_a_folder_are_processes(site: Site) -> None:
    site.write("a.cwl", package())
    site.write("notes.txt", "no package")
    site.catalogue.refresh()
    process = site.store.get("tool", EVERYTHING)
    assert site.ids() == ["tool"]
    assert (process.source, process.mutable, process.title) == (Source.FOLDER, False, "One")


def test_changed_file_is_the_next_revision_and_an_unchanged_one_is_not(site: Site) -> None:
    site.write("a.cwl", package())
    site.catalogue.refresh()
    site.catalogue.refresh()
    assert site.store.get("tool", EVERYTHING).revision == 1
    site.write("a.cwl", package(label="Two"), age=5)
    site.catalogue.refresh()
    assert (site.store.get("tool", EVERYTHING).revision, site.store.get("tool", EVERYTHING).title) == (2, "Two")


def test_touched_file_with_the_same_content_is_no_new_revision(site: Site) -> None:
    site.write("a.cwl", package())
    site.catalogue.refresh()
    site.write("a.cwl", package(), age=9)
    site.catalogue.refresh()
    assert site.store.get("tool", EVERYTHING).revision == 1


def test_removed_file_is_no_process_any_more(site: Site) -> None:
    site.write("a.cwl", package())
    site.catalogue.refresh()
    (site.folder / "a.cwl").unlink()
    site.catalogue.refresh()
    with pytest.raises(NoSuchProcess):
        site.store.get("tool", EVERYTHING)


def test_renamed_file_keeps_its_process(site: Site) -> None:
    site.write("a.cwl", package())
    site.catalogue.refresh()
    (site.folder / "a.cwl").rename(site.folder / "b.cwl")
    site.catalogue.refresh()
    assert site.ids() == ["tool"]


def test_broken_package_is_told_and_breaks_nothing(site: Site) -> None:
    site.write("a.cwl", "class: Workflow\ncwlVersion: v1.2\n")
    site.write("b.cwl", package())
    site.catalogue.refresh()
    assert site.ids() == ["tool"]
    assert list(site.catalogue.broken()) == ["a.cwl"]
    site.write("a.cwl", package("mended"), age=5)
    site.catalogue.refresh()
    assert site.ids() == ["mended", "tool"]
    assert not site.catalogue.broken()


def test_two_packages_of_one_id_do_not_replace_each_other(site: Site) -> None:
    site.write("a.cwl", package())
    site.catalogue.refresh()
    site.configured = [Entry("tool", Source.CONFIGURED, str(site.folder / "a.cwl"))]
    site.catalogue.refresh()
    assert site.store.get("tool", EVERYTHING).source is Source.FOLDER
    assert "is taken" in site.catalogue.broken()["resources.tool"]


def test_configured_package_has_the_id_and_mode_of_the_configuration(site: Site) -> None:
    site.pages["https://example.org/p.cwl"] = package()
    block = {"name": "x", "package": "https://example.org/p.cwl", "sync": True}
    site.configured = [configured_entry("mine", block)]
    site.catalogue.refresh()
    process = site.store.get("mine", EVERYTHING)
    assert process.source is Source.CONFIGURED
    assert JobControl.SYNC in process.job_control


def test_package_that_cannot_be_fetched_is_told(site: Site) -> None:
    site.configured = [configured_entry("mine", {"name": "x", "package": "https://example.org/none.cwl"})]
    site.catalogue.refresh()
    assert "404" in site.catalogue.broken()["resources.mine"]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"name": "x"}, "resources.mine.processor.package: a path or URL"),
        ({"name": "x", "package": "a", "pakage": 1}, "resources.mine.processor.pakage: unknown key"),
        ({"name": "x", "package": "a", "sync": "yes"}, "resources.mine.processor.sync: must be true or false"),
    ],
)
def test_wrong_processor_block_is_refused(block: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        configured_entry("mine", block)


def test_processes_of_other_plugins_are_left_alone() -> None:
    resources = {"hello": {"type": "process", "processor": {"name": "HelloWorld"}}, "lakes": {"type": "collection"}}
    assert not list(configured_entries(resources))
