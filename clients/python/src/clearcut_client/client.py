"""The client: one method for each thing that a server does."""

import contextlib
import datetime
import json
import os
import pathlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO
from urllib.parse import quote

import httpx

from .errors import ClearcutError, JobFailedError
from .events import event_data
from .forms import Clip, form_of, opened
from .images import ImageMethods
from .models import Job, JobPage, NewWebhook, Preview, Submitted, Upload, Webhook
from .options import (
    Audio,
    Deinterlace,
    Event,
    FileFormat,
    Fit,
    Hint,
    Loop,
    Method,
    OutputFormat,
    Preset,
    Shadow,
    StorageId,
    fields_of,
)
from .transport import check
from .wire import from_json

#: Seconds that one request for a job waits for its end.
_POLL_SECONDS = 20
#: Polls that may fail one after the other, and the pause between them in seconds.
_MAX_FAILED_POLLS = 10
_PAUSE_SECONDS = 1.0


class Clearcut(ImageMethods):
    """A client of one server, with one API key. As a context manager it closes its connections at the end."""

    def submit(
        self,
        clip: Clip,
        *,
        formats: Sequence[OutputFormat] | None = None,
        preset: Preset | None = None,
        max_bytes: int | str | None = None,
        method: Method | None = None,
        chroma_key: str | None = None,
        tolerance: int | None = None,
        shadow: Shadow | None = None,
        deinterlace: Deinterlace | None = None,
        hints: Sequence[Hint] | None = None,
        trim: str | None = None,
        crop: str | None = None,
        tempo: float | None = None,
        loop: Loop | None = None,
        audio: Audio | None = None,
        background: str | None = None,
        fps: int | str | None = None,
        size: int | None = None,
        width: int | None = None,
        height: int | None = None,
        fit: Fit | None = None,
        edge_color: str | None = None,
        quality: int | None = None,
        clip_name: str | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Submitted:
        """Submits a clip. It is accepted, and on the server's disk, when this returns.

        A text that begins with http:// or https:// is an address, any other a path. Options that are not given have the
        server's defaults. `background` is `#RRGGBB`, `blur`, or the URL or the id of an upload of an image or a video. Within a day, the same `idempotency_key` and request name the same job.
        """
        fields = {
            "formats": formats,
            "preset": preset,
            "maxBytes": max_bytes,
            "method": method,
            "chromaKey": chroma_key,
            "tolerance": tolerance,
            "shadow": shadow,
            "deinterlace": deinterlace,
            "hints": hints,
            "trim": trim,
            "crop": crop,
            "tempo": tempo,
            "loop": loop,
            "audio": audio,
            "background": background,
            "fps": fps,
            "size": size,
            "width": width,
            "height": height,
            "fit": fit,
            "edgeColor": edge_color,
            "quality": quality,
            "clipName": clip_name,
            "webhookUrl": webhook_url,
        }
        with form_of(clip, fields) as form:
            return self._submit("video", form, idempotency_key)

    def job(self, job_id: str) -> Job:
        """Reads a job, with fresh links to its outputs."""
        return from_json(Job, self._call("GET", _path(job_id)))

    def follow(self, job_id: str) -> Iterator[Job]:
        """The job now and after each of its changes, until it has ended.

        By server-sent events, by polling if they do not come through.
        """
        revision = -1
        for job in self._changes(job_id):
            if job.revision > revision:
                revision = job.revision
                yield job

    def wait(self, job_id: str, on_progress: Callable[[Job], object] | None = None) -> Job:
        """Waits for the end of a job. Raises `JobFailedError` if it failed."""
        job = None
        for job in self.follow(job_id):
            if on_progress:
                on_progress(job)
        job = job or self.job(job_id)
        if job.status != "completed":
            raise JobFailedError(job)
        return job

    def download(self, job_id: str, path: str | os.PathLike[str], format: FileFormat | None = None) -> pathlib.Path:
        """Downloads an output of a completed job to a path, where it appears when it is complete.

        Without a format, the first output.
        """
        to = pathlib.Path(path)
        part = to.with_name(f"{to.name}.part")
        try:
            with part.open("wb") as file, self.open_output(job_id, format) as reply:
                for chunk in reply.iter_bytes():
                    file.write(chunk)
            return part.rename(to)
        finally:
            part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def open_output(self, job_id: str, format: FileFormat | None = None) -> Iterator[httpx.Response]:
        """Like `download`, but as a reply whose bytes are read as they arrive."""
        job = self.job(job_id)
        if job.status == "failed":
            raise JobFailedError(job)
        outputs = job.result.outputs if job.result else ()
        output = next((output for output in outputs if format in (None, output.format)), None)
        if output is None:
            raise LookupError(f"the job has no output {format}" if job.result else f"the job is {job.status}")
        with self._links.stream("GET", output.url) as reply:
            check(reply)
            yield reply

    def list(
        self,
        *,
        status: str | None = None,
        created_after: datetime.datetime | None = None,
        created_before: datetime.datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> JobPage:
        """A page of the jobs of this API key, newest first."""
        after, before = (
            None if moment is None else int(moment.timestamp()) for moment in (created_after, created_before)
        )
        filters = {"status": status, "createdAfter": after, "createdBefore": before, "limit": limit, "cursor": cursor}
        return from_json(JobPage, self._call("GET", "/api/v1/jobs", params=fields_of(filters)))

    def jobs(
        self,
        *,
        status: str | None = None,
        created_after: datetime.datetime | None = None,
        created_before: datetime.datetime | None = None,
    ) -> Iterator[Job]:
        """All jobs of this API key, newest first. Pages are read as they are needed."""
        cursor = None
        while True:
            page = self.list(
                status=status, created_after=created_after, created_before=created_before, cursor=cursor
            )
            yield from page.jobs
            cursor = page.next_cursor
            if cursor is None:
                return

    def cancel(self, job_id: str) -> Job:
        """Ends a job that waits or runs, as failed with `JOB_CANCELLED`. A job that has ended stays as it is."""
        return from_json(Job, self._call("POST", f"{_path(job_id)}/cancel"))

    def retry(self, job_id: str) -> Submitted:
        """Starts a new job with the clip and the options of a failed one."""
        return from_json(Submitted, self._call("POST", f"{_path(job_id)}/retry"))

    def remove(self, job_id: str) -> None:
        """Removes a job with its files."""
        self._call("DELETE", _path(job_id))

    def preview(
        self,
        clip: os.PathLike[str] | BinaryIO | StorageId,
        *,
        time: float | None = None,
        method: Method | None = None,
        chroma_key: str | None = None,
        tolerance: int | None = None,
        shadow: Shadow | None = None,
        deinterlace: Deinterlace | None = None,
        hints: Sequence[Hint] | None = None,
        trim: str | None = None,
        crop: str | None = None,
        size: int | None = None,
    ) -> Preview:
        """Cuts the frame at a time in seconds, without a job."""
        fields = {
            "time": time,
            "method": method,
            "chromaKey": chroma_key,
            "tolerance": tolerance,
            "shadow": shadow,
            "deinterlace": deinterlace,
            "hints": hints,
            "trim": trim,
            "crop": crop,
            "size": size,
        }
        with form_of(clip, fields) as form:
            return from_json(Preview, self._call("POST", "/api/v1/video/remove-background/preview", **form))

    def upload(self, clip: str | os.PathLike[str] | BinaryIO) -> Upload:
        """Sends a clip before its jobs and previews. Pass `StorageId(upload.storage_id)` as their clip."""
        begun = self._call("POST", "/api/v1/uploads")
        with opened(clip) as file:
            reply = self._links.put(begun["uploadUrl"], content=file)
        check(reply)
        return from_json(Upload, reply.json()["data"])

    def usage(self, *, from_day: str | None = None, to_day: str | None = None) -> dict[str, Any]:
        """What the jobs of this API key used, by day, as JSON. Days are 2026-11-30, in UTC."""
        usage: dict[str, Any] = self._call("GET", "/api/v1/usage", params=fields_of({"from": from_day, "to": to_day}))
        return usage

    def webhook_secret(self) -> str:
        """The secret that verifies events sent to the `webhook_url` of jobs."""
        return str(self._call("GET", "/api/v1/webhooks/secret")["secret"])

    def create_webhook(
        self, url: str, *, events: Sequence[Event] | None = None, description: str | None = None
    ) -> NewWebhook:
        """Creates an endpoint that is told of all jobs of this API key."""
        wanted = {"url": url, "events": events and [*events], "description": description}
        body = {name: value for name, value in wanted.items() if value is not None}
        return from_json(NewWebhook, self._call("POST", "/api/v1/webhooks", json=body))

    def webhooks(self) -> tuple[Webhook, ...]:
        """The endpoints of this API key."""
        found = self._call("GET", "/api/v1/webhooks")["webhooks"]
        return tuple(from_json(Webhook, webhook) for webhook in found)

    def test_webhook(self, webhook_id: str) -> None:
        """Sends a test event to an endpoint."""
        self._call("POST", f"/api/v1/webhooks/{quote(webhook_id, safe='')}/test")

    def remove_webhook(self, webhook_id: str) -> None:
        """Deletes an endpoint."""
        self._call("DELETE", f"/api/v1/webhooks/{quote(webhook_id, safe='')}")

    def _changes(self, job_id: str) -> Iterator[Job]:
        try:
            with self._http.stream("GET", f"{_path(job_id)}/events", headers={"Accept": "text/event-stream"}) as reply:
                check(reply)
                for data in event_data(reply.iter_lines()):
                    job = from_json(Job, json.loads(data))
                    yield job
                    if job.has_ended:
                        return
        except (httpx.TransportError, ClearcutError) as error:
            _raise_unless_passing(error)
        # The stream broke off, or something on the way holds it back.
        failed = 0
        while True:
            try:
                job = from_json(Job, self._call("GET", _path(job_id), params={"wait": _POLL_SECONDS}))
            except (httpx.TransportError, ClearcutError) as error:
                _raise_unless_passing(error)
                failed += 1
                if failed > _MAX_FAILED_POLLS:
                    raise
                time.sleep(getattr(error, "retry_after", None) or _PAUSE_SECONDS)
                continue
            failed = 0
            yield job
            if job.has_ended:
                return


def _path(job_id: str) -> str:
    return f"/api/v1/jobs/{quote(job_id, safe='')}"


def _raise_unless_passing(error: httpx.TransportError | ClearcutError) -> None:
    """Raises what a later attempt does not mend."""
    if isinstance(error, ClearcutError) and error.status != 429 and error.status < 500:
        raise error
