"""One document for each page, in the shapes of the JSON representations."""

from __future__ import annotations

from typing import Any

BASE = "https://example.org/api"
EVIL = '<script>alert("x")</script>'
JOB_ID = "5f6fd8e0-7ad6-4b0a-a4a2-cf1f0a34d4ab"

PROCESS: dict[str, Any] = {
    "id": "a b/c",
    "version": "1.0",
    "title": EVIL,
    "description": EVIL,
    "keywords": [EVIL],
    "jobControlOptions": ["async-execute"],
    "metadata": [{"title": EVIL, "href": "javascript:alert(1)"}],
    "inputs": {
        'i"><b': {"title": EVIL, "description": EVIL, "schema": {"type": "string", "default": EVIL}},
        "file": {"title": "file", "schema": {"type": "string", "contentMediaType": "image/tiff"}, "minOccurs": 0},
        "mode": {"title": "mode", "schema": {"type": "string", "enum": [EVIL, "b"]}},
        "flag": {"title": "flag", "schema": {"type": "boolean"}},
        "count": {"title": "count", "schema": {"type": "integer"}},
        "many": {"title": "many", "schema": {"type": "integer"}, "maxOccurs": "unbounded"},
    },
    "outputs": {"out": {"title": EVIL, "schema": {"type": "number"}}},
    "links": [{"href": "javascript:alert(1)", "rel": "about", "title": EVIL}],
}
JOB: dict[str, Any] = {
    "jobID": JOB_ID,
    "processID": "a b/c",
    "status": "failed",
    "message": EVIL,
    "progress": 40,
    "created": "2026-11-22T07:12:27Z",
    "steps": [{"name": EVIL, "state": "failed", "exitCode": 0}],
    "usage": {"cpu_seconds": 1.5},
    "exception": {"title": EVIL, "detail": EVIL},
    "request": {"inputs": {"a": EVIL}},
    "links": [],
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "landing": {"title": EVIL, "description": EVIL, "links": [{"rel": "data", "href": f"{BASE}/collections"}]},
    "conformance": {"conformsTo": ["http://www.opengis.net/spec/x", f"http://x/{EVIL}"]},
    "processes": {"processes": [PROCESS], "links": [{"rel": "next", "href": f"{BASE}/processes?offset=1"}]},
    "process": PROCESS,
    "history": {"revisions": [{"revision": 2, "version": EVIL, "title": EVIL, "created": "2026-11-22T07:12:27Z"}]},
    "jobs": {"jobs": [JOB], "links": [{"rel": "prev", "href": f"{BASE}/jobs?offset=0"}]},
    "job": JOB,
    "results": {
        EVIL: EVIL,
        "number": 0.5,
        "none": None,
        "image": {"href": f"{BASE}/jobs/1/results/image", "type": "image/png", "title": "a.png"},
        "folder": {"href": f"{BASE}/jobs/1/results/folder", "type": "application/zip", "title": "folder"},
        "bad": {"href": "javascript:alert(1)", "type": "text/html", "title": EVIL},
        "table": [{"name": EVIL, "area": 2}],
        "tree": {"value": {"a": {"b": [EVIL]}}, "mediaType": "application/json"},
        "files": [{"href": f"{BASE}/f", "title": "f"}],
        "record": {"value": {"image": {"href": f"{BASE}/g", "title": "g"}}, "mediaType": "application/json"},
    },
    "logs": {"lines": [{"time": "2026-11-22T07:12:27Z", "level": "ERROR", "source": EVIL, "text": EVIL}]},
    "inputs": {
        "inputs": {EVIL: EVIL, "file": {"value": "eA==", "encoding": "base64", "mediaType": EVIL}},
        "outputs": {},
    },
    "exceptions": {"exceptions": [{"type": "about:blank", "title": EVIL, "detail": EVIL, "status": 500}]},
    "output": {"value": {"href": f"{BASE}/jobs/1/results/x", "type": "text/plain", "title": EVIL, "length": 2048}},
    "directory": {
        "name": EVIL,
        "files": [{"name": EVIL, "href": f"{BASE}/jobs/1/results/x/y", "type": "text/plain", "size": 5}],
        "links": [{"rel": "alternate", "href": f"{BASE}/jobs/1/results/x?f=zip", "type": "application/zip"}],
    },
    "package": {"mediaType": "application/cwl", "size": 10, "source": EVIL},
    "health": {"status": "degraded", "parts": {EVIL: {"ok": False, "detail": EVIL, "more": {"a": EVIL}}}},
    "logout": {},
    "document": {EVIL: EVIL, "rows": [{"a": EVIL}], "links": [{"rel": "self", "href": f"{BASE}/x", "title": EVIL}]},
    "error": {"type": "about:blank", "title": EVIL, "status": 404, "detail": EVIL, "more": {"a": EVIL}},
    "openapi": {
        "openapi": "3.0.3",
        "info": {"title": EVIL, "description": EVIL},
        "paths": {
            "/jobs": {
                "get": {
                    "summary": EVIL,
                    "parameters": [{"name": EVIL, "in": "query", "schema": {"type": "string"}}, {"$ref": "#/a/f"}],
                    "responses": {"200": {"description": EVIL}},
                }
            }
        },
    },
}
