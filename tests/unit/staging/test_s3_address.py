from __future__ import annotations

import pytest

from pygeoapi_oapip.errors import UnresolvableReference
from pygeoapi_oapip.staging.s3_address import ObjectAddress, is_object, parse, safe_path


@pytest.mark.parametrize(
    ("url", "bucket", "key"),
    [
        ("s3://data/a.txt", "data", "a.txt"),
        ("S3://data/a.txt", "data", "a.txt"),
        ("s3://data/a b/ä.txt", "data", "a b/ä.txt"),
        ("s3://data/a%20b/%C3%A4.txt", "data", "a b/ä.txt"),
        ("s3://data/what?#no%41%2541", "data", "what?#noA%41"),
        ("s3://data/folder/", "data", "folder/"),
        ("s3://data", "data", ""),
        ("s3://data/", "data", ""),
        ("s3://my.bucket-1/a", "my.bucket-1", "a"),
    ],
)
def test_addresses_are_read(url: str, bucket: str, key: str) -> None:
    assert parse(url) == ObjectAddress(bucket, key)


@pytest.mark.parametrize(
    "url",
    [
        "http://data/a",
        "s3:/data/a",
        "s3:data",
        "s3:///a",
        "s3://Data/a",
        "s3://d/a",
        "s3://user:secret@data/a",
        "s3://data:9000/a",
        "s3://arn:aws:s3:eu-central-1:1:accesspoint:x/a",
        "s3://[::1]/a",
        "s3://da_ta/a",
        "s3://-data/a",
        "s3://data/" + "x" * 1025,
        "s3://data/%00",
        "s3://data/%FF",
        "",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UnresolvableReference) as caught:
        parse(url)
    assert len(caught.value.detail) < 400


@pytest.mark.parametrize("key", ["a.txt", "ä b/#?%41 c.txt", "a+b&c=d;e@f", "x//y", "'\"<>\n"])
def test_written_addresses_are_read_back(key: str) -> None:
    address = ObjectAddress("data", key)
    assert parse(str(address)) == address
    assert str(address).isascii()


def test_folder_and_name() -> None:
    folder = parse("s3://data/a/b/")
    assert (folder.is_folder, folder.folder, folder.name) == (True, "a/b/", "b")
    assert str(folder.below("c d")) == "s3://data/a/b/c%20d"
    whole = parse("s3://data")
    assert (whole.is_folder, whole.folder, whole.name) == (True, "", "data")
    assert parse("s3://data/a/b").folder == "a/b/"


@pytest.mark.parametrize("path", ["", "..", "a/../b", "/a", "a//b", "./a", "a/", "a\0b", "x" * 256])
def test_paths_that_lead_elsewhere_are_not_safe(path: str) -> None:
    assert not safe_path(path)


def test_usual_paths_are_safe() -> None:
    assert all(map(safe_path, ("a", "a/b.c", "ä b/#?%41 c.txt", "..a/b..", "x" * 255)))


def test_only_the_scheme_says_what_is_an_object() -> None:
    assert is_object("s3://x")
    assert not is_object("outputs/s3://x")
    assert not is_object("https://x")
