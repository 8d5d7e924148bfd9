from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from pygeoapi_oapip.auth.forwarded import BASE_KEY, Forwarded, base_of
from pygeoapi_oapip.settings_auth import Proxy

URL = "https://example.org/api"
PEER = "10.0.0.9"


def seen(
    url: str = URL, trusted: Iterable[str] = (PEER,), hosts: Iterable[str] = (), **headers: str
) -> Mapping[str, Any]:
    """The WSGI environment behind the proxies."""
    found: list[Mapping[str, Any]] = []

    def app(environ: Any, start: Any) -> Iterable[bytes]:
        found.append(environ)
        return []

    names = {f"HTTP_X_FORWARDED_{name.upper()}": text for name, text in headers.items()}
    proxy = Proxy(trusted=tuple(trusted), hosts=tuple(hosts))
    Forwarded(app, proxy, url)({"REMOTE_ADDR": PEER, "HTTP_HOST": "inside:5000", **names}, lambda *_: None)  # type: ignore[arg-type]
    return found[0]


def base(**options: Any) -> str:
    return base_of(seen(**options), URL)


@pytest.mark.parametrize(
    ("trusted", "passed", "wanted"),
    [
        ((), "192.0.2.1", PEER),
        (("10.0.0.8",), "192.0.2.1", PEER),
        ((PEER,), "192.0.2.1", "192.0.2.1"),
        ((PEER,), "6.6.6.6, 192.0.2.1", "192.0.2.1"),
        (("10.0.0.0/8",), "6.6.6.6, 192.0.2.1, 10.0.0.8", "192.0.2.1"),
        ((PEER, "10.0.0.8"), "6.6.6.6, 192.0.2.1, 10.0.0.8", "192.0.2.1"),
        ((PEER,), "", PEER),
        ((PEER,), PEER, PEER),
        ((PEER,), "2001:db8::1", "2001:db8::1"),
        (("2001:db8::/32",), "192.0.2.1", PEER),
    ],
)
def test_only_our_proxies_say_where_a_request_comes_from(trusted: tuple[str, ...], passed: str, wanted: str) -> None:
    assert seen(trusted=trusted, **{"for": passed})["REMOTE_ADDR"] == wanted


def test_forged_headers_of_a_stranger_change_nothing() -> None:
    lies = {"for": "6.6.6.6", "proto": "http", "host": "example.org", "port": "81", "prefix": "/evil"}
    found = seen(trusted=("10.0.0.8",), **lies)
    assert found["REMOTE_ADDR"] == PEER and BASE_KEY not in found and found["HTTP_HOST"] == "inside:5000"


def test_what_the_proxy_does_not_tell_is_as_configured() -> None:
    assert base() == URL
    assert base(proto="http") == "http://example.org/api"
    assert base(prefix="/v2") == "https://example.org/v2"
    assert base(prefix="") == base(prefix="/") == "https://example.org"
    assert base(host="example.org", port="8443") == "https://example.org:8443/api"
    assert base(port="8443") == URL


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"host": "example.org:443", "proto": "https"}, "https://example.org/api"),
        ({"host": "example.org", "port": "443"}, "https://example.org/api"),
        ({"host": "example.org", "port": "80", "proto": "http"}, "http://example.org/api"),
        ({"host": "example.org:8080", "port": "443"}, "https://example.org:8080/api"),
        ({"host": "EXAMPLE.org"}, "https://EXAMPLE.org/api"),
        ({"host": "evil.example, example.org", "proto": "http, https", "prefix": "/a, /b"}, "https://example.org/b"),
    ],
)
def test_ports_and_lists_are_read(told: Mapping[str, str], wanted: str) -> None:
    assert base(**told) == wanted


def test_host_has_to_be_known_and_then_counts_for_the_request_too() -> None:
    assert base(host="evil.example") == URL
    assert seen(host="evil.example")["HTTP_HOST"] == "inside:5000"
    assert base(host="b.example", hosts=["B.example"]) == "https://b.example/api"
    assert base(host="any.example:81", hosts=["*"]) == "https://any.example:81/api"
    assert seen(host="example.org:444")["HTTP_HOST"] == "example.org:444"
    assert base(host="[2001:db8::1]", hosts=["2001:db8::1"]) == "https://[2001:db8::1]/api"


@pytest.mark.parametrize(
    "told",
    [
        {"host": "example.org/evil"},
        {"host": "user@example.org"},
        {"host": 'example.org"><script>'},
        {"host": "example.org\r\nX: y"},
        {"host": ".."},
        {"host": ""},
        {"proto": "javascript"},
        {"prefix": "//evil.example"},
        {"prefix": "/../x"},
        {"prefix": "/a/./b"},
        {"prefix": "evil"},
        {"prefix": "/a?b"},
        {"prefix": '/"><script>'},
        {"prefix": "/a\r\nX: y"},
        {"prefix": "/a" * 50},
        {"port": "80:80"},
        {"host": "example.org:99999999"},
    ],
)
def test_words_that_are_no_address_are_passed_over(told: Mapping[str, str]) -> None:
    assert base(hosts=["*"], **told) == URL


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example.org", "", "10.0.0.0/33"])
def test_setting_that_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="neither an address nor a network"):
        Proxy(trusted=(text,))
