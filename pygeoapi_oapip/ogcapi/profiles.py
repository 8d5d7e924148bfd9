"""Profiles of documents (2.0 query-param-profile): each document has one, and a Link header that names it.

A profile that a client asks for by the parameter `profile` and that a document does not have is no error: the document
comes as it is, and the Link says what it is.
"""

from __future__ import annotations

from flask import Response

_REGISTER = "http://www.opengis.net/def/profile/OGC/0/"

PROCESS_LIST = _REGISTER + "ogc-process-list"
PROCESS = _REGISTER + "ogc-process-description"
RESULTS = _REGISTER + "ogc-results"


def linked(response: Response, profile: str) -> Response:
    """The response with a Link header to the profile, if it is JSON."""
    if response.mimetype == "application/json":
        response.headers.add("Link", f'<{profile}>; rel="profile"')
    return response
