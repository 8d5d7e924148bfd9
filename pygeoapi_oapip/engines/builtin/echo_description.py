"""The description of the `echo` process: an input of every kind that OGC API - Processes knows.

The OGC suite for Part 1 reads this description and sends `teststring` to each input whose schema says `type: string`
and neither format nor media type, `{"value": "teststring"}` to one that says `type: object`, and whole numbers to an
array. So `band` and `feature`, which could not take that, say their type by their values or one level below.
"""

from __future__ import annotations

from ...model.json import JSONObject
from ...model.process import Input, JobControl, Output, Process, Source

ENGINE = "builtin"
LONGEST_PAUSE = 3600
"""Seconds."""
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GML = "application/gml+xml; version=3.2"
GEOJSON = "application/geo+json"

_POSITION: JSONObject = {
    "type": "array",
    "items": {"type": "number"},
    "oneOf": [{"minItems": size, "maxItems": size} for size in (4, 6)],
}
BBOX: JSONObject = {
    "allOf": [
        {
            "format": "ogc-bbox",
            "type": "object",
            "required": ["bbox"],
            "properties": {
                "bbox": _POSITION,
                "crs": {"type": "string", "format": "uri", "default": CRS84},
            },
        }
    ],
    "example": {"bbox": [11.0, 46.2, 11.6, 46.6], "crs": CRS84},
}
_GEOMETRY: JSONObject = {
    "type": "object",
    "format": "geojson-geometry",
    "contentMediaType": GEOJSON,
    "required": ["type"],
    "properties": {
        "type": {
            "type": "string",
            "enum": [
                "Point",
                "MultiPoint",
                "LineString",
                "MultiLineString",
                "Polygon",
                "MultiPolygon",
                "GeometryCollection",
            ],
        },
        "coordinates": {"type": "array", "items": {}},
        "geometries": {"type": "array", "items": {"type": "object"}},
    },
}

_ECHOED: tuple[tuple[str, str, str, JSONObject], ...] = (
    ("message", "Message", "A text.", {"type": "string", "example": "Hello, Earth"}),
    ("number", "Number", "Any number.", {"type": "number", "example": 0.25}),
    (
        "cloudCover",
        "Cloud cover",
        "A whole number with bounds: percent.",
        {"type": "integer", "minimum": 0, "maximum": 100, "example": 20},
    ),
    ("flag", "Flag", "True or false.", {"type": "boolean", "example": True}),
    (
        "resolution",
        "Resolution",
        "One of a list of numbers: metres of a Sentinel-2 pixel.",
        {"type": "integer", "enum": [10, 20, 60], "example": 10},
    ),
    (
        "band",
        "Band",
        "One of a list of names.",
        {"enum": ["red", "green", "blue", "nir"], "example": "nir"},
    ),
    (
        "time",
        "Time",
        "A moment, RFC 3339.",
        {"type": "string", "format": "date-time", "example": "2024-06-21T10:30:00Z"},
    ),
    (
        "numbers",
        "Numbers",
        "An array, given as one value.",
        {"type": "array", "items": {"type": "integer"}, "maxItems": 1000, "example": [1, 2, 3]},
    ),
    ("names", "Names", "A text that may be given several times: an array of values.", {"type": "string"}),
    (
        "bbox",
        "Bounding box",
        "Two corners, in degrees of longitude and latitude unless `crs` says otherwise.",
        BBOX,
    ),
    (
        "measure",
        "Measure",
        "An object: a value, and its unit.",
        {
            "type": "object",
            "required": ["value"],
            "properties": {
                "value": {"oneOf": [{"type": "number"}, {"type": "string"}]},
                "unit": {"type": "string"},
            },
            "example": {"value": 281.4, "unit": "K"},
        },
    ),
    (
        "geometry",
        "Geometry",
        "A geometry in one of two formats: GML as text, or GeoJSON as an object.",
        {
            "oneOf": [{"type": "string", "contentMediaType": GML}, _GEOMETRY],
            "example": {"type": "Point", "coordinates": [11.35, 46.5]},
        },
    ),
    (
        "feature",
        "Feature",
        "A GeoJSON feature, for example a STAC item.",
        {
            "allOf": [
                {
                    "format": "geojson-feature",
                    "type": "object",
                    "required": ["type", "geometry", "properties"],
                    "properties": {"type": {"type": "string", "enum": ["Feature"]}},
                }
            ],
            "contentMediaType": GEOJSON,
            "example": {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [11.35, 46.5]},
                "properties": {"name": "Bolzano"},
            },
        },
    ),
    (
        "text",
        "Text file",
        "A plain text, by value or by reference.",
        {"type": "string", "contentMediaType": "text/plain"},
    ),
    (
        "document",
        "XML document",
        "XML, by value or by reference.",
        {"type": "string", "contentMediaType": "application/xml", "example": "<scene id='a'/>"},
    ),
    (
        "image",
        "Image",
        "A TIFF image: by reference, or its bytes in base64.",
        {"type": "string", "contentEncoding": "binary", "contentMediaType": "image/tiff"},
    ),
)
_SEVERAL = {"names": 10}

CONTROLS = (
    Input(
        "pause",
        "Pause",
        {"type": "number", "minimum": 0, "maximum": LONGEST_PAUSE, "default": 0, "example": 2},
        "Seconds that the job takes; its progress can be watched, and it can be dismissed.",
        min_occurs=0,
    ),
    Input(
        "fail",
        "Fail",
        {"type": "boolean", "default": False},
        "True: the job fails after its pause, to see how that looks.",
        min_occurs=0,
    ),
)

DESCRIPTION = Process(
    id="echo",
    version="1.0.0",
    title="Echo",
    description=(
        "Gives back what it gets, to learn and to test OGC API - Processes. Every input is optional, at least one is "
        "needed, and each has an output of the same name. `pause` makes the job long, `fail` makes it fail."
    ),
    inputs={
        **{
            name: Input(name, title, schema, text, min_occurs=0, max_occurs=_SEVERAL.get(name, 1))
            for name, title, text, schema in _ECHOED
        },
        **{item.id: item for item in CONTROLS},
    },
    outputs={
        name: Output(
            name,
            title,
            {"type": "array", "items": schema} if name in _SEVERAL else schema,
            f"What was given as `{name}`.",
        )
        for name, title, _, schema in _ECHOED
    },
    package=None,
    keywords=("echo", "test", "example"),
    job_control=(JobControl.SYNC, JobControl.ASYNC, JobControl.DISMISS),
    source=Source.BUILTIN,
    engine=ENGINE,
)
