"""Documents of WPS hold results of users, also such that browsers run: they are opened without any right."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from .site import Site

SVG = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>"


@pytest.mark.parametrize(
    "query",
    [
        "service=WPS&request=GetCapabilities",
        "service=WPS&request=GetCapabilities&version=2.0.0",
        "service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=message={}",
        "service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=message={}&RawDataOutput=message",
        "service=WPS&version=1.0.0&request=DescribeProcess&identifier={}",
        "service=WPS&request={}",
        "",
    ],
)
def test_nothing_in_a_document_of_wps_may_run(site: Site, query: str) -> None:
    answer = site.ask("alice", "GET", f"/wps?{query.format(quote(SVG))}")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
