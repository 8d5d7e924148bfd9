"""What a stage-out tool has stored, as the result of a job: the STAC Collection, or an Item for a file.

As EOEPCA's clients see them: the id of the Collection is that of the job, all links are absolute.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import ValidationError

from ..errors import JobFailed, UnresolvableReference
from ..model.json import JSON, JSONObject
from ..packages.formats import media_type_of_name
from ..settings_s3 import S3Access, S3Credentials
from .s3_address import ObjectAddress, is_object, parse
from .wrap_values import Values

_LARGEST = 20 * 1024**2
"""Bytes of a STAC document."""
_MOST_LEVELS = 5


class WrapResults:
    """Reads what tools have stored, with the keys that these have.

    Args:
        values: of the tools.
    """

    def __init__(self, values: Values) -> None:
        self._values = values
        self._clients: dict[str, Any] = {}

    def read(self, job: tuple[str, str], name: str, told: JSON, kind: str) -> JSON:
        """The result of an output.

        Args:
            job: its id and owner.
            name: of the output.
            told: what the tool gave: an address, as a text or a URI record, or arrays of them; null stays null.
            kind: `Directory` or `File`.

        Returns:
            Arrays as the output has them; for each Directory its STAC document, for each File a STAC Item.

        Raises:
            JobFailed: a tool gave no address.
            StorageUnavailable: the storage cannot be asked now.
        """
        if isinstance(told, list | tuple):
            return [self.read(job, name, item, kind) for item in told]
        if told is None:
            return None
        address = told.get("value") if isinstance(told, Mapping) else told
        if not isinstance(address, str) or not urlsplit(address.strip()).scheme:
            raise JobFailed(f"outputs.{name}: the stage-out tool gave no address")
        return self._directory(job, address.strip()) if kind == "Directory" else file_item(job[0], address.strip())

    def _directory(self, job: tuple[str, str], address: str) -> JSON:
        link: JSON = {"href": address, "type": "application/json", "rel": "item"}
        if not is_object(address) or not address.endswith(".json"):
            return link
        found = self._collection(self._client(job[1]), parse(address), 0)
        return link if found is None else absolute({**found[0], "id": job[0]}, found[1])

    def _collection(self, client: Any, at: ObjectAddress, level: int) -> tuple[JSONObject, ObjectAddress] | None:
        """The first Collection at or below a STAC document; else the document itself; None where it is not there."""
        document = _document(client, at)
        if document is None or document.get("type") == "Collection" or level == _MOST_LEVELS:
            return None if document is None else (document, at)
        for href in _children(document):
            found = joined(at, href)
            below = self._collection(client, parse(found), level + 1) if is_object(found) else None
            if below is not None and below[0].get("type") == "Collection":
                return below
        return document, at

    def _client(self, owner: str) -> Any:
        """A client with the keys of the tools; None where they have none."""
        from .s3_client import make_client

        names = ("SERVICEURL", "REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
        endpoint, region, *keys = (self._values.text(f"STAGEOUT_AWS_{name}", owner) for name in names)
        if not all(keys[:2]):
            return None
        try:
            access = S3Access(endpoint=endpoint or None, region=region or "us-east-1")
        except ValidationError:
            return None
        known = self._clients.get(owner)
        if known is None or known[0] != keys:
            credentials = S3Credentials.model_construct(
                access_key=keys[0], secret_key=keys[1], session_token=keys[2] or None
            )
            known = self._clients[owner] = (keys, make_client(access.model_copy(update={"credentials": credentials})))
        return known[1]


def _document(client: Any, at: ObjectAddress) -> JSONObject | None:
    from .s3_faults import storing
    from .s3_objects import head

    if client is None:
        return None
    try:
        with storing(at.name):
            found = head(client, at)
            if found is None or found["ContentLength"] > _LARGEST:
                return None
            document = json.loads(client.get_object(Bucket=at.bucket, Key=at.key)["Body"].read())
    except (JobFailed, UnresolvableReference, ValueError):
        return None
    return document if isinstance(document, dict) else None


def file_item(job_id: str, address: str) -> JSONObject:
    """A minimal STAC Item for a file."""
    name = address.rstrip("/").rpartition("/")[2]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"{job_id}-{name}",
        "geometry": None,
        "properties": {"datetime": None},
        "links": [],
        "assets": {name: {"href": address, "type": media_type_of_name(name), "roles": ["data"], "title": name}},
    }


def joined(at: ObjectAddress, href: str) -> str:
    """The absolute form of an address in a document."""
    if urlsplit(href).scheme:
        return href
    parts = at.key.split("/")[:-1]
    for part in href.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return str(ObjectAddress(at.bucket, "/".join(parts)))


def absolute(document: JSONObject, at: ObjectAddress) -> JSONObject:
    """A STAC document with absolute addresses of links and assets."""
    changed = dict(document)
    links = document.get("links")
    if isinstance(links, list):
        changed["links"] = [_at(link, at) for link in links]
    assets = document.get("assets")
    if isinstance(assets, Mapping):
        changed["assets"] = {key: _at(asset, at) for key, asset in assets.items()}
    return changed


def _at(item: JSON, at: ObjectAddress) -> JSON:
    href = item.get("href") if isinstance(item, Mapping) else None
    return {**cast(JSONObject, item), "href": joined(at, href)} if isinstance(href, str) else item


def _children(document: JSONObject) -> Iterator[str]:
    links = document.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("rel") == "child" and isinstance(link.get("href"), str):
            yield str(link["href"])
