"""Downloads that break, end early, dawdle or change in the middle; and what a host is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import ConfigurationError, TooLarge, Unavailable, UnresolvableReference
from pygeoapi_oapip.settings import Staging, load_settings
from pygeoapi_oapip.staging import http_download
from pygeoapi_oapip.staging.http import HttpStager
from pygeoapi_oapip.staging.transfer import Intake, Stopped, Transfer

from .site import Site

BODY = os.urandom(3_000_000)


@pytest.fixture
def big(site: Site) -> str:
    site.files["/big.bin"] = BODY
    return f"{site.url}/big.bin"


def stager(**settings: Any) -> HttpStager:
    return HttpStager(Staging.model_validate({"allow_internal": True, "timeout": 20, **settings}))


def test_a_connection_that_breaks_is_taken_up_where_it_broke(big: str, site: Site, tmp_path: Path) -> None:
    site.breaks["/big.bin"] = [1_000_000, 500_000, 1_200_000]
    found = stager().stage(big, tmp_path)
    assert found.path.read_bytes() == BODY
    assert site.sent["/big.bin"] == len(BODY)
    starts = [headers.get("Range") for headers in site.asked("/big.bin")]
    assert starts == [None, "bytes=1000000-", "bytes=1500000-", "bytes=2700000-"]
    assert [path.name for path in tmp_path.iterdir()] == ["big.bin"]


def test_what_was_begun_is_gone_on_with_by_the_next_try(big: str, site: Site, tmp_path: Path) -> None:
    site.breaks["/big.bin"] = [1_000_000, *[0] * 9]
    with pytest.raises(Unavailable):
        stager().stage(big, tmp_path)
    site.breaks["/big.bin"] = []
    assert stager().stage(big, tmp_path).path.read_bytes() == BODY
    assert site.sent["/big.bin"] == len(BODY)


def test_a_file_that_changes_in_the_middle_is_read_anew(big: str, site: Site, tmp_path: Path) -> None:
    site.breaks["/big.bin"] = [1_000_000, 0, 0, 0, 0, 0, 0, 0]
    with pytest.raises(Unavailable):
        stager().stage(big, tmp_path)
    site.breaks["/big.bin"] = []
    site.files["/big.bin"] = new = BODY[::-1]
    assert stager(max_bytes=len(new)).stage(big, tmp_path).path.read_bytes() == new


@pytest.mark.parametrize("header", ["ETag", "ranges"])
def test_a_server_without_ranges_or_etags_is_read_from_the_start(
    big: str, site: Site, tmp_path: Path, header: str
) -> None:
    site.breaks["/big.bin"] = [1_000_000]
    if header == "ETag":
        site.headers["/big.bin"] = {"ETag": ""}
    site.ranges = header != "ranges"
    assert stager().stage(big, tmp_path).path.read_bytes() == BODY
    assert site.sent["/big.bin"] == len(BODY) + 1_000_000


def test_a_body_without_a_length_is_read_to_its_end(big: str, site: Site, tmp_path: Path) -> None:
    site.lengths = False
    assert stager().stage(big, tmp_path).path.read_bytes() == BODY


def test_a_file_that_never_comes_whole_is_temporary(big: str, site: Site, tmp_path: Path) -> None:
    site.breaks["/big.bin"] = [10] * 20
    with pytest.raises(Unavailable):
        stager().stage(big, tmp_path)
    assert not (tmp_path / "big.bin").exists()


def test_a_file_that_says_it_is_too_large_is_not_read(big: str, site: Site, tmp_path: Path) -> None:
    site.pauses["/big.bin"] = 0.05
    with pytest.raises(TooLarge, match=r"larger than 2000000 bytes \(staging.max_bytes\)"):
        stager(max_bytes=2_000_000).stage(big, tmp_path)
    assert not (tmp_path / "big.bin").exists()
    assert (tmp_path / ".part").stat().st_size == 0 if (tmp_path / ".part").exists() else True


def test_a_file_that_does_not_say_it_is_too_large_is_cut(big: str, site: Site, tmp_path: Path) -> None:
    site.lengths = False
    with pytest.raises(TooLarge):
        stager(max_bytes=2_000_000).stage(big, tmp_path)
    assert (tmp_path / ".part").stat().st_size < 2_500_000


def test_a_file_for_which_there_is_no_room_is_not_begun(
    big: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = os.statvfs_result((4096, 4096, 100, 10, 10, 0, 0, 0, 0, 255))
    monkeypatch.setattr("pygeoapi_oapip.staging.transfer.os.statvfs", lambda _: full)
    with pytest.raises(Unavailable, match="the disk of this server has no room for its 3000000 bytes"):
        stager().stage(big, tmp_path)


def test_a_server_that_dawdles_counts_as_away(
    big: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_download, "WINDOW", 0.0)
    with pytest.raises(Unavailable, match=r"sends less than .* bytes per second \(staging.min_rate\)"):
        stager(min_rate=10**15).stage(big, tmp_path)


def test_a_download_that_is_not_wanted_any_more_ends(big: str, site: Site, tmp_path: Path) -> None:
    transfer = Transfer(1)

    class Watched(Intake):
        def moved(self, what: str, count: int) -> None:
            super().moved(what, count)
            if self.transfer.bytes > 500_000:
                transfer.stop()

    with pytest.raises(Stopped):
        stager().stage(big, tmp_path, Watched(Staging(), transfer))
    assert site.sent["/big.bin"] <= len(BODY) and not (tmp_path / "big.bin").exists()


TOKEN = {"token": {"env": "SITE_TOKEN"}, "insecure": True}


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_TOKEN", "s3cret")


@pytest.mark.usefixtures("keys")
def test_a_host_gets_its_own_headers(site: Site, tmp_path: Path) -> None:
    site.files["/a"], site.secrets["/a"] = b"alpha", "Bearer s3cret"
    site.files["/b"], site.secrets["/b"] = b"beta", "Basic dTpzM2NyZXQ="
    with_token = {"hosts": [site.host], **TOKEN}
    found = stager(http=[with_token])
    assert found.stage(f"{site.url}/a", tmp_path).path.read_bytes() == b"alpha"
    found.probe(f"{site.url}/a", 10)
    assert found.fetch(f"{site.url}/a", 10).content == b"alpha"
    basic = {"hosts": ["127.0.0.1:*"], "username": "u", "password": {"env": "SITE_TOKEN"}, "insecure": True}
    assert stager(http=[basic]).stage(f"{site.url}/b", tmp_path).path.read_bytes() == b"beta"
    own = {"hosts": ["127.0.0.1:*"], "headers": {"X-Key": {"env": "SITE_TOKEN"}}, "insecure": True}
    site.files["/c"] = b"gamma"
    stager(http=[own]).stage(f"{site.url}/c", tmp_path)
    assert site.asked("/c")[0]["X-Key"] == "s3cret"


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    "access", [{"hosts": ["127.0.0.1"]}, {"hosts": ["other.example"]}, {"hosts": ["*"], "insecure": False}]
)
def test_no_other_host_gets_them_and_nobody_in_clear(site: Site, tmp_path: Path, access: dict[str, Any]) -> None:
    site.files["/a"], site.secrets["/a"] = b"alpha", "Bearer s3cret"
    with pytest.raises(UnresolvableReference, match="answers 401"):
        stager(http=[{**TOKEN, **access}]).stage(f"{site.url}/a", tmp_path)


@pytest.mark.usefixtures("keys")
def test_a_redirect_to_another_host_does_not_take_them_along(site: Site, tmp_path: Path) -> None:
    with Site() as other:
        other.files["/taken"] = b"data"
        site.redirects["/a"] = f"{other.url}/taken"
        stager(http=[{"hosts": [site.host], **TOKEN}]).stage(f"{site.url}/a", tmp_path)
        assert site.asked("/a")[0]["Authorization"] == "Bearer s3cret"
        assert "Authorization" not in other.asked("/taken")[0]


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({"token": {"env": "SITE_TOKEN"}}, "hosts"),
        ({"hosts": ["a"]}, "give `token`"),
        ({"hosts": ["a"], "username": "u"}, "belong together"),
        ({"hosts": ["a"], "token": "clear"}, "never in the YAML text"),
        ({"hosts": ["a"], "headers": {"Host": {"env": "SITE_TOKEN"}}}, "'Host' is not a header"),
        ({"hosts": ["a"], "headers": {"Range": {"env": "SITE_TOKEN"}}}, "'Range' is not a header"),
        ({"hosts": ["a"], "headers": {"a b": {"env": "SITE_TOKEN"}}}, "'a b' is not a header"),
    ],
)
def test_wrong_settings_are_named(block: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_settings({"staging": {"http": [block]}})
