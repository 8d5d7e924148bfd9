"""What is taken from PyWPS 4.8: its request parser, and its templates. Loaded at the first request of version 1.0.0.

Not taken: its process runner, database, files, configuration and HTTP answers. Of the templates two are replaced:

- `describe/complex.xml` repeats the encoding of the default format for all of them, or leaves all out;
- `describe/literal.xml` writes empty bounds where a range has one bound only.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import jinja2
import pywps.exceptions
import pywps.response
from pywps.app.WPSRequest import WPSRequest

from ...errors import BadRequest, OapipError
from ..describe import xml_text
from ..door import Element
from ..faults import InvalidParameter, MissingParameter, UnknownOperation, VersionNotOffered

# PyWPS logs each refused request as an error, with a traceback; the answer tells it already
logging.getLogger("PYWPS").setLevel(logging.CRITICAL + 1)

_COMPLEX = """\
                    <Default>
                        {{ format(put.data_format) }}
                    </Default>
                    <Supported>
                        {% for each in put.supported_formats %}
                        {{ format(each) }}
                        {% endfor %}
                    </Supported>
"""
_FORMAT = """\
{% macro format(each) %}
<Format>
                            <MimeType>{{ each.mime_type }}</MimeType>
                            {% if each.encoding %}
                            <Encoding>{{ each.encoding }}</Encoding>
                            {% endif %}
                            {% if each.schema %}
                            <Schema>{{ each.schema }}</Schema>
                            {% endif %}
                        </Format>
{%- endmacro %}
"""
_LITERAL = """\
                <ows:DataType ows:reference="http://www.w3.org/TR/xmlschema-2/#{{ put.data_type }}">{{ put.data_type }}</ows:DataType>
                {% if put.uoms %}
                <UOMs>
                    <Default>
                        <ows:UOM>{{ put.uoms[0] }}</ows:UOM>
                    </Default>
                    <Supported>
                        {% for uom in put.uoms %}
                        <ows:UOM>{{ uom }}</ows:UOM>
                        {% endfor %}
                    </Supported>
                </UOMs>
                {% endif %}
                {% if put.any_value %}
                <ows:AnyValue/>
                {% elif put.allowed_values %}
                <ows:AllowedValues>
                    {% for value in put.allowed_values %}
                    {% if value.allowed_type == "value" %}
                    <ows:Value>{{ value.value }}</ows:Value>
                    {% else %}
                    <ows:Range ows:rangeClosure="{{ value.range_closure }}">
                        {% if value.minval %}
                        <ows:MinimumValue>{{ value.minval }}</ows:MinimumValue>
                        {% endif %}
                        {% if value.maxval %}
                        <ows:MaximumValue>{{ value.maxval }}</ows:MaximumValue>
                        {% endif %}
                    </ows:Range>
                    {% endif %}
                    {% endfor %}
                </ows:AllowedValues>
                {% endif %}
                {% if put.data is defined and put.data is not none %}
                <DefaultValue>{{ put.data }}</DefaultValue>
                {% endif %}
"""  # noqa: E501 (a template)
_OURS = {"1.0.0/describe/complex.xml": _FORMAT + _COMPLEX, "1.0.0/describe/literal.xml": _LITERAL}


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """A document of version 1.0.0.

    Args:
        template: `capabilities/main.xml` or `describe/main.xml`.
        values: those that PyWPS's own responses hand over.
    """
    text = str(_environment().get_template(f"1.0.0/{template}").render(values))
    return xml_text(text).encode("utf-8")


@cache
def _environment() -> jinja2.Environment:
    made: jinja2.Environment = pywps.response.RelEnvironment(
        loader=jinja2.ChoiceLoader([jinja2.DictLoader(_OURS), jinja2.PackageLoader("pywps", "templates")]),
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    made.globals["get_translation"] = lambda each, name, language: each[name]
    return made


class Parser(WPSRequest):  # type: ignore[misc]  # PyWPS has no types
    """PyWPS's parser, without its configuration.

    Args:
        language: the one of this service.
    """

    def __init__(self, language: str) -> None:
        super().__init__()
        self._offered = language

    def of_parameters(self, parameters: Mapping[str, str]) -> Parser:
        """Read GetCapabilities or DescribeProcess as KVP. Raises OapipError."""
        request = SimpleNamespace(args=dict(parameters))
        operation = parameters.get("request", "").strip()

        def read() -> None:
            self.check_and_set_language(parameters.get("language"))
            self._get_request_parser(operation)(request)

        return self._read(read)

    def of_document(self, root: Element) -> Parser:
        """Read GetCapabilities or DescribeProcess as XML. Raises OapipError."""

        def read() -> None:
            self.set_version("1.0.0")
            self.check_and_set_language(root.get("language"))
            self._post_request_parser(root.tag)(root)

        return self._read(read)

    def check_and_set_language(self, language: str | None) -> None:
        """As PyWPS, with the language of this service; its region may be left out, and case does not count."""
        asked = (language or self._offered).lower()
        if asked not in (self._offered.lower(), self._offered.partition("-")[0].lower()):
            raise pywps.exceptions.InvalidParameterValue(f"The language {language[:50]!r} is not offered", "language")  # type: ignore[index]
        self.language = self._offered

    def check_accepted_versions(self, acceptedversions: str | None) -> None:
        """Nothing: the first version that is accepted has been found already (PyWPS takes the last)."""
        self.set_version("1.0.0")

    def check_and_set_version(self, version: str | None, allow_default: bool = True) -> None:
        """Nothing: the version has been found already, and a 1.0.0 body may call itself 2.0.0."""
        self.set_version("1.0.0")

    def _read(self, read: Any) -> Parser:
        try:
            read()
        except pywps.exceptions.NoApplicableCode as error:
            raise _own(error) from None
        return self


_KINDS: Mapping[str, type[OapipError]] = {
    "MissingParameterValue": MissingParameter,
    "InvalidParameterValue": InvalidParameter,
    "VersionNegotiationFailed": VersionNotOffered,
    "OperationNotSupported": UnknownOperation,
}


def _own(error: Any) -> OapipError:
    return _KINDS.get(error.name, BadRequest)(str(error.description), location=str(error.locator or ""))
