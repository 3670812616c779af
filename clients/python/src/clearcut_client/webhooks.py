"""Verification of webhooks by the rules of Standard Webhooks."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any, Mapping

from .errors import WebhookVerificationError
from .models import Job
from .wire import from_json


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What a webhook says."""

    #: The same when an event is sent again.
    id: str
    #: `job.started`, `job.completed`, `job.failed` or `webhook.test`.
    type: str
    #: Time of the event, as ISO 8601.
    timestamp: str
    #: The job of an event about one.
    job: Job | None
    #: The event's data as it was sent.
    data: Mapping[str, Any]


def verify_webhook(
    body: bytes | str, headers: Mapping[str, str], secret: str, *, tolerance: float = 300
) -> WebhookEvent:
    """The event of a request that was signed with `secret`, `whsec_...`.

    `body` is the body as it arrived, before it is parsed. A request may be `tolerance` seconds older or newer than the
    clock of this machine. Raises `WebhookVerificationError`.
    """
    body = body.encode() if isinstance(body, str) else body
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        event_id, timestamp, signatures = (lower[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise WebhookVerificationError(f"the header {missing} is missing") from None
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(time.time() - int(timestamp)) > tolerance:
        raise WebhookVerificationError("the timestamp is too old or too new")
    signed = f"{event_id}.{timestamp}.".encode() + body
    expected = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    # While a secret rotates, a request has two signatures.
    if not any(hmac.compare_digest(expected, given) for given in _signatures(signatures)):
        raise WebhookVerificationError("no signature fits the secret")
    event = json.loads(body)
    job = from_json(Job, event["data"]) if event["type"].startswith("job.") else None
    return WebhookEvent(event_id, event["type"], event["timestamp"], job, event["data"])


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise WebhookVerificationError("the secret is not of the form whsec_...") from None


def _signatures(header: str) -> list[bytes]:
    found = []
    for signature in header.split():
        version, _, value = signature.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(value, validate=True))
            except (binascii.Error, ValueError):
                continue
    return found
