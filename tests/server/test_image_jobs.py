"""Jobs of images, with the real binary: what comes out, what is refused, and that neither hostile archives nor a killed server leave anything."""

import functools
import http.client
import io
import json
import random
import struct
import unittest
import zipfile
import zlib

import harness
from harness import CLIP, MULTIPART, SUBMIT, eventually, form
from hosts import ClipHost
from invariants import check_invariants
from test_images import chunk, png, rgba_of, subject
from test_input import upload

# Without a model, whichever this machine has.
Server = functools.partial(harness.Server, "--models", "no-models")
IMAGES = "/api/v1/jobs/image/remove-background"
BROKEN = b"\xff\xd8\xff\xe0" + bytes(5000)


def body(files, **fields):
    """The form of a submit: `files` are names and bytes."""
    head = '--X\r\nContent-Disposition: form-data; name="file"; filename="{}"\r\n\r\n'
    parts = [head.format(name).encode() + data + b"\r\n" for name, data in files]
    return b"".join(parts) + form(None, fields)


def submit(server, *files, headers=(), **fields):
    """The status, and the data or the error."""
    if server.receiver:
        fields.setdefault("webhookUrl", server.receiver.url)
    status, reply = server.request("POST", IMAGES, body(files, **fields), {**MULTIPART, **dict(headers)})
    reply = json.loads(reply)
    return status, reply.get("data") or reply["error"]


def ended(server, *files, **fields):
    """The job of a submit, once it has ended."""
    status, data = submit(server, *files, **fields)
    assert status == 202, data
    return server.wait(data["jobId"])


