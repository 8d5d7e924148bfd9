"""What links in a folder lead to takes their place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pygeoapi_oapip.engines.folder_links import FolderLinks, LinkFault


@pytest.fixture
def job(tmp_path: Path) -> Path:
    (tmp_path / "work" / "out" / "deep").mkdir(parents=True)
    (tmp_path / "work" / "out" / "deep" / "a.txt").write_text("a")
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "in.txt").write_text("in")
    return tmp_path


def allow(link: str, target: str) -> None:
    """Any target."""


def contents(folder: Path) -> dict[str, str]:
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def settled(job: Path, mounts: list[tuple[str, str]] | None = None) -> dict[str, str]:
    FolderLinks(allow, [str(job)], mounts or ()).settle(str(job / "work" / "out"))
    return contents(job / "work" / "out")


def test_a_link_to_a_file_becomes_the_file(job: Path) -> None:
    (job / "work/out/b.txt").symlink_to("deep/a.txt")
    (job / "work/out/given.txt").symlink_to(job / "inputs/in.txt")
    assert settled(job) == {"b.txt": "a", "deep/a.txt": "a", "given.txt": "in"}
    assert (job / "work/out/given.txt").stat().st_ino == (job / "inputs/in.txt").stat().st_ino


def test_what_is_not_in_the_folder_of_the_job_is_copied(job: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("data") / "x.txt"
    elsewhere.write_text("x")
    (job / "work/out/x.txt").symlink_to(elsewhere)
    assert settled(job)["x.txt"] == "x"
    assert (job / "work/out/x.txt").stat().st_ino != elsewhere.stat().st_ino


def test_a_link_to_a_folder_becomes_the_folder_with_what_its_own_links_lead_to(job: Path) -> None:
    (job / "inputs/more").mkdir()
    (job / "inputs/more/link.txt").symlink_to("../in.txt")
    (job / "work/out/given").symlink_to(job / "inputs")
    (job / "work/out/again").symlink_to("given/more/")
    found = settled(job)
    assert found["given/more/link.txt"] == "in" and found["again/link.txt"] == "in"
    assert (job / "inputs/more/link.txt").is_symlink(), "inputs stay as they are"


def test_paths_of_a_container_are_found_here(job: Path) -> None:
    (job / "work/out/b.txt").symlink_to("/in-container/out/deep/a.txt")
    (job / "work/out/c").symlink_to("/var/lib/cwl/stg1/inputs")
    (job / "work/out/d.txt").symlink_to("/in-container/out/b.txt")
    found = settled(job, [("/in-container", str(job / "work")), ("/var/lib/cwl/stg1/inputs", str(job / "inputs"))])
    assert found == {"b.txt": "a", "c/in.txt": "in", "d.txt": "a", "deep/a.txt": "a"}


@pytest.mark.parametrize("target", ["..", ".", "../..", "deep/up"])
def test_a_link_to_a_folder_that_it_is_in_is_refused(job: Path, target: str) -> None:
    (job / "work/out/deep/up").symlink_to("..")
    (job / "work/out/link").symlink_to(target)
    with pytest.raises(LinkFault, match="leads to a folder that it is in"):
        settled(job)


def test_folders_that_lead_to_each_other_are_refused(job: Path) -> None:
    (job / "work/out/other").mkdir()
    (job / "work/out/other/there").symlink_to("../deep")
    (job / "work/out/deep/back").symlink_to("../other")
    with pytest.raises(LinkFault, match="leads to a folder that it is in"):
        settled(job)


@pytest.mark.parametrize("target", ["nowhere", "link"])
def test_a_link_that_leads_nowhere_is_refused(job: Path, target: str) -> None:
    (job / "work/out/link").symlink_to(target)
    with pytest.raises(LinkFault, match="the link link in an output leads nowhere"):
        settled(job)


def test_a_link_to_a_pipe_is_refused(job: Path) -> None:
    os.mkfifo(job / "work" / "pipe")
    (job / "work/out/link").symlink_to("../pipe")
    with pytest.raises(LinkFault, match="neither a file nor a folder"):
        settled(job)


def test_the_caller_says_what_a_link_may_lead_to(job: Path) -> None:
    def refuse(link: str, target: str) -> None:
        raise PermissionError(f"{Path(link).name} -> {target}")

    (job / "work/out/link").symlink_to("/etc/hostname")
    with pytest.raises(PermissionError, match="link -> /etc/hostname"):
        FolderLinks(refuse, [str(job)]).settle(str(job / "work/out"))
