"""Talks to the cluster: JSON in, JSON out, and this project's errors. The only module that loads the SDK."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import EngineUnavailable
from ...settings import CalrissianEngine as Settings

_CONNECT, _READ = 5.0, 20.0
"""Seconds."""
_CONFLICT = 409
_JSON = {"Accept": "application/json", "Content-Type": "application/json"}


class Refused(Exception):
    """The cluster understood a request and does not do it.

    Args:
        status: of HTTP: 403, 404, 409, 410, 422, ...
        message: as the cluster gives it.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Cluster:
    """The API server of one cluster. Made without effects; the SDK is loaded and the kubeconfig read when first used.

    Args:
        settings: of the engine.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._api: Any = None
        self._pid = 0

    def get(self, path: str, **query: str) -> Mapping[str, Any]:
        """Read an object or a list. Raises Refused, EngineUnavailable."""
        return self._ask("GET", path, query)

    def create(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an object. Raises Refused, EngineUnavailable."""
        return self._ask("POST", path, {}, body)

    def delete(self, path: str, policy: str = "Background") -> bool:
        """Remove an object and, by `policy`, what it owns. False where it was not there. Raises as `get`."""
        try:
            self._ask("DELETE", path, {}, {"propagationPolicy": policy})
        except Refused as refusal:
            if refusal.status != 404:
                raise
            return False
        return True

    def watch(self, path: str, seconds: int, **query: str) -> Iterator[Mapping[str, Any]]:
        """Events of a list, for at most some seconds.

        Raises:
            Refused: also where the cluster says so within the stream (410: the version is too old).
            EngineUnavailable: the connection broke.
        """
        import urllib3

        answer = self._open("GET", path, {**query, "watch": "1", "timeoutSeconds": str(seconds)}, None, seconds + 15)
        try:
            for line in answer:
                if line.strip():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        status = event["object"]
                        raise Refused(int(status.get("code") or 500), str(status.get("message") or "watch failed"))
                    yield event
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise EngineUnavailable(f"the cluster broke off: {type(error).__name__}") from error
        finally:
            answer.close()

    def close(self) -> None:
        """Close idle connections; the cluster can still be used."""
        with self._lock:
            api, self._api = self._api, None
        if api is not None:
            api.close()

    def _ask(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        import urllib3

        answer = self._open(method, path, query, body, _READ)
        try:
            return _mapping(answer.read())
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise EngineUnavailable(f"the cluster's answer was cut short: {type(error).__name__}") from error
        finally:
            answer.release_conn()

    def _open(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None, read: float
    ) -> Any:
        import urllib3
        from kubernetes.client.exceptions import ApiException

        api = self._loaded()
        request = api.param_serialize(
            method,
            path,
            header_params=dict(_JSON),
            query_params=list(query.items()),
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = api.call_api(*request, _request_timeout=(_CONNECT, read)).response
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            raise EngineUnavailable(f"the cluster cannot be reached: {type(error).__name__}") from error
        if answer.status < 300:
            return answer
        raise _refusal(answer)

    def _loaded(self) -> Any:
        with self._lock:
            if self._api is None or self._pid != os.getpid():
                self._api, self._pid = self._load(), os.getpid()
            return self._api

    def _load(self) -> Any:
        from kubernetes import client, config

        settings, configuration = self._settings, client.Configuration()
        load: Any = config  # has no types
        configuration.retries = False  # the reconciler tries again, and knows when
        try:
            if settings.kubeconfig is None and not settings.context and "KUBERNETES_SERVICE_HOST" in os.environ:
                load.load_incluster_config(client_configuration=configuration)
            else:
                load.load_kube_config(
                    str(settings.kubeconfig) if settings.kubeconfig else None,
                    settings.context or None,
                    client_configuration=configuration,
                )
        except (config.ConfigException, OSError, TypeError, ValueError) as error:
            name = type(error).__name__
            raise EngineUnavailable(f"the configuration of the cluster cannot be read: {name}") from error
        return client.ApiClient(configuration)


def make_once(cluster: Cluster, path: str, body: Mapping[str, Any]) -> None:
    """Make an object unless there is one of its name, which is not read. Raises Refused, EngineUnavailable."""
    try:
        cluster.create(path, body)
    except Refused as refusal:
        if refusal.status != _CONFLICT:
            raise


def _refusal(answer: Any) -> Exception:
    try:
        status = _mapping(answer.read())
    except (OSError, ValueError):
        status = {}
    finally:
        answer.release_conn()
    message = str(status.get("message") or f"status {answer.status}")
    if answer.status >= 500 or answer.status in (401, 408, 429):
        return EngineUnavailable(f"the cluster does not serve: {message}")
    return Refused(answer.status, message)


def _mapping(content: bytes) -> Mapping[str, Any]:
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found
