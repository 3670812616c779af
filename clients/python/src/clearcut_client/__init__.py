"""Client for a clearcut server, which removes the background from video."""

from .client import Clearcut, Clip
from .errors import ClearcutError, JobFailedError, WebhookVerificationError
from .models import (
    AlphaCheck,
    Color,
    FieldWarning,
    FrameBox,
    Job,
    JobError,
    JobPage,
    JobResult,
    NewWebhook,
    Note,
    Output,
    Preview,
    Report,
    Submitted,
    Upload,
    Warning,
    Webhook,
)
from .options import Hint, Method, OutputFormat, StorageId
from .webhooks import WebhookEvent, verify_webhook

__all__ = [
    "AlphaCheck",
    "Clearcut",
    "ClearcutError",
    "Clip",
    "Color",
    "FieldWarning",
    "FrameBox",
    "Hint",
    "Job",
    "JobError",
    "JobFailedError",
    "JobPage",
    "JobResult",
    "Method",
    "NewWebhook",
    "Note",
    "Output",
    "OutputFormat",
    "Preview",
    "Report",
    "StorageId",
    "Submitted",
    "Upload",
    "Warning",
    "Webhook",
    "WebhookEvent",
    "WebhookVerificationError",
    "verify_webhook",
]
