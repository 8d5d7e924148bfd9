"""The echo process of the OGC WPS 2.0 suite, under the id, inputs and outputs that its requests name.

The suite takes the last literal of type `string` and the last complex input, and sends the latter XML without a media
type: so `literalInput` is the last literal, and XML the first format.
"""

from __future__ import annotations

from ...model.json import JSONObject
from ...model.process import Input, JobControl, Output, Process, Source
from .echo_description import BBOX, CONTROLS, ENGINE

WPS_ECHO = "org.n52.javaps.test.EchoProcess"

_DATA: tuple[tuple[str, str, JSONObject], ...] = (
    ("literal", "A text.", {"type": "string", "example": "hello_literal"}),
    (
        "complex",
        "XML or plain text, by value or by reference.",
        {
            "oneOf": [
                {"type": "string", "contentMediaType": kind} for kind in ("application/xml", "text/xml", "text/plain")
            ],
            "example": "<testElement>hello_complex</testElement>",
        },
    ),
    ("boundingbox", "Two corners, in degrees of longitude and latitude unless `crs` says otherwise.", BBOX),
)

NAMES = {f"{kind}Output": f"{kind}Input" for kind, _, _ in _DATA}

DESCRIPTION = Process(
    id=WPS_ECHO,
    version="1.0.0",
    title="Echo process of the OGC WPS 2.0 suite",
    description=(
        "Gives back what it gets: the echo process under the id, inputs and outputs that the OGC test suite for "
        "WPS 2.0 expects. Every input is optional, at least one is needed."
    ),
    inputs={
        **{item.id: item for item in CONTROLS},
        **{
            f"{kind}Input": Input(f"{kind}Input", f"{kind}Input", schema, text, min_occurs=0)
            for kind, text, schema in _DATA
        },
    },
    outputs={
        f"{kind}Output": Output(f"{kind}Output", f"{kind}Output", schema, f"What was given as `{kind}Input`.")
        for kind, _, schema in _DATA
    },
    package=None,
    keywords=("echo", "test", "WPS"),
    job_control=(JobControl.SYNC, JobControl.ASYNC, JobControl.DISMISS),
    source=Source.BUILTIN,
    engine=ENGINE,
)
