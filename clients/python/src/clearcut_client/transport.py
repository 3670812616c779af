"""Requests to the server: authorization, the envelope of replies, and errors."""

from typing import Any, Self

import httpx

from .errors import ClearcutError
from .models import Submitted
from .wire import from_json

#: Longest silence of a reply in seconds. A stream of events has a heartbeat every 15 seconds.
_TIMEOUT = httpx.Timeout(10, read=60, write=60)


class Transport:
    """Connections to one server, with one API key. As a context manager it closes them at the end."""

    def __init__(self, base_url: str, api_key: str, *, transport: httpx.BaseTransport | None = None):
        headers = {"Authorization": f"Bearer {api_key}"}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=_TIMEOUT, transport=transport)
        # Signed links need no key, and may lead elsewhere.
        self._links = httpx.Client(timeout=_TIMEOUT, transport=transport)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()
        self._links.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, method: str, path: str, **request: Any) -> Any:
        reply = self._http.request(method, path, **request)
        check(reply)
        return reply.json()["data"]

    def _submit(self, kind: str, form: dict[str, Any], idempotency_key: str | None) -> Submitted:
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        path = f"/api/v1/jobs/{kind}/remove-background"
        return from_json(Submitted, self._call("POST", path, headers=headers, **form))


def check(reply: httpx.Response) -> None:
    """Raises a `ClearcutError` unless the reply is a success."""
    if reply.is_success:
        return
    reply.read()
    seconds = reply.headers.get("Retry-After", "")
    retry_after = float(seconds) if seconds.isdigit() else None
    try:
        error = reply.json()["error"]
        code, message, details = error["code"], error["message"], error.get("details") or {}
    except (ValueError, KeyError, TypeError):
        # Something between client and server answered.
        code, message, details = "UNEXPECTED_REPLY", f"the reply has status {reply.status_code}", {}
    raise ClearcutError(reply.status_code, code, message, details, retry_after)
