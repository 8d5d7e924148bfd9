"""Results made known in a catalogue elsewhere: STAC API Transactions, or the calls of EOEPCA's workspace.

Transactions: `POST /collections` and `POST /collections/{id}/items`; what is there already (409) is replaced by `PUT`,
so that doing it again makes no difference. EOEPCA: `POST .../register-json` with the Collection, then for each Item
`POST .../register` with `{"type": "stac-item", "url": ...}`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote

from ..errors import JobFailed, Unavailable
from ..model.json import JSONObject
from ..model.value import DirectoryOutput
from ..settings_results import Registration
from .stac_output import Addresses, collection_document, items_document

TRIES = 3
"""Of one request."""
PAUSE = 0.5
"""Seconds after the first try; each further pause is twice as long."""


class StacRegistrar:
    """Registers one catalogue at a time.

    Args:
        settings: `storage.registration`.
        sleep: waits between two tries.
    """

    def __init__(self, settings: Registration, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._sleep = sleep

    def register(self, user: str, collection: JSONObject, items: JSONObject, at: Addresses) -> None:
        """Register a Collection and its Items.

        Args:
            user: whose results they are.
            collection: as `stac_output.build` made it.
            items: the same.
            at: where the files are found.

        Raises:
            JobFailed: the catalogue refuses something.
            Unavailable: it cannot be reached, or has a fault, also after some tries.
        """
        base = self._settings.url.replace("{user}", quote(user, safe=""))
        document = collection_document(collection, at)
        features = cast("list[JSONObject]", items_document(items, at)["features"])
        if self._settings.type == "eoepca":
            self._send("POST", f"{base}/register-json", document)
            for path in cast("list[str]", items["paths"]):
                self._send("POST", f"{base}/register", {"type": "stac-item", "url": at.file(path)})
            return
        self._put(f"{base}/collections", document)
        for feature in features:
            self._put(f"{base}/collections/{quote(str(document['id']), safe='')}/items", feature)

    def _put(self, url: str, document: JSONObject) -> None:
        if self._send("POST", url, document, accepted=409) == 409:
            self._send("PUT", f"{url}/{quote(str(document['id']), safe='')}", document)

    def _send(self, method: str, url: str, document: JSONObject, accepted: int = 0) -> int:
        for attempt in range(TRIES):
            try:
                status = self._once(method, url, document)
            except Unavailable:
                if attempt + 1 == TRIES:
                    raise
                self._sleep(PAUSE * 2**attempt)
                continue
            if status >= 300 and status != accepted:
                raise JobFailed(f"the catalogue answered {status} to {method} of {_what(document)}")
            return status
        raise AssertionError("unreachable: the last try returns or raises")

    def _once(self, method: str, url: str, document: JSONObject) -> int:
        import requests

        token = self._settings.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        options: dict[str, Any] = {"timeout": self._settings.timeout, "allow_redirects": False, "headers": headers}
        try:
            # only the status counts; what else the catalogue says is not read
            with requests.request(method, url, json=document, stream=True, **options) as answer:
                status = answer.status_code
        except requests.RequestException as error:
            raise Unavailable(f"the catalogue cannot be reached ({type(error).__name__})") from None
        if status == 429 or status >= 500:
            raise Unavailable(f"the catalogue answered {status}")
        return status


def _what(document: JSONObject) -> str:
    return f"{document.get('type', 'a document')} {document.get('id') or document.get('url') or ''}".strip()


def addresses(leaf: DirectoryOutput, served: str) -> Addresses:
    """Where the files of a stored Directory are for everybody: at their own address, or else at this server.

    Args:
        leaf: the Directory.
        served: its address at this server.
    """
    base = leaf.href if "://" in leaf.href else served
    return Addresses(lambda path: f"{base}/{quote(path)}", f"{served}?f=stac", f"{served}?f=items")
