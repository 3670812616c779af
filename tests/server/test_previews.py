"""Previews of one frame, with the real binary: it is that of the cut, and nothing is left of it."""

import base64
import functools
import http.client
import json
import pathlib
import subprocess
import tempfile
import time
import unittest

import harness
from harness import BROKEN_CLIP, CLIP, MULTIPART, PREVIEW, ROOT, eventually, form
from processes import children_of, running, stop_children
from test_input import upload

Server = functools.partial(harness.Server, hooks=False)
SIDE = 192


def preview(server, clip=None, timeout=60, **fields):
    status, body = server.request("POST", PREVIEW, form(clip, fields), MULTIPART, timeout)
    reply = json.loads(body)
    assert reply["success"] == (status == 200), reply
    return status, reply["data"] if status == 200 else reply["error"]


def ffmpeg(*arguments, given=None):
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", *arguments]
    if given is not None:
        command.remove("-nostdin")
    return subprocess.run(command, check=True, capture_output=True, input=given).stdout


def rgba_of_png(data):
    return ffmpeg("-f", "png_pipe", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "rgba", "pipe:1", given=data)


def png_of(data):
    prefix = "data:image/png;base64,"
    assert data["url"].startswith(prefix)
    png = base64.b64decode(data["url"][len(prefix) :])
    assert len(png) == data["size"] and png.startswith(b"\x89PNG\r\n\x1a\n")
    return png


