"""The type of a JSON value (RFC 8259)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Union

JSON = Union[None, bool, int, float, str, Sequence["JSON"], Mapping[str, "JSON"]]
JSONObject = Mapping[str, JSON]