def archive(files, compression=zipfile.ZIP_DEFLATED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as writer:
        for name, data in files:
            writer.writestr(name, data)
    return packed.getvalue()


def noisy_subject(side):
    """A subject that cannot be compressed, before a flat background."""
    noise = random.Random(side)
    margin = bytes((0, 200, 0, 255)) * (side // 4)
    opaque = lambda: b"".join(noise.randbytes(3) + b"\xff" for _ in range(side // 2))
    rows = [margin + opaque() + margin for _ in range(side // 2)]
    empty = [bytes((0, 200, 0, 255)) * side] * (side // 4)
    return png(side, side, [*empty, *rows, *empty])


def listed(job):
    """Name, file and error code of each image."""
    return [(image["name"], image["file"], (image["error"] or {}).get("code")) for image in job["result"]["images"]]


def unzipped(server, job):
    with zipfile.ZipFile(io.BytesIO(server.download(job["jobId"]))) as files:
        assert files.testzip() is None
        return {name: files.read(name) for name in files.namelist()}


class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())

    def test_one_image_becomes_a_png_without_its_background(self):
        job = ended(self.server, ("mascot.jpg", subject()))
        result = job["result"]
        self.assertEqual((job["type"], job["status"], job["clipName"]), ("image", "completed", "mascot.jpg"))
        self.assertEqual((result["outputFormat"], result["width"], result["height"]), ("png", 64, 64))
        self.assertEqual([result[name] for name in ("duration", "frameCount", "fps", "frameRate", "report")], [None] * 5)
        self.assertEqual(listed(job), [("mascot.jpg", None, None)])
        self.assertEqual(result["images"][0]["method"], "chroma")
        self.assertEqual(result["detectedBackgroundColor"]["hex"], "#00C800")
        image = self.server.download(job["jobId"])
        self.assertEqual(len(image), result["outputSize"])
        pixels = rgba_of(image)
        alpha = lambda x, y: pixels[(y * 64 + x) * 4 + 3]
        self.assertEqual([alpha(0, 0), alpha(63, 63), alpha(32, 32)], [0, 0, 255])

    def test_of_three_images_the_broken_one_is_listed_and_the_others_are_cut(self):
        # A file that was sent by its name is no hidden one.
        files = [("a/Füße.jpg", subject()), ("broken.jpg", BROKEN), ("Thumbs.db", CLIP), ("a/Füße.jpg", subject(32))]
        job = ended(self.server, *files)
        self.assertEqual((job["status"], job["clipName"]), ("completed", "images.zip"))
        self.assertEqual(job["result"]["outputFormat"], "zip")
        failed = [(name, None, "INVALID_IMAGE") for name in ("broken.jpg", "Thumbs.db")]
        cut = [(f"a/{stem}.jpg", f"a/{stem}.png", None) for stem in ("Füße", "Füße-2")]
        self.assertEqual(listed(job), [cut[0], *failed, cut[1]])
        files = unzipped(self.server, job)
        self.assertEqual(list(files), ["a/Füße.png", "a/Füße-2.png"])
        self.assertEqual([len(rgba_of(file)) for file in files.values()], [64 * 64 * 4, 32 * 32 * 4])

    def test_a_zip_of_a_folder_keeps_its_folders_and_names_what_is_no_image(self):
        added = [("__MACOSX/x/._1.png", b"x"), ("x/.DS_Store", b"x"), ("x/Thumbs.db", b"x")]
        names = ("x/1.png", "x/y/2.png", "../../evil.png", "/x/1.PNG", "C:\\z\\1.png")
        packed = archive([*((name, subject()) for name in names), *added, ("x/notes.pdf", b"%PDF-1.7"), ("clip.mp4", CLIP)])
        job = ended(self.server, ("photos.zip", packed))
        expected = ["x/1.png", "x/y/2.png", "evil.png", "x/1-2.png", "C/z/1.png"]
        self.assertEqual([file for _, file, _ in listed(job)], [*expected, None, None])
        self.assertEqual([code for _, _, code in listed(job)], [None] * 5 + ["INVALID_IMAGE"] * 2)
        self.assertIn("PDF", job["result"]["images"][5]["error"]["message"])
        self.assertEqual(sorted(unzipped(self.server, job)), sorted(expected))
        path = self.server.path_of(job["result"]["outputUrl"])
        self.assertIn("filename=photos-cut.zip", path)
        headers = self.headers_of(path)
        self.assertEqual(headers["Content-Type"], "application/zip")
        self.assertIn('filename="photos-cut.zip"', headers["Content-Disposition"])

    def headers_of(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        try:
            connection.request("HEAD", path)
            return connection.getresponse().headers
        finally:
            connection.close()

    def test_the_same_files_in_the_same_order_are_the_same_submit(self):
        files = [("1.png", subject()), ("2.png", subject(32))]
        once = {"Idempotency-Key": "images"}
        first, again = (submit(self.server, *files, headers=once) for _ in range(2))
        self.assertEqual((first[0], first[1]["jobId"]), (again[0], again[1]["jobId"]))
        status, error = submit(self.server, *reversed(files), headers=once)
        self.assertEqual((status, error["code"]), (422, "IDEMPOTENCY_CONFLICT"))
        self.server.wait(first[1]["jobId"])

    def test_an_address_and_an_upload_give_an_image_or_an_archive(self):
        packed = archive([("a.gif.heic", b"x" * 20), ("1.png", subject()), ("2.png", subject())])
        for data, name, format in ((subject(), "image", "png"), (packed, "1.png", "zip")):
            storage_id, _, (status, _) = upload(self.server, data)
            self.assertEqual(status, 200)
            with ClipHost(data) as host:
                url = f"http://127.0.0.1:{host.port}/image"
                for source in ({"url": url}, {"inputStorageId": storage_id}):
                    with self.subTest(format=format, source=list(source)):
                        job = ended(self.server, **source)
                        self.assertEqual((job["status"], job["result"]["outputFormat"]), ("completed", format))
                        self.assertIn(name, [image["name"] for image in job["result"]["images"]])

    def test_no_image_at_all_fails_the_job_as_the_first_did(self):
        job = ended(self.server, ("1.jpg", BROKEN), ("2.jpg", BROKEN))
        self.assertEqual((job["status"], job["error"]["code"]), ("failed", "INVALID_IMAGE"))
        self.assertIn("none of the 2 images could be cut; the first, 1.jpg:", job["error"]["message"])
        status, retried = self.server.request("POST", f"/api/v1/jobs/{job['jobId']}/retry")
        self.assertEqual(status, 202, retried)
        retried = self.server.wait(json.loads(retried)["data"]["jobId"])
        self.assertEqual((retried["type"], retried["status"]), ("image", "failed"))

    def test_events_webhooks_the_list_and_the_usage_tell_of_images(self):
        usage = lambda: sum(day["frames"] for day in json.loads(self.server.request("GET", "/api/v1/usage")[1])["data"]["days"])
        before = usage()
        job = ended(self.server, ("1.png", subject()), ("2.png", subject()), ("3.jpg", BROKEN))
        hooks = lambda: [json.loads(hook)["data"] for _, hook in self.server.receiver.received]
        told = eventually(lambda: [hook for hook in hooks() if hook["jobId"] == job["jobId"] and hook["status"] == "completed"])
        self.assertEqual([len(told[0]["result"]["images"]), told[0]["type"]], [3, "image"])
        status, jobs = self.server.request("GET", "/api/v1/jobs?limit=100")
        found = [found for found in json.loads(jobs)["data"]["jobs"] if found["jobId"] == job["jobId"]]
        self.assertEqual([other["result"]["images"] for other in found], [None], "a list may be long")
        self.assertEqual(len(self.server.read(job["jobId"])["result"]["images"]), 3)
        self.assertEqual(usage() - before, 2)
        self.assertEqual(self.server.read(job["jobId"])["stage"], None)


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("--max-upload-mib", "4", hooks=False))

    def test_what_can_be_known_at_once_is_refused_and_nothing_is_left(self):
        large = subject()[:33] + bytes(5 << 20)
        cases = {
            "clip": ([("clip.mp4", CLIP)], 400, "INVALID_IMAGE", "/api/v1/jobs/video/remove-background"),
            "text": ([("a.txt", b"text")], 400, "INVALID_IMAGE", "JPEG"),
            "only texts": ([("a.txt", b"text"), ("b.txt", b"text")], 400, "INVALID_IMAGE", "JPEG"),
            "empty": ([("a.png", b"")], 400, "INVALID_IMAGE", "empty"),
            "empty archive": ([("a.zip", archive([]))], 400, "INVALID_IMAGE", "an empty ZIP archive"),
            "archive and image": ([("1.png", subject()), ("a.zip", archive([("1.png", b"")]))], 400, "INVALID_REQUEST", "ZIP"),
            "none": ([], 400, "INVALID_REQUEST", "file is missing"),
            "501": ([(f"{n}.png", subject(8)) for n in range(501)], 400, "INVALID_REQUEST", "1 to 500 images"),
            "too large": ([("1.png", large)], 413, "FILE_TOO_LARGE", "larger"),
        }
        for name, (files, status, code, message) in cases.items():
            with self.subTest(name):
                found, error = submit(self.server, *files)
                self.assertEqual((found, error["code"]), (status, code), error)
                self.assertIn(message, error["message"])
        status, error = submit(self.server, ("1.png", subject()), tolerance="101")
        self.assertEqual((status, error["code"], error["details"]["field"]), (400, "INVALID_TOLERANCE", "tolerance"))
        status, reply = self.server.request("POST", SUBMIT, body([("photo.png", subject())]), MULTIPART)
        self.assertIn("several to POST /api/v1/jobs/image/remove-background", json.loads(reply)["error"]["message"])
        clip, _, _ = upload(self.server)
        status, error = submit(self.server, inputStorageId=clip)
        self.assertEqual((status, error["code"]), (400, "INVALID_IMAGE"))
        self.assertEqual(self.server.rows("SELECT COUNT(*) FROM jobs"), [(0,)])
        self.assertEqual(len(self.server.objects()), 1, "the upload")

    def test_five_hundred_images_with_long_names_are_one_job(self):
        files = [(f"folder/{'n' * 150}-{n}.png", subject(8)) for n in range(500)]
        status, data = submit(self.server, *files)
        self.assertEqual(status, 202, data)
        status, cancelled = self.server.request("POST", f"/api/v1/jobs/{data['jobId']}/cancel")
        self.assertEqual((status, json.loads(cancelled)["data"]["error"]["code"]), (200, "JOB_CANCELLED"))
        check_invariants(self.server, [data["jobId"]])
        self.server.request("DELETE", f"/api/v1/jobs/{data['jobId']}")

    def test_a_field_without_effect_is_named(self):
        status, data = submit(self.server, ("1.png", subject()), edgeSampleSize="5", tolerence="3")
        self.assertEqual([warning["field"] for warning in data["warnings"]], ["tolerence", "edgeSampleSize"])
        job = self.server.wait(data["jobId"])
        self.server.request("DELETE", f"/api/v1/jobs/{job['jobId']}")


class HostileArchives(unittest.TestCase):
    def test_a_hostile_archive_fails_its_job_by_its_reason(self):
        packed = archive([("1.png", subject())])
        encrypted = bytearray(packed)
        for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            encrypted[packed.index(signature) + flags] |= 1
        # Two names for the bytes of one file.
        pair = archive([("1.png", subject()), ("2.png", subject())])
        shared = bytearray(pair)
        offset = pair.rindex(b"PK\x01\x02") + 42
        shared[offset : offset + 4] = bytes(4)
        jpeg = b"\xff\xd8\xff\xe0" + bytes(300 << 20)
        # Most entries share the bytes of one name; the directory alone is some megabytes.
        crowd = archive([(f"{n:05}.png", b"") for n in range(65_536)], zipfile.ZIP_STORED)
        cases = {
            "encrypted": (bytes(encrypted), "encrypted"),
            "cut off": (packed[:-30], "damaged or cut off"),
            "shared bytes": (bytes(shared), "damaged or cut off"),
            "501 files": (archive([(f"{n}.png", b"") for n in range(501)]), "more than 500 files"),
            "65,536 files": (crowd, "more than 500 files"),
            "hidden files": (archive([(".DS_Store", b"x"), ("__MACOSX/1.png", subject())]), "holds no images"),
            "bomb": (archive([("1.jpg", jpeg)]), "larger than 256 MiB"),
            "image bomb": (archive([("1.png", png(100_000, 100_000))]), "million pixels"),
        }
        with Server() as server:
            before = server.resident_bytes()
            jobs = []
            for name, (data, reason) in cases.items():
                with self.subTest(name):
                    job = ended(server, ("a.zip", data))
                    jobs.append(job["jobId"])
                    self.assertEqual((job["status"], job["error"]["code"]), ("failed", "INVALID_IMAGE"))
                    self.assertIn(reason, job["error"]["message"])
            self.assertLess(server.resident_bytes() - before, 128 << 20)
            check_invariants(server, jobs)

    def test_a_bomb_beside_an_image_is_listed(self):
        flat = zlib.compress(bytes(30_001) * 30_000, 9)
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0))
        bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", flat) + chunk(b"IEND", b"")
        with Server(hooks=False) as server:
            job = ended(server, ("a.zip", archive([("bomb.png", bomb), ("1.png", subject())])))
            self.assertEqual(listed(job), [("bomb.png", None, "INVALID_IMAGE"), ("1.png", "1.png", None)])


class Faults(unittest.TestCase):
    # Enough to be killed in the middle, and more than the unpacking process gets rid of at once.
    files = [(f"{n}.png", image) for image in (noisy_subject(256),) for n in range(60)]

    def test_a_server_killed_in_the_middle_completes_the_job_after_its_start(self):
        with Server() as server:
            status, data = submit(server, *self.files)
            with server.held(data["jobId"]):
                server.kill()
            job = server.start().wait(data["jobId"])
            self.assertEqual((job["status"], len(unzipped(server, job))), ("completed", 60))
            check_invariants(server, [job["jobId"]])

    def test_a_cancelled_job_ends_its_processes_and_keeps_nothing(self):
        with Server() as server:
            status, data = submit(server, *self.files)
            with server.held(data["jobId"]):
                status, _ = server.request("POST", f"/api/v1/jobs/{data['jobId']}/cancel")
                self.assertEqual(status, 200)
            job = server.wait(data["jobId"])
            self.assertEqual((job["status"], job["error"]["code"]), ("failed", "JOB_CANCELLED"))
            check_invariants(server, [job["jobId"]])
            self.assertEqual(server.request("DELETE", f"/api/v1/jobs/{data['jobId']}")[0], 200)
            eventually(lambda: not server.objects())


if __name__ == "__main__":
    unittest.main()
