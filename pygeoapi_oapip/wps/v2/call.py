"""One request on its way through the binding."""

from __future__ import annotations

from dataclasses import dataclass

from ...model.identity import Principal
from ...operations import Operations
from ..door import WpsOptions, WpsRequest


@dataclass(frozen=True, slots=True)
class Call:
    """The request, who sent it, and what answers it."""

    request: WpsRequest
    service: Operations
    principal: Principal
    options: WpsOptions
