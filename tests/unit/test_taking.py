"""Folders are taken whole, without what leads out of them."""

from __future__ import annotations

from pathlib import Path

from pygeoapi_oapip.taking import take_folder


def test_links_become_what_they_lead_to(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "a.txt").write_text("a")
    (source / "b.txt").symlink_to("deep/a.txt")
    (source / "again").symlink_to("deep")
    (source / "empty").mkdir()
    take_folder(source, tmp_path / "target", source)
    target = tmp_path / "target"
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*")) == [
        "again", "again/a.txt", "b.txt", "deep", "deep/a.txt", "empty",
    ]  # fmt: skip
    assert not [path for path in target.rglob("*") if path.is_symlink()]
    assert (target / "b.txt").stat().st_ino == (source / "deep" / "a.txt").stat().st_ino


def test_links_that_lead_out_or_back_or_nowhere_are_left_out(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    for name, there in (("out", "/etc"), ("file", "/etc/hostname"), ("up", ".."), ("self", "self"), ("lost", "lost1")):
        (source / "deep" / name).symlink_to(there)
    (source / "a.txt").write_text("a")
    take_folder(source, tmp_path / "target", source)
    found = {path.relative_to(tmp_path / "target").as_posix() for path in (tmp_path / "target").rglob("*")}
    assert found == {"a.txt", "deep"}
