"""Images over HTTP, with the real binary: what is refused, by which code, and that nothing is left of it."""

import base64
import concurrent.futures
import functools
import json
import random
import socket
import struct
import subprocess
import unittest
import zlib

import harness
from harness import CLIP, MULTIPART, eventually, form
from processes import children_of
from test_input import upload

# Without a model, whichever this machine has.
Server = functools.partial(harness.Server, "--models", "no-models", hooks=False)
ROUTES = ("remove-background", "detect-background-color", "resize", "thumbnail", "emoticon", "emoticon/zip")


def ask(server, route, image=None, **fields):
    """The status, and the data or the error of a request."""
    status, body = server.request("POST", f"/api/v1/image/{route}", form(image, fields), MULTIPART)
    if status == 200 and route == "emoticon/zip":
        return status, body
    reply = json.loads(body)
    assert reply["success"] == (status == 200), reply
    return status, reply["data"] if status == 200 else reply["error"]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, rows=None, color=6):
    """A PNG of `rows` of RGBA bytes; without rows, one that claims its size and holds nothing."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0))
    data = zlib.compress(b"".join(b"\0" + row for row in rows or []), 9)
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def subject(side=64, inside=(200, 30, 40, 255), outside=(0, 200, 0, 255)):
    """A square before a flat background."""
    edge = range(side // 4, side - side // 4)
    return png(side, side, [b"".join(bytes(inside if x in edge and y in edge else outside) for x in range(side)) for y in range(side)])


def rgba(data):
    image = base64.b64decode(data["url"].split(",", 1)[1])
    assert len(image) == data["size"]
    return rgba_of(image)


def rgba_of(image):
    """The pixels of a PNG."""
    command = ["ffmpeg", "-loglevel", "error", "-f", "png_pipe", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "rgba", "pipe:1"]
    return subprocess.run(command, check=True, capture_output=True, input=image).stdout


# Small files that are no image that is read, with what the message names.
REFUSED = {
    "SVG": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
    "PDF": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "RAW": b"II*\0\x10\0\0\0CR\x02\0" + bytes(64),
    "video": CLIP,
    "empty": b"",
}


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())

    def tearDown(self):
        self.assertEqual(eventually(lambda: not children_of(self.server.process.pid)), True)
        self.assertEqual(eventually(lambda: not self.server.objects()), True)
        self.assertEqual(list((self.server.data / "images").iterdir()), [])

    def refused(self, route, image, code, status=400, **fields):
        found, error = ask(self.server, route, image, **fields)
        self.assertEqual((found, error.get("code")), (status, code), error)
        message = error["message"].replace("multipart/form-data", "")
        for route_ in (error["details"] or {}).get("routes", []):
            message = message.replace(route_, "")
        self.assertNotIn("/", message, "a path leaks")
        return error

    def test_what_is_no_image_is_refused_by_name_and_what_is_allowed_is_said(self):
        for route in ROUTES:
            for named, file in REFUSED.items():
                with self.subTest(route=route, file=named):
                    error = self.refused(route, file, "INVALID_IMAGE")
                    self.assertIn(named, error["message"])
                    self.assertIn("JPEG, PNG, WebP", error["details"]["allowed"])
                    self.assertEqual(error["details"]["field"], "file")

    def test_an_image_bomb_is_refused_before_it_is_decoded(self):
        # 100,000 pixels a side in 70 bytes, and 900 million pixels that are really there, as 0.9 MB.
        flat = zlib.compress(bytes(30_001) * 30_000, 9)
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0))
        bombs = (png(100_000, 100_000), b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", flat) + chunk(b"IEND", b""))
        before = self.server.resident_bytes()
        for bomb in bombs:
            for route in ROUTES:
                with self.subTest(route=route, bytes=len(bomb)):
                    self.assertIn("pixels", self.refused(route, bomb, "INVALID_IMAGE")["message"])
        self.assertLess(self.server.resident_bytes() - before, 64 << 20)

    def test_a_truncated_image_is_refused(self):
        whole = subject()
        for route in ROUTES:
            for share in (0.5, 0.9):
                with self.subTest(route=route, share=share):
                    self.refused(route, whole[: int(len(whole) * share)], "INVALID_IMAGE")

    def test_fields_out_of_range_are_named(self):
        for route, field, value, code in (
            ("resize", "width", "0", "INVALID_SIZE"),
            ("resize", "height", "16385", "INVALID_SIZE"),
            ("resize", "width", "1.5", "INVALID_SIZE"),
            ("resize", "fit", "crop", "INVALID_REQUEST"),
            ("resize", "format", "gif", "INVALID_FORMATS"),
            ("resize", "quality", "0", "INVALID_QUALITY"),
            ("thumbnail", "size", "gigantic", "INVALID_SIZE"),
            ("emoticon", "sizes", "[]", "INVALID_SIZE"),
            ("emoticon/zip", "sizes", json.dumps(list(range(1, 101))), "INVALID_SIZE"),
            ("remove-background", "tolerance", "-1", "INVALID_TOLERANCE"),
            ("remove-background", "method", "ai", "INVALID_REQUEST"),
        ):
            with self.subTest(route=route, field=field, value=value[:20]):
                error = self.refused(route, subject(), code, **{field: value})
                self.assertEqual(error["details"]["field"], field)
                self.assertTrue(error["details"]["allowed"])

    def test_two_thousand_files_in_one_request_are_refused(self):
        parts = [f'--X\r\nContent-Disposition: form-data; name="file"; filename="{n}.png"\r\n\r\n'.encode() + subject(8) + b"\r\n" for n in range(2000)]
        status, body = self.server.request("POST", "/api/v1/image/resize", b"".join(parts) + b"--X--\r\n", MULTIPART)
        error = json.loads(body)["error"]
        self.assertEqual((status, error["code"]), (400, "INVALID_REQUEST"), error)
        self.assertIn("only one file", error["message"])

    def test_a_cut_separates_the_subject_from_its_background(self):
        status, data = ask(self.server, "remove-background", subject())
        self.assertEqual(status, 200, data)
        pixels = rgba(data)
        alpha = lambda x, y: pixels[(y * 64 + x) * 4 + 3]
        self.assertEqual([alpha(0, 0), alpha(63, 63), alpha(32, 32), alpha(18, 45)], [0, 0, 255, 255])
        self.assertEqual(pixels[(32 * 64 + 32) * 4 :][:3], bytes((200, 30, 40)))
        self.assertEqual((data["report"]["warnings"], round(data["report"]["removedShare"], 2)), ([], 0.75))

    def test_a_cut_that_removes_nothing_says_so(self):
        status, data = ask(self.server, "remove-background", subject(), chromaKey="#FF00FF")
        codes = [warning["code"] for warning in data["report"]["warnings"]]
        self.assertEqual((status, codes), (200, ["LOW_CONFIDENCE", "NOTHING_REMOVED"]), data["report"])

    def test_one_pixel_and_an_image_that_is_transparent_already_are_taken(self):
        one = png(1, 1, [bytes((9, 9, 9, 255))])
        for route in ("resize", "thumbnail", "emoticon"):
            self.assertEqual(ask(self.server, route, one, **({"width": "5"} if route == "resize" else {}))[0], 200, route)
        status, data = ask(self.server, "remove-background", one)
        self.assertIn((status, data.get("code")), ((200, None), (400, "NO_FLAT_BACKGROUND")), data)
        clear = subject(outside=(0, 0, 0, 0))
        status, data = ask(self.server, "remove-background", clear)
        self.assertEqual((status, data.get("reason")), (200, "transparent"), data)
        pixels = rgba(data)
        self.assertEqual((pixels[3], pixels[(32 * 64 + 32) * 4 + 3]), (0, 255))
        self.refused("detect-background-color", clear, "NO_FLAT_BACKGROUND")

    def test_an_animation_gives_its_first_frame(self):
        words = "-f lavfi -i color=red:s=40x30:d=0.5,format=rgb24 -f lavfi -i color=blue:s=40x30:d=0.5,format=rgb24 -filter_complex concat -f gif pipe:1"
        gif = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", *words.split()], check=True, capture_output=True).stdout
        status, data = ask(self.server, "resize", gif, format="png")
        self.assertEqual((status, data.get("width"), data.get("height")), (200, 40, 30), data)
        red, _, blue = rgba(data)[:3]
        self.assertTrue(red > 200 and blue < 60, (red, blue))

    def test_a_client_that_goes_away_leaves_nothing(self):
        body = form(subject(512), {"sizes": json.dumps([1024, 1000, 900])})
        for _ in range(4):
            head = f"POST /api/v1/image/emoticon HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.server.key}\r\nContent-Length: {len(body)}\r\n"
            with socket.create_connection(("127.0.0.1", self.server.port)) as client:
                client.sendall(f"{head}Content-Type: {MULTIPART['Content-Type']}\r\n\r\n".encode() + body)


    def test_a_profile_that_inflates_to_gigabytes_harms_nothing(self):
        flat = zlib.compress(bytes(300 << 20), 9)
        image = subject()
        start = 8 + 25  # Behind the signature and the header.
        bomb = image[:start] + chunk(b"iCCP", b"x\0\0" + flat) + image[start:]
        self.assertIn(ask(self.server, "resize", bomb, width="9")[0], (200, 400))
        status, data = ask(self.server, "resize", image, width="9")
        self.assertEqual((status, data.get("width")), (200, 9), data)

    def test_replies_that_nobody_reads_count_among_the_images_of_a_key(self):
        noise = random.Random(1).randbytes(900 * 900 * 4)
        image = png(900, 900, [noise[y * 3600 : (y + 1) * 3600] for y in range(900)])
        body = form(image, {"width": "900", "format": "png"})
        head = f"POST /api/v1/image/resize HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.server.key}\r\n"
        head += f"Content-Type: {MULTIPART['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n"
        clients = []
        try:
            for _ in range(4):
                client = socket.socket()
                clients.append(client)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect(("127.0.0.1", self.server.port))
                client.sendall(head.encode() + body)
                self.assertIn(b" 200 ", client.recv(64))
            status, error = ask(self.server, "resize", subject(), width="9")
            self.assertEqual((status, error["code"]), (429, "QUOTA_EXCEEDED"), error)
        finally:
            for client in clients:
                client.close()
        eventually(lambda: ask(self.server, "resize", subject(), width="9")[0] == 200)


class Memory(unittest.TestCase):
    def test_large_images_wait_for_their_share_of_one_budget(self):
        side = 3000
        outside, inside = bytes((0, 200, 0, 255)), bytes((200, 30, 40, 255))
        row = outside * (side // 4) + inside * (side // 2) + outside * (side // 4)
        image = png(side, side, [outside * side] * (side // 4) + [row] * (side // 2) + [outside * side] * (side // 4))
        # The cut of one takes 216 MB.
        with Server("--image-memory-mib", "256", "--images", "2") as server:
            before = server.resident_bytes()
            cut = lambda _: ask(server, "remove-background", image)[0]
            self.assertEqual(cut(0), 200)
            one = server.peak_bytes() - before
            with concurrent.futures.ThreadPoolExecutor() as pool:
                self.assertEqual(list(pool.map(cut, range(2))), [200, 200])
            self.assertLess(server.peak_bytes() - before, 1.4 * one)


class Uploads(unittest.TestCase):
    def test_an_uploaded_image_serves_any_number_of_requests_and_no_clip_passes_for_one(self):
        with Server() as server:
            image, _, (status, _) = upload(server, subject())
            self.assertEqual(status, 200)
            for _ in range(2):
                status, data = ask(server, "resize", inputStorageId=image, width="10", format="webp")
                self.assertEqual((status, data.get("height")), (200, 10), data)
            clip, _, _ = upload(server)
            status, error = ask(server, "resize", inputStorageId=clip)
            self.assertEqual((status, error["code"]), (400, "INVALID_IMAGE"))
            status, reply = server.submit(None, inputStorageId=image, format="webm")
            self.assertEqual((status, reply["error"]["code"]), (400, "INVALID_VIDEO"))


if __name__ == "__main__":
    unittest.main()
