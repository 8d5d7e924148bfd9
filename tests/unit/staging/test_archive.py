"""Archives: unpacked as they are, or refused."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pygeoapi_oapip.errors import InvalidInputs, TooLarge, UnresolvableReference
from pygeoapi_oapip.settings import Staging
from pygeoapi_oapip.staging import archive
from pygeoapi_oapip.staging.transfer import Intake, Transfer

from .site import Site
from .test_placing import names, place

FILES = {"scene/a.tif": b"alpha", "scene/sub/b.txt": b"beta", "./c": b""}


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as target:
        target.mkdir("empty/")
        for name, content in files.items():
            target.writestr(name, content)
    return made.getvalue()


def tarred(files: Mapping[str, bytes], kind: str = "gz") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=f"w:{kind}") as target:  # type: ignore[call-overload]
        folder = tarfile.TarInfo("empty")
        folder.type = tarfile.DIRTYPE
        target.addfile(folder)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            target.addfile(info, io.BytesIO(content))
    return made.getvalue()


def one(name: str, kind: bytes, link: str = "") -> bytes:
    """A tar with one member of a kind."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as target:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        target.addfile(info)
    return made.getvalue()


def linked() -> bytes:
    """A zip with a symbolic link."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        target.writestr(info, "/etc/passwd")
    return made.getvalue()


def unpacked(content: bytes, folder: Path, **settings: int) -> Path:
    (folder / "archive").write_bytes(content)
    staging = Staging.model_validate(settings)
    archive.unpack(folder / "archive", folder / "out", Intake(staging, Transfer(1)))
    return folder / "out"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("scene.zip", zipped(FILES)),
        ("scene.SAFE.zip", zipped(FILES, zipfile.ZIP_LZMA)),
        ("scene", zipped(FILES, zipfile.ZIP_STORED)),
        ("scene.tar", tarred(FILES, "")),
        ("scene.tgz", tarred(FILES)),
        ("scene.tar.bz2", tarred(FILES, "bz2")),
        ("scene.tar.xz", tarred(FILES, "xz")),
    ],
)
def test_a_directory_is_what_is_in_the_archive(site: Site, tmp_path: Path, name: str, content: bytes) -> None:
    site.files[f"/{name}"] = content
    found = place(f"{site.url}/{name}", tmp_path / "in")
    assert found.path.name in ("scene", "scene.SAFE")
    assert names(found.path) == ["c", "scene/a.tif", "scene/sub/b.txt"]
    assert (found.path / "scene" / "sub" / "b.txt").read_bytes() == b"beta"
    assert (found.path / "empty").is_dir()
    assert {path.name for path in (tmp_path / "in").iterdir()} == {found.path.name, ".done"}


def test_a_file_stays_an_archive(site: Site, tmp_path: Path) -> None:
    site.files["/scene.zip"] = zipped(FILES)
    found = place(f"{site.url}/scene.zip", tmp_path / "in", is_directory=False)
    assert found.path.read_bytes() == site.files["/scene.zip"]


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "a/../../evil", "a//b", "a/./b", "a\\..\\b", "x" * 300, "..", "a/.."]
)
def test_names_that_lead_elsewhere_are_refused(
    tmp_path: Path, make: Callable[[Mapping[str, bytes]], bytes], name: str
) -> None:
    with pytest.raises(UnresolvableReference, match="is not a name that a file can have"):
        unpacked(make({name: b"evil"}), tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("archive", "out")] == []
    assert names(tmp_path) == ["archive"]


@pytest.mark.parametrize(
    "content",
    [
        one("link", tarfile.SYMTYPE, "/etc/passwd"),
        one("link", tarfile.LNKTYPE, "/etc/passwd"),
        one("pipe", tarfile.FIFOTYPE),
        one("device", tarfile.CHRTYPE),
        linked(),
    ],
)
def test_links_and_devices_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnresolvableReference, match="which is a link or a device"):
        unpacked(content, tmp_path)


@pytest.mark.parametrize("make", [zipped, tarred])
def test_two_members_of_one_name_are_refused(tmp_path: Path, make: Callable[[Mapping[str, bytes]], bytes]) -> None:
    with pytest.raises(UnresolvableReference, match="'./a' twice|'a/b' twice|'empty' twice"):
        unpacked(make({"a": b"1", "./a": b"2"}), tmp_path)
    for number, files in enumerate(({"a": b"1", "a/b": b"2"}, {"empty": b"x"})):
        (folder := tmp_path / str(number)).mkdir()
        with pytest.raises(UnresolvableReference, match="twice"):
            unpacked(make(files), folder)


@pytest.mark.parametrize("make", [zipped, tarred])
def test_what_comes_out_counts_and_not_what_goes_in(
    tmp_path: Path, make: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    bomb = make({f"zeros{number}": bytes(1_000_000) for number in range(9)})
    assert len(bomb) < 100_000
    with pytest.raises(TooLarge, match="the archive is larger than 2000000 bytes"):
        unpacked(bomb, tmp_path, max_bytes=2_000_000)
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*")) < 3_000_000


@pytest.mark.parametrize("make", [zipped, tarred])
def test_many_members_are_refused(tmp_path: Path, make: Callable[[Mapping[str, bytes]], bytes]) -> None:
    with pytest.raises(TooLarge, match="more than 5 files"):
        unpacked(make({str(number): b"" for number in range(9)}), tmp_path, max_files=5)


def test_a_size_in_a_header_is_not_believed(tmp_path: Path) -> None:
    """A header that says of itself that it has gigabytes would be read into memory."""
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 200 * 1024**2
    made = info.tobuf(tarfile.USTAR_FORMAT)
    with pytest.raises(TooLarge, match="a header, that is too large"):
        unpacked(made + bytes(archive._ONE_READ + 10_000), tmp_path)


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize("cut", [0.4, 0.7, 0.99])
def test_damaged_archives_are_refused(tmp_path: Path, make: Callable[[Mapping[str, bytes]], bytes], cut: float) -> None:
    whole = make({"a": bytes(range(256)) * 4000})
    with pytest.raises(UnresolvableReference, match="the archive is damaged"):
        unpacked(whole[: int(len(whole) * cut)], tmp_path)


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"a": b"secret"}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place_ = content.rindex(mark)
        content[place_ + at] |= 1
    with pytest.raises(UnresolvableReference, match="encrypted"):
        unpacked(bytes(content), tmp_path)


def test_a_compressed_file_that_is_no_archive_is_refused(site: Site, tmp_path: Path) -> None:
    import gzip

    site.files["/a.txt.gz"] = gzip.compress(b"text")
    with pytest.raises((UnresolvableReference, InvalidInputs), match="not an archive of files"):
        place(f"{site.url}/a.txt.gz", tmp_path / "in")
