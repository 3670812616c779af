"""What the methods of the client raise."""

from typing import Any, Mapping

from .models import Job


class ClearcutError(Exception):
    """The server refused a request."""

    def __init__(self, status: int, code: str, message: str, details: Mapping[str, Any], retry_after: float | None):
        super().__init__(f"{message} ({code})")
        #: HTTP status.
        self.status = status
        #: Stable code, such as `INVALID_TOLERANCE`.
        self.code = code
        self.message = message
        #: More about it, such as `field` and `allowed`.
        self.details = details
        #: Seconds after which to try again, if the server said so.
        self.retry_after = retry_after


class JobFailedError(Exception):
    """A job ended without outputs."""

    def __init__(self, job: Job):
        #: Stable code, such as `INVALID_VIDEO` or `JOB_CANCELLED`.
        self.code = job.error.code if job.error else "PROCESSING_FAILED"
        self.message = job.error.message if job.error else "the job failed"
        self.job = job
        super().__init__(f"{self.message} ({self.code})")


class WebhookVerificationError(Exception):
    """A request was signed with another secret, was changed, or is too old."""
