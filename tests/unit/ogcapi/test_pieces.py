"""Bodies in pieces are as good as whole ones, and held to the same limit."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from pygeoapi_oapip.ogcapi.pieces import with_whole_bodies

LIMIT = 100


class Broken(BytesIO):
    """Gives what it has, then fails as gunicorn does."""

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if not found:
            raise OSError("Invalid chunk size")
        return found


@Request.application
def application(request: Request) -> Response:
    request.max_content_length = LIMIT
    return Response(request.get_data())


def send(stream: BytesIO, **more: str) -> Any:
    environ = {"wsgi.input": stream, "wsgi.input_terminated": True, "REQUEST_METHOD": "POST", **more}
    return Client(with_whole_bodies(application, LIMIT)).open(environ_overrides=environ)


@pytest.mark.parametrize("name", ["chunked", "Chunked", "gzip, chunked"])
@pytest.mark.parametrize("size", [0, 1, LIMIT])
def test_within_the_limit_all_is_read(name: str, size: int) -> None:
    answer = send(BytesIO(b"x" * size), HTTP_TRANSFER_ENCODING=name)
    assert (answer.status_code, answer.data) == (200, b"x" * size)


def test_over_the_limit_is_413_and_not_read_on() -> None:
    stream = BytesIO(b"x" * 1000)
    assert send(stream, HTTP_TRANSFER_ENCODING="chunked").status_code == 413
    assert stream.tell() == LIMIT + 1


@pytest.mark.parametrize("content", [b"", b"some"])
def test_what_breaks_off_is_400(content: bytes) -> None:
    assert send(Broken(content), HTTP_TRANSFER_ENCODING="chunked").status_code == 400


def test_other_bodies_are_left_alone() -> None:
    def seen(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        assert environ["wsgi.input"] is stream
        start_response("200 OK", [])
        return [b""]

    stream = BytesIO(b"x")
    Client(with_whole_bodies(seen, LIMIT)).open(environ_overrides={"wsgi.input": stream, "CONTENT_LENGTH": "1"})
