"""Contents that are not on this machine over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from pygeoapi_oapip.errors import StorageUnavailable
from pygeoapi_oapip.streaming import streamed

CONTENT = b"0123456789"


@dataclass
class Words:
    """Ten bytes, two at a time."""

    size: int | None = 10
    etag: str = "tag"
    modified: datetime | None = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    asked: list[tuple[int, int | None]] = field(default_factory=list)
    broken: bool = False

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        if self.broken:
            raise StorageUnavailable("away")
        self.asked.append((start, length))
        wanted = CONTENT[start:] if length is None else CONTENT[start : start + length]
        for at in range(0, len(wanted), 2):
            yield wanted[at : at + 2]


def answer(content: Words, method: str = "GET", **headers: str) -> Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    environ: dict[str, Any] = EnvironBuilder(method=method, headers=list(given.items())).get_environ()
    return streamed(content, environ, Response, {"Content-Type": "text/plain"})


def test_whole_content_with_its_validators() -> None:
    found = answer(Words())
    assert (found.status_code, found.get_data()) == (200, CONTENT)
    assert (found.headers["Content-Length"], found.headers["Accept-Ranges"]) == ("10", "bytes")
    assert found.headers["ETag"] == '"tag"'
    assert found.headers["Last-Modified"] == "Fri, 02 Jan 2026 03:04:05 GMT"


def test_head_reads_nothing() -> None:
    content = Words()
    found = answer(content, "HEAD")
    assert (found.headers["Content-Length"], found.get_data()) == ("10", b"")
    assert content.asked == []


def test_range_reads_no_more_than_it_sends() -> None:
    content = Words()
    found = answer(content, Range="bytes=2-4")
    assert (found.status_code, found.get_data(), found.headers["Content-Length"]) == (206, b"234", "3")
    assert content.asked == [(2, 3)]


@pytest.mark.parametrize("given", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_range_outside_is_416(given: str) -> None:
    content = Words()
    found = answer(content, Range=given)
    assert (found.status_code, found.headers["Content-Range"]) == (416, "bytes */10")
    assert content.asked == []


@pytest.mark.parametrize("given", ["bytes=4-2", "bytes=a-b", "rows=1-2", "bytes=0-1,4-5", "bytes", ""])
def test_range_that_is_not_understood_is_ignored(given: str) -> None:
    assert answer(Words(), Range=given).status_code == 200


@pytest.mark.parametrize(
    ("condition", "status"),
    [('"tag"', 206), ('"other"', 200), ("Fri, 02 Jan 2026 03:04:05 GMT", 206), ("Thu, 01 Jan 2026 00:00:00 GMT", 200)],
)
def test_if_range(condition: str, status: int) -> None:
    assert answer(Words(), Range="bytes=0-1", If_Range=condition).status_code == status


def test_what_the_client_has_is_not_read() -> None:
    content = Words()
    assert answer(content, If_None_Match='"tag"').status_code == 304
    assert answer(content, If_Modified_Since="Fri, 02 Jan 2026 03:04:05 GMT").status_code == 304
    assert answer(content, If_None_Match='"other"').status_code == 200
    assert len(content.asked) == 1


def test_length_that_is_not_known_is_not_told() -> None:
    found = answer(Words(size=None), Range="bytes=0-1")
    assert (found.status_code, found.get_data()) == (200, CONTENT)
    assert "Accept-Ranges" not in found.headers


def test_empty_content() -> None:
    content = Words(size=0)
    content.pieces = lambda start=0, length=None: iter(())  # type: ignore[method-assign]
    found = answer(content)
    assert (found.status_code, found.get_data(), found.headers["Content-Length"]) == (200, b"", "0")


def test_what_cannot_be_read_is_an_error_before_anything_is_sent() -> None:
    with pytest.raises(StorageUnavailable):
        answer(Words(broken=True))