def apart(one, other):
    """Mean difference of alpha, and of color where both are opaque."""
    assert len(one) == len(other), (len(one), len(other))
    alpha = sum(abs(a - b) for a, b in zip(one[3::4], other[3::4])) / (len(one) // 4)
    both = [at for at in range(0, len(one), 4) if one[at + 3] == other[at + 3] == 255]
    color = sum(abs(one[at + k] - other[at + k]) for at in both for k in range(3)) / max(1, 3 * len(both))
    return alpha, color


class Frames(unittest.TestCase):
    def test_a_preview_is_the_picture_of_the_cut_at_that_time_in_every_container(self):
        source = ("-i", str(ROOT / "samples/mascot.mp4"), "-t", "2")
        tone = ("-f", "lavfi", "-i", "sine=d=3")
        clips = {
            "mp4": (*source, "-c:v", "libx264", "-g", "30", "-bf", "3"),
            # Sound that begins earlier than the video.
            "mkv": (*tone, "-itsoffset", "0.7", *source, "-map", "1:v", "-map", "0:a", "-c:v", "libx264", "-bf", "2"),
            "webm": (*source, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-g", "20"),
            "avi": (*source, "-an", "-c:v", "mjpeg", "-q:v", "2"),
            "gif": (*source, "-vf", "fps=10"),
            # Every second frame is missing for a while.
            "m4v": (*source, "-vf", "select='not(between(n,20,40)*mod(n,2))'", "-fps_mode", "vfr", "-f", "mp4", "-g", "8"),
            "mov": (*source, "-c:v", "prores_ks"),
        }
        with tempfile.TemporaryDirectory() as folder, Server() as server:
            for kind, arguments in clips.items():
                path = pathlib.Path(folder) / f"clip.{kind}"
                filters = [f"{arguments[arguments.index('-vf') + 1]}," if "-vf" in arguments else ""]
                plain = [word for at, word in enumerate(arguments) if word != "-vf" and arguments[at - 1] != "-vf"]
                ffmpeg(*plain, "-vf", f"{filters[0]}scale={SIDE}:{SIDE}", "-y", str(path))
                storage_id, _, (code, _) = upload(server, path.read_bytes())
                self.assertEqual(code, 200)
                job = server.submit_job(None, inputStorageId=storage_id, format="apng", quality="100", fps="source")
                ended = server.wait(job)
                self.assertEqual(ended["status"], "completed", (kind, ended["error"]))
                result = ended["result"]
                fps, count = result["fps"], result["frameCount"]
                cut = pathlib.Path(folder) / "cut.apng"
                cut.write_bytes(server.download(job))
                raw = ffmpeg("-i", str(cut), "-vf", f"fps={fps}", "-f", "rawvideo", "-pix_fmt", "rgba", "pipe:1")
                size = SIDE * SIDE * 4
                for index in (0, 1, count // 2, count - 2, count - 1):
                    with self.subTest(kind=kind, index=index, of=count):
                        asked = f"{index / fps + 0.3 / fps:.4f}"
                        status, data = preview(server, inputStorageId=storage_id, time=asked, size="2048")
                        self.assertEqual(status, 200, data)
                        self.assertEqual((data["width"], data["height"], data["format"]), (SIDE, SIDE, "png"))
                        self.assertAlmostEqual(data["time"], index / fps, places=3)
                        self.assertEqual(data["detectedBackgroundColor"], result["detectedBackgroundColor"])
                        found = rgba_of_png(png_of(data))
                        alpha, color = apart(found, raw[index * size : (index + 1) * size])
                        # A cut remembers pockets from its beginning on, a preview from four frames before.
                        self.assertLess(alpha, 2.5)
                        self.assertLess(color, 1.5)
                        others = [other for other in (index - 1, index + 1) if 0 <= other < count]
                        wrong = min(sum(apart(found, raw[other * size : (other + 1) * size])) for other in others)
                        self.assertLess(1.2 * (alpha + color), wrong, "another frame is as near")

    def test_a_part_of_a_clip_and_of_its_frames_is_previewed_and_cut(self):
        with tempfile.TemporaryDirectory() as folder, Server() as server:
            storage_id, _, _ = upload(server)
            part = {"trim": "0.5,00:00:01.500", "crop": "120,0,480,720"}
            status, data = preview(server, inputStorageId=storage_id, time="1", size="240", **part)
            self.assertEqual((status, data["width"], data["height"]), (200, 160, 240), data)
            self.assertEqual(data["warnings"], [])
            status, refused = preview(server, inputStorageId=storage_id, time="2", size="240", **part)
            self.assertEqual((status, refused["code"]), (400, "INVALID_REQUEST"), refused)
            self.assertIn("trim 0.5,1.5 leaves it out", refused["message"])
            # Without a time, its start; 0.51 s lies within a frame, and the part begins with the next one.
            for trim, first in (("0.5,", 0.5), ("0.51,", 16 / 30)):
                status, data = preview(server, inputStorageId=storage_id, size="240", trim=trim)
                self.assertEqual((status, round(data["time"], 2)), (200, round(first, 2)), data)
            fields = {"inputStorageId": storage_id, "format": "mov", "fps": "source", "size": "240"}
            for audio, streams in (("keep", ["video", "audio"]), ("drop", ["video"])):
                job = server.submit_job(None, audio=audio, **part, **fields)
                result = server.wait(job)["result"]
                found = (result["frameCount"], result["duration"], result["width"], result["height"])
                self.assertEqual(found, (30, 1, 160, 240))
                cut = pathlib.Path(folder) / f"{audio}.mov"
                cut.write_bytes(server.download(job))
                command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0", str(cut)]
                self.assertEqual(subprocess.run(command, capture_output=True, text=True).stdout.split(), streams)
            exact = {"inputStorageId": storage_id, "format": "apng", "width": "120", "height": "90", "fit": "cover"}
            result = server.wait(server.submit_job(None, trim="2,", **exact))["result"]
            self.assertEqual((result["width"], result["height"], result["frameCount"]), (120, 90, 5))
            for wrong, said in (
                ({"trim": "1,9"}, "the clip is 2.200 s long, and trim 1,9 ends behind it"),
                ({"crop": "0,0,722,2"}, "the frames of the clip are 720×720, and crop 0,0,722,2 does not lie in them"),
            ):
                ended = server.wait(server.submit_job(None, **wrong, **fields))
                self.assertEqual((ended["status"], ended["error"]["code"]), ("failed", "INVALID_REQUEST"), ended)
                self.assertEqual(ended["error"]["message"], said)

    def test_tolerance_and_key_change_the_picture_and_method_and_confidence_are_said(self):
        with Server() as server:
            storage_id, _, _ = upload(server)
            solid = lambda data: rgba_of_png(png_of(data))[3::4].count(255)
            status, careful = preview(server, inputStorageId=storage_id, tolerance="0", size="256")
            self.assertEqual(status, 200, careful)
            began = time.monotonic()
            _, ruthless = preview(server, inputStorageId=storage_id, tolerance="100", size="256")
            again = time.monotonic() - began
            self.assertGreater(solid(careful), solid(ruthless))
            self.assertEqual((careful["processingMethod"], careful["reason"]), ("chromakey", "flat-background"))
            self.assertGreater(careful["confidence"], 0.5)
            self.assertLess(again * 1000, careful["processingTime"], "the moment was looked for anew")
            status, other = preview(server, inputStorageId=storage_id, chromaKey="#ffd200", size="256", method="chroma")
            self.assertEqual((status, other["reason"]), (200, "key-given"), other)
            belly = (190 * 256 + 135) * 4 + 3
            self.assertEqual(rgba_of_png(png_of(careful))[belly], 255)
            self.assertLess(rgba_of_png(png_of(other))[belly], 16, "the belly has the color that was named")

    def test_nothing_is_left_no_job_no_usage_no_object_no_process(self):
        with Server() as server:
            status, data = preview(server, CLIP, time="1", size="64")
            self.assertEqual(status, 200, data)
            eventually(lambda: not server.objects(), 10)
            self.assertEqual(server.rows("SELECT 1 FROM jobs UNION SELECT 1 FROM usage UNION SELECT 1 FROM uploads"), [])
            self.assertEqual(list((server.data / "previews").iterdir()), [])
            eventually(lambda: not children_of(server.process.pid), 10)


class Refusals(unittest.TestCase):
    def test_what_cannot_be_previewed_is_said_in_the_words_of_a_job(self):
        noise = ffmpeg(
            *("-f", "lavfi", "-i", "nullsrc=s=192x128:d=1,geq=random(1)*255:128:128"),
            *("-c:v", "libx264", "-qp", "20", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "pipe:1"),
        )
        playlist = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
        cases = [
            (CLIP, {"time": "3600"}, 400, "INVALID_REQUEST"),
            (BROKEN_CLIP, {}, 400, "INVALID_VIDEO"),
            (CLIP[: len(CLIP) // 2], {}, 400, "INVALID_VIDEO"),
            (playlist, {}, 400, "INVALID_VIDEO"),
            (b"", {}, 400, "INVALID_VIDEO"),
            (noise, {"method": "chroma"}, 400, "NO_FLAT_BACKGROUND"),
            (CLIP, {"time": "1e9"}, 400, "INVALID_REQUEST"),
            (CLIP, {"url": "http://127.0.0.1/"}, 400, "INVALID_REQUEST"),
        ]
        with Server() as server:
            for clip, fields, status, code in cases:
                with self.subTest(fields=fields, begins=clip[:8]):
                    found, error = preview(server, clip, **fields)
                    self.assertEqual((found, error["code"]), (status, code), error)
                    self.assertNotIn("/", error["message"].replace("data folder", ""))
            eventually(lambda: not server.objects(), 10)

    def test_a_busy_server_says_when_to_come_back_and_a_closed_request_makes_room_and_jobs_go_on(self):
        with Server() as server:
            storage_id, _, _ = upload(server)
            body = form(None, {"inputStorageId": storage_id, "size": "64"})
            closed, held = hold(server, storage_id)
            status, error = preview(server, inputStorageId=storage_id, size="64")
            self.assertEqual((status, error["code"]), (503, "PREVIEWS_BUSY"))
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            connection.request("POST", PREVIEW, body, {"Authorization": f"Bearer {server.key}", **MULTIPART})
            reply = connection.getresponse()
            self.assertEqual((reply.status, reply.getheader("Retry-After")), (503, "2"))
            connection.close()
            # A job is not in line behind previews.
            job = server.submit_job(None, inputStorageId=storage_id, format="webm", size="64", fps="6")
            self.assertEqual(server.wait(job)["status"], "completed")
            closed.close()
            eventually(lambda: not any(running(pid) for pid in held), 10, 0.01)
            status, data = preview(server, inputStorageId=storage_id, size="64")
            self.assertEqual(status, 200, data)
            self.assertEqual(list((server.data / "previews").iterdir()), [])

    def test_the_upload_of_another_key_is_none(self):
        with Server() as server:
            storage_id, _, _ = upload(server)
            headers = {**MULTIPART, "Authorization": f"Bearer {server.create_key()}"}
            status, body = server.request("POST", PREVIEW, form(None, {"inputStorageId": storage_id}), headers)
            self.assertEqual((status, json.loads(body)["error"]["code"]), (404, "UPLOAD_NOT_FOUND"))


def hold(server, storage_id):
    """The connection of a preview that stands still, and the processes that were stopped for that."""
    for moment in range(20):  # one that is quicker than this test is followed by another, of a moment that is not known yet
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        body = form(None, {"inputStorageId": storage_id, "size": "64", "time": str(moment / 10)})
        connection.request("POST", PREVIEW, body, {"Authorization": f"Bearer {server.key}", **MULTIPART})
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            if stopped := stop_children(server.process.pid):
                return connection, stopped
        connection.close()
    raise AssertionError("no preview could be stopped")


if __name__ == "__main__":
    unittest.main(verbosity=2)
