from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.errors import AddressForbidden, AnswerLost, OapipError, TooLarge, Unavailable, UnresolvableReference
from pygeoapi_oapip.settings import Staging
from pygeoapi_oapip.staging.client import GuardedClient
from pygeoapi_oapip.testing.remote_server import RemoteServer, Reply


@pytest.fixture
def remote() -> Iterator[RemoteServer]:
    with RemoteServer() as server:
        yield server


def client(*hosts: str, **rules: object) -> GuardedClient:
    return GuardedClient(hosts or ("*",), Staging.model_validate({"allow_internal": True, **rules}), 20.0)


def test_an_answer_has_status_headers_and_content(remote: RemoteServer) -> None:
    remote.replies["POST /x"] = [Reply(418, {"a": 1}, {"X-Tea": "green"})]
    answer = client().send("POST", f"{remote.url}/x", {"b": 2}, {"Prefer": "respond-async"}, 1000)
    assert (answer.status, answer.json(), answer.headers["x-tea"]) == (418, {"a": 1}, "green")
    assert answer.media_type == "application/json"


def test_a_get_follows_redirects_and_a_post_does_not(remote: RemoteServer) -> None:
    remote.replies["/a"] = [Reply(302, None, {"Location": "/b"}), Reply(302, None, {"Location": "/b"})]
    remote.replies["/b"] = [Reply(200, {"here": True})]
    assert client().send("GET", f"{remote.url}/a", None, {}, 1000).json() == {"here": True}
    assert client().send("POST", f"{remote.url}/a", {}, {}, 1000).status == 302


@pytest.mark.parametrize("target", ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://other.example/"])
def test_a_redirect_is_checked_as_an_address_is(remote: RemoteServer, target: str) -> None:
    remote.replies["/a"] = [Reply(302, None, {"Location": target})]
    only_here = client("127.0.0.1", allow_hosts=["127.0.0.1"])
    with pytest.raises(AddressForbidden):
        only_here.send("GET", f"{remote.url}/a", None, {}, 1000)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://127.0.0.1/", "//", "http://[::1"])
def test_a_redirect_to_what_is_no_http_address_ends(remote: RemoteServer, target: str) -> None:
    remote.replies["/a"] = [Reply(302, None, {"Location": target})] * 9
    with pytest.raises(OapipError):
        client().send("GET", f"{remote.url}/a", None, {}, 1000)


def test_redirects_without_end_are_left(remote: RemoteServer) -> None:
    remote.replies["/a"] = [Reply(302, None, {"Location": "/a"}) for _ in range(50)]
    with pytest.raises(UnresolvableReference, match="redirects"):
        client().send("GET", f"{remote.url}/a", None, {}, 1000)
    assert len(remote.requests) < 10


@pytest.mark.parametrize(
    ("hosts", "rules", "text"),
    [
        ((), {"allow_internal": False}, "allow_internal"),
        (("good.example",), {}, "nested.remote"),
        (("*",), {"allow_hosts": ["good.example"]}, "staging.allow_hosts"),
    ],
)
def test_rules(remote: RemoteServer, hosts: tuple[str, ...], rules: dict[str, object], text: str) -> None:
    for send in (
        lambda: client(*hosts, **rules).check(f"{remote.url}/a"),
        lambda: client(*hosts, **rules).send("POST", f"{remote.url}/a", {}, {}, 1000),
    ):
        with pytest.raises(AddressForbidden, match=text):
            send()
    assert remote.requests == []


def test_no_host_is_allowed_by_an_empty_list() -> None:
    nobody = GuardedClient((), Staging(), 1.0)
    with pytest.raises(AddressForbidden, match="nested.remote"):
        nobody.check("https://example.org/processes/a")


def test_a_large_answer_is_refused(remote: RemoteServer) -> None:
    remote.replies["/a"] = [Reply(200, b"x" * 2000)]
    with pytest.raises(TooLarge):
        client().send("GET", f"{remote.url}/a", None, {}, 1000)


def test_nothing_was_sent_where_nobody_listens() -> None:
    with pytest.raises(Unavailable) as caught:
        client().send("POST", "http://127.0.0.1:9/a", {}, {}, 1000)
    assert not isinstance(caught.value, AnswerLost)


def test_an_answer_that_does_not_come_is_told_apart(remote: RemoteServer) -> None:
    remote.broken.append("/a")
    with pytest.raises(AnswerLost):
        client().send("POST", f"{remote.url}/a", {}, {}, 1000)
    assert remote.requests == ["POST /a"]


def test_a_download_goes_by_the_rules_of_staging(remote: RemoteServer, tmp_path: Path) -> None:
    remote.replies["/a.txt"] = [Reply(200, b"text", {"Content-Type": "text/plain"})]
    found = client().download(f"{remote.url}/a.txt", tmp_path)
    assert (found.path.name, found.path.read_bytes(), found.media_type) == ("a.txt", b"text", "text/plain")
    with pytest.raises(AddressForbidden):
        client(allow_internal=False).download(f"{remote.url}/a.txt", tmp_path)
