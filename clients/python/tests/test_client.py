"""The package against a real server, with a real clip."""

import contextlib
import dataclasses
import datetime
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile

import httpx

HERE = pathlib.Path(__file__).resolve()
ROOT = HERE.parents[3]
sys.path[:0] = [str(HERE.parents[1] / "src"), str(ROOT / "tests/server")]

import clearcut_client  # noqa: E402
from clearcut_client import (  # noqa: E402
    Clearcut,
    ClearcutError,
    Hint,
    JobFailedError,
    Rgb,
    StorageId,
    WebhookVerificationError,
    verify_webhook,
)
from clearcut_client.wire import wire_name  # noqa: E402
from harness import BROKEN_CLIP, Server, eventually  # noqa: E402
from hosts import ClipHost  # noqa: E402
from test_images import rgba, subject  # noqa: E402

CLIP = ROOT / "samples/mascot.mp4"
# What makes a cut short, and long enough to be cancelled.
SMALL = {"formats": ["webm"], "size": 64, "fps": 2}
LONG = {"formats": ["apng", "mov"], "size": 2048, "fps": 60}


class Meddler(httpx.BaseTransport):
    """Sends requests to the server, except for those that `meddle` answers."""

    def __init__(self, meddle):
        self._meddle = meddle
        self._onward = httpx.HTTPTransport()

    def handle_request(self, request):
        return self._meddle(request, self._onward) or self._onward.handle_request(request)

    def close(self):
        self._onward.close()


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())
        cls.base_url = f"http://127.0.0.1:{cls.server.port}"
        cls.client = cls.enterClassContext(Clearcut(cls.base_url, cls.server.key))
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def test_a_file_is_submitted_followed_and_downloaded(self):
        submitted = self.client.submit(CLIP, **{**SMALL, "formats": ["webm", "webp"]}, hints=[Hint(0, 0.5, 0.5, "keep")])
        self.assertEqual(submitted.status, "queued")
        seen = []
        job = self.client.wait(submitted.job_id, seen.append)
        self.assertEqual((job.status, job.clip_name), ("completed", "mascot.mp4"))
        revisions = [each.revision for each in seen]
        self.assertEqual(revisions, sorted(set(revisions)))
        self.assertEqual(len(job.result.report.hint_frames), 1)
        file = self.client.download(job.job_id, self.folder / "cut.webp", "webp")
        self.assertEqual(file.stat().st_size, job.result.outputs[1].size)
        self.assertEqual(file.read_bytes()[:4], b"RIFF")
        with self.assertRaises(LookupError):
            self.client.download(job.job_id, self.folder / "cut.mov", "mov")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["cut.webp"])

    def test_uploads_open_files_and_addresses_are_clips_too(self):
        upload = StorageId(self.client.upload(CLIP).storage_id)
        preview = self.client.preview(upload, time=1, size=128, tolerance=40)
        self.assertEqual(len(preview.png), preview.size)
        self.assertEqual(preview.png[:4], b"\x89PNG")

        with ClipHost(CLIP.read_bytes()) as host, CLIP.open("rb") as file:
            for clip in (upload, file, host.url, str(CLIP)):
                job = self.client.wait(self.client.submit(clip, **SMALL).job_id)
                self.assertEqual(job.result.width, 64)

    def test_an_image_is_cut_measured_and_scaled_and_becomes_emoticons(self):
        image = self.folder / "mascot.png"
        frame = ["-ss", "1", "-i", CLIP, "-frames:v", "1", "-vf", "scale=192:192", image]
        subprocess.run(["ffmpeg", "-loglevel", "error", *frame], check=True)
        self.addCleanup(image.unlink)
        cut = self.client.remove_image_background(image, method="chroma", tolerance=25, shadow="drop")
        self.assertEqual((cut.method, cut.reason, cut.warnings), ("chroma", "asked", ()))
        alphas = rgba(dataclasses.asdict(cut))[3::4]
        self.assertEqual((alphas[0], alphas[96 * 192 + 96]), (0, 255))
        found = self.client.detect_background_color(image)
        color = cut.detected_background_color
        self.assertEqual((found.background_color, found.hex), (Rgb(color.r, color.g, color.b), color.hex))
        hard = self.client.remove_image_background(image, chroma_key=found.hex, smooth_edges=False)
        self.assertEqual((hard.reason, {*rgba(dataclasses.asdict(hard))[3::4]}), ("key-given", {0, 255}))

        upload = StorageId(self.client.upload(image).storage_id)
        small = self.client.resize_image(upload, width=64, height=32, fit="contain", format="webp", quality=90)
        self.assertEqual((small.width, small.height, small.data[8:12]), (64, 32, b"WEBP"))
        self.assertEqual(len(small.data), small.size)
        thumbnail = self.client.thumbnail(image, size="small")
        self.assertEqual((thumbnail.format, thumbnail.width), ("png", 150))

        pack = self.client.emoticons(image, sizes=[32, 16])
        self.assertEqual([emoticon.size for emoticon in pack.sizes], [32, 16])
        self.assertEqual(sum(len(emoticon.png.data) for emoticon in pack.sizes), pack.total_png_size)
        with zipfile.ZipFile(io.BytesIO(self.client.emoticon_zip(image, sizes=[32, 16]))) as files:
            self.assertEqual(files.read("webp/emoticon-16px.webp"), pack.sizes[1].webp.data)

        with self.assertRaises(ClearcutError) as caught:
            self.client.detect_background_color(io.BytesIO(b"These are my notes."))
        self.assertEqual((caught.exception.status, caught.exception.code), (400, "INVALID_IMAGE"))

    def test_images_are_cut_by_one_job(self):
        photos = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (photos / "deep").mkdir()
        for name, data in {"one.png": subject(), "deep/two.png": subject(48), "broken.png": subject()[:60]}.items():
            (photos / name).write_bytes(data)
        (photos / ".hidden").touch()
        submitted = self.client.submit_images(photos, method="chroma", clip_name="photos", idempotency_key="photos")
        again = self.client.submit_images(str(photos), method="chroma", clip_name="photos", idempotency_key="photos")
        self.assertEqual((submitted.job_id, submitted.warnings), (again.job_id, ()))
        job = self.client.wait(submitted.job_id)
        self.assertEqual((job.type, job.result.duration, job.result.output_format), ("image", None, "zip"))
        broken, two, one = job.result.images
        self.assertEqual((broken.name, broken.status, broken.error.code), ("broken.png", "failed", "INVALID_IMAGE"))
        self.assertEqual((two.name, two.file, two.width, two.method), ("deep/two.png", "deep/two.png", 48, "chroma"))
        self.assertEqual((one.name, one.error), ("one.png", None))
        path = self.client.download(job.job_id, photos / "cuts.zip", "zip")
        cut = self.client.remove_image_background(photos / "one.png", method="chroma")
        with zipfile.ZipFile(path) as files:
            self.assertEqual(files.read("one.png"), cut.png)

        for images, format in ((path, "zip"), ([photos / "one.png", io.BytesIO(subject(48))], "zip"), (photos / "one.png", "png")):
            job = self.client.wait(self.client.submit_images(images, method="chroma").job_id)
            self.assertEqual((job.result.output_format, len(job.result.images)), (format, 1 if format == "png" else 2))
        with self.assertRaises(ClearcutError) as caught:
            self.client.submit_images(CLIP)
        self.assertEqual(caught.exception.status, 400)

    def test_the_examples_with_images_run(self):
        readme = (HERE.parents[1] / "README.md").read_text()
        (section,) = re.findall(r"## Images\n(.*?)\n## ", readme, re.DOTALL)
        example = "".join(re.findall(r"```python\n(.*?)```", section, re.DOTALL))
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            pathlib.Path("photos").mkdir()
            for name in ("photo.jpg", "photos/one.png", "photos/two.png"):
                pathlib.Path(name).write_bytes(subject())
            with contextlib.redirect_stdout(io.StringIO()):
                exec(example, {"client": self.client})
            self.assertEqual(pathlib.Path("photo.png").read_bytes()[:4], b"\x89PNG")
            self.assertEqual(len(zipfile.ZipFile("photos.zip").namelist()), 2)

    def test_jobs_are_listed_repeated_safely_and_removed(self):
        first = self.client.submit(CLIP, **SMALL, idempotency_key="the-same")
        again = self.client.submit(CLIP, **SMALL, idempotency_key="the-same")
        self.assertEqual(first.job_id, again.job_id)
        self.client.wait(first.job_id)
        recent = datetime.datetime.now() - datetime.timedelta(hours=1)
        self.assertEqual(len(self.client.list(limit=1, created_after=recent).jobs), 1)
        self.assertEqual(len(self.client.list(created_before=recent).jobs), 0)
        self.assertIn(first.job_id, [job.job_id for job in self.client.jobs()])
        self.client.remove(first.job_id)
        with self.assertRaises(ClearcutError) as caught:
            self.client.job(first.job_id)
        self.assertEqual((caught.exception.status, caught.exception.code), (404, "JOB_NOT_FOUND"))
        self.assertIn("total", self.client.usage())

    def test_failed_and_cancelled_jobs_are_errors_with_their_code(self):
        broken = self.folder / "broken.mp4"
        broken.write_bytes(BROKEN_CLIP)
        self.addCleanup(broken.unlink)
        failed = self.client.submit(broken, **SMALL)
        with self.assertRaises(JobFailedError) as caught:
            self.client.wait(failed.job_id)
        self.assertEqual(caught.exception.code, "INVALID_VIDEO")
        retried = self.client.retry(failed.job_id)
        cancelled = self.client.submit(CLIP, **LONG)
        self.assertEqual(self.client.cancel(cancelled.job_id).error.code, "JOB_CANCELLED")
        for job_id, code in ((cancelled.job_id, "JOB_CANCELLED"), (retried.job_id, "INVALID_VIDEO")):
            with self.assertRaises(JobFailedError) as caught:
                self.client.wait(job_id)
            self.assertEqual(caught.exception.code, code)

    def test_a_refused_request_tells_code_and_details(self):
        with self.assertRaises(ClearcutError) as caught:
            self.client.submit(CLIP, tolerance=150)
        error = caught.exception
        self.assertEqual((error.status, error.code, error.details["field"]), (400, "INVALID_TOLERANCE", "tolerance"))
        with Clearcut(self.base_url, "hc_nobody") as stranger, self.assertRaises(ClearcutError) as caught:
            stranger.list()
        self.assertEqual(caught.exception.code, "INVALID_API_KEY")

    def test_where_events_do_not_come_through_the_job_is_polled(self):
        polls = []

        def meddle(request, _):
            if "wait" in request.url.params:
                polls.append(request)
                if len(polls) == 1:
                    raise httpx.ConnectError("the network is down")
            if request.url.path.endswith("/events"):
                return httpx.Response(502, text="bad gateway")

        with Clearcut(self.base_url, self.server.key, transport=Meddler(meddle)) as client:
            self.assertEqual(client.wait(client.submit(CLIP, **SMALL).job_id).status, "completed")
        self.assertGreaterEqual(len(polls), 2)

    def test_a_stream_that_breaks_off_is_continued_and_no_change_comes_twice(self):
        class Broken(httpx.SyncByteStream):
            def __init__(self, reply):
                self._reply = reply

            def __iter__(self):
                yield 2 * next(iter(self._reply.stream))
                raise httpx.ReadError("the stream broke")

            def close(self):
                self._reply.close()

        def meddle(request, onward):
            if request.url.path.endswith("/events"):
                reply = onward.handle_request(request)
                return httpx.Response(200, headers=reply.headers, stream=Broken(reply))

        with Clearcut(self.base_url, self.server.key, transport=Meddler(meddle)) as client:
            job_id = client.submit(CLIP, **SMALL).job_id
            revisions = [job.revision for job in client.follow(job_id)]
        self.assertEqual(revisions, sorted(set(revisions)))
        self.assertEqual(self.client.job(job_id).revision, revisions[-1])

    def test_deliveries_are_verified_and_what_was_changed_or_is_old_is_refused(self):
        receiver = self.server.receiver
        made = self.client.create_webhook(receiver.url, events=["job.completed"])
        self.assertEqual([each.webhook_id for each in self.client.webhooks()], [made.webhook_id])
        self.client.test_webhook(made.webhook_id)
        body, headers = self.delivery(lambda event: event["type"] == "webhook.test")
        event = verify_webhook(body, headers, made.secret)
        self.assertEqual((event.type, event.job), ("webhook.test", None))
        own = self.client.webhook_secret()
        stamp = str(int(headers["webhook-timestamp"]) - 301)
        for body_, headers_, secret in (
            (body.replace(b"test", b"Test"), headers, made.secret),
            (body, {**headers, "webhook-id": "msg_other"}, made.secret),
            (body, {**headers, "webhook-timestamp": stamp}, made.secret),
            (body, {**headers, "webhook-timestamp": "soon"}, made.secret),
            (body, {**headers, "webhook-signature": "v1,####"}, made.secret),
            (body, {"webhook-id": "msg"}, made.secret),
            (body, headers, own),
            (body, headers, "whsec_####"),
        ):
            with self.assertRaises(WebhookVerificationError):
                verify_webhook(body_, headers_, secret)
        with self.assertRaisesRegex(WebhookVerificationError, "too old"):
            verify_webhook(body, headers, made.secret, tolerance=-1)
        self.client.remove_webhook(made.webhook_id)
        self.assertEqual(self.client.webhooks(), ())
        job_id = self.client.submit(CLIP, **SMALL, webhook_url=receiver.url).job_id
        body, headers = self.delivery(lambda event: event["type"] == "job.completed" and event["data"]["jobId"] == job_id)
        event = verify_webhook(body.decode(), headers, own)
        self.assertEqual((event.job.job_id, event.job.status), (job_id, "completed"))

    def delivery(self, wanted):
        """The body and the headers of the first delivery that is wanted."""
        received = self.server.receiver.received
        return eventually(
            lambda: next(((body, headers) for headers, body in list(received) if wanted(json.loads(body))), None)
        )


