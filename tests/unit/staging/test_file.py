from __future__ import annotations

from pathlib import Path

import pytest

from pygeoapi_oapip.errors import AddressForbidden, TooLarge, UnresolvableReference
from pygeoapi_oapip.settings import Staging
from pygeoapi_oapip.staging.file import FileStager
from pygeoapi_oapip.staging.router import make_stager


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a b.tif").write_bytes(b"12345")
    (tmp_path / "secret").write_text("no")
    return tmp_path / "data"


def test_file_below_a_root_is_used_where_it_is(root: Path, tmp_path: Path) -> None:
    staged = FileStager([root]).stage((root / "a b.tif").as_uri(), tmp_path)
    assert staged.path == root / "a b.tif"
    assert (staged.media_type, staged.is_directory) == ("image/tiff", False)
    assert FileStager([root]).stage(root.as_uri(), tmp_path).is_directory


@pytest.mark.parametrize("tail", ["../secret", "%2e%2e/secret", "link"])
def test_no_path_leads_out_of_the_root(root: Path, tail: str) -> None:
    (root / "link").symlink_to(root.parent / "secret")
    with pytest.raises(AddressForbidden):
        FileStager([root]).fetch(f"{root.as_uri()}/{tail}", 100)


def test_without_roots_nothing_is_readable(root: Path) -> None:
    with pytest.raises(AddressForbidden):
        FileStager([]).check((root / "a b.tif").as_uri())


@pytest.mark.parametrize("url", ["file://host/x", "file:x", "file:///a%00b"])
def test_malformed_urls_are_refused(root: Path, url: str) -> None:
    with pytest.raises((UnresolvableReference, AddressForbidden)):
        FileStager([root]).check(url)


def test_missing_and_large_files_are_refused(root: Path) -> None:
    with pytest.raises(UnresolvableReference):
        FileStager([root]).fetch(f"{root.as_uri()}/none", 100)
    with pytest.raises(TooLarge):
        FileStager([root]).fetch((root / "a b.tif").as_uri(), 4)


@pytest.mark.parametrize("url", ["gopher://x/y", "a/b", "", "javascript:1", "http"])
def test_router_names_the_schemes_that_it_reads(url: str) -> None:
    with pytest.raises(UnresolvableReference):
        make_stager(Staging()).check(url)
