"""Which paths have a user context."""

from __future__ import annotations

import pytest

from pygeoapi_oapip.ogcapi.contexts import split_context

TAKEN = frozenset({"processes", "jobs", "collections"})


@pytest.mark.parametrize(
    ("path", "prefix", "rest"),
    [
        ("/ogc-api", "/ogc-api", "/"),
        ("/ogc-api/", "/ogc-api", "/"),
        ("/ogc-api/processes", "/ogc-api", "/processes"),
        ("/alice/ogc-api", "/alice/ogc-api", "/"),
        ("/alice/ogc-api/", "/alice/ogc-api", "/"),
        ("/alice/ogc-api/processes/x/execution", "/alice/ogc-api", "/processes/x/execution"),
        ("/a.b_c-d@e.org/ogc-api/jobs", "/a.b_c-d@e.org/ogc-api", "/jobs"),
        ("/7/ogc-api/jobs", "/7/ogc-api", "/jobs"),
        (f"/{'u' * 64}/ogc-api/jobs", f"/{'u' * 64}/ogc-api", "/jobs"),
        ("/alice/ogc-api//jobs", "/alice/ogc-api", "//jobs"),
        ("/alice/ogc-api/bob/ogc-api/jobs", "/alice/ogc-api", "/bob/ogc-api/jobs"),
    ],
)
def test_prefix_is_cut_off(path: str, prefix: str, rest: str) -> None:
    assert split_context(path, TAKEN) == (prefix, rest)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "*",
        "ogc-api",
        "alice/ogc-api",
        "/",
        "/processes",
        "/alice",
        "/alice/processes",
        "/ogc-apis/processes",
        "/alice/ogc-apis/processes",
        "/processes/ogc-api",
        "/jobs/ogc-api/results",
        "//ogc-api/processes",
        "/../ogc-api/processes",
        "/a..b/ogc-api/processes",
        "/.alice/ogc-api/processes",
        "/-alice/ogc-api/processes",
        "/al ice/ogc-api/processes",
        "/al\nice/ogc-api/processes",
        "/alice\n/ogc-api/processes",
        '/al"ice/ogc-api/processes',
        "/<b>/ogc-api/processes",
        "/al\x00ice/ogc-api/processes",
        "/\xc3\xa4/ogc-api/processes",
        f"/{'u' * 65}/ogc-api/jobs",
        "/a/b/ogc-api/processes",
    ],
)
def test_other_paths_are_left_alone(path: str) -> None:
    assert split_context(path, TAKEN) == ("", path)