class ModelTest(unittest.TestCase):
    def test_models_have_the_fields_of_the_document(self):
        schemas = json.loads((ROOT / "openapi.json").read_text())["components"]["schemas"]
        names = {
            "AlphaCheck": "OutputAlphaCheck",
            "FrameBox": "WarningBox",
            "JobPage": "Page",
            "NewWebhook": "WebhookMade",
            "Note": "ResultNote",
            "Upload": "Uploaded",
            "Warning": "ReportWarning",
        }

        def properties(schema):
            if "$ref" in schema:
                schema = schemas[schema["$ref"].rpartition("/")[2]]
            return set(schema.get("properties", ())).union(*map(properties, schema.get("allOf", ())))

        for name in clearcut_client.__all__:
            model = getattr(clearcut_client, name)
            if getattr(model, "__module__", "") != "clearcut_client.models" or names.get(name, name) not in schemas:
                continue
            fields = {wire_name(field.name): field for field in dataclasses.fields(model)}
            wanted = properties(schemas[names.get(name, name)])
            self.assertLessEqual(wanted, set(fields), name)
            surplus = [fields[field] for field in set(fields) - wanted]
            self.assertTrue(all(field.default is not dataclasses.MISSING for field in surplus), (name, surplus))


if __name__ == "__main__":
    unittest.main()
