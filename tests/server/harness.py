"""A real server in a folder of its own, and a client for it.

It is ready as soon as it says that it listens. Standard library only. The binary is target/release/clearcut, or the one that CLEARCUT_BIN names.
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

from hosts import Receiver
from processes import stop_children, tell

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("CLEARCUT_BIN", str(ROOT / "target/release/clearcut"))
CLIP = (ROOT / "samples/mascot.mp4").read_bytes()
# Begins like a clip; a worker refuses it soon.
BROKEN_CLIP = CLIP[:28] + bytes(4068)
# The fields of a cut that is made soon.
SMALL = {"format": "webm", "size": "64", "fps": "2"}
SUBMIT = "/api/v1/jobs/video/remove-background"
PREVIEW = "/api/v1/video/remove-background/preview"
# The header for what `form` makes.
MULTIPART = {"Content-Type": "multipart/form-data; boundary=X"}
# The flags with which a server reaches hosts on this machine.
LOOPBACK = ("--allow-private-networks", "127.0.0.0/8")
FINAL = ("completed", "failed")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(look, seconds=60, every=0.05):
    """The first value of `look()` that counts as true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(every)
    code = getattr(look, "__code__", None)
    where = f"line {code.co_firstlineno} of {pathlib.Path(code.co_filename).name}" if code else look
    raise AssertionError(f"not within {seconds} s: {where}")


class Server:
    """`clearcut serve` over one data folder, started and ended as often as a test likes.

    With `halt_at`, the first start of a debug build stands still when a job is `stored` or `committed`, or a webhook is
    `delivered`. `within` is a command that starts the server in its own place; `environment` is added to its own. With `hooks`, all jobs are told to a
    receiver of its own.
    """

    # The command, and what it says when it is ready.
    COMMAND = "serve"
    READY = "listens on"
    # Jobs that went on for too long.
    OVER_CAPS = "attempts > 3 OR crashes > 2 OR restarts > 3"

    def __init__(self, *flags, data=None, halt_at=None, hooks=True, within=(), environment=()):
        self.receiver = Receiver() if hooks else None
        flags = (*flags, *(LOOPBACK if hooks else ()))
        self._folder = tempfile.TemporaryDirectory(prefix="clearcut-fault-")
        self.data = pathlib.Path(data or pathlib.Path(self._folder.name) / "data")
        self.flags = list(flags)
        self.halt_at = halt_at
        self.within = list(within)
        self.environment = dict(environment)
        self.port = free_port()
        self.key = None
        # The token of the link that a first start prints.
        self.sign_in = None
        self.process = None

    def start(self):
        halt_at, self.halt_at = self.halt_at, None
        environment = {**os.environ, **self.environment, **({"CLEARCUT_TEST_HALT_AT": halt_at} if halt_at else {})}
        command = [*self.within, BINARY, self.COMMAND, "--data", str(self.data), "--listen", f"127.0.0.1:{self.port}"]
        with open(pathlib.Path(self._folder.name) / "log", "ab") as log:
            self.process = subprocess.Popen(
                command + self.flags, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        for line in self.process.stdout:
            found = re.search(r"hc_[A-Za-z0-9]{32}", line)
            if found and not self.key:
                self.key = found.group()
            if "#sign-in=" in line:
                self.sign_in = line.strip().rsplit("=", 1)[1]
            if self.READY in line:
                return self
        raise AssertionError(f"the server ended with {self.process.wait()}: {self.log()[-2000:]}")

    def log(self):
        return (pathlib.Path(self._folder.name) / "log").read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def restart(self):
        self.kill()
        return self.start()

    def end(self):
        """Drains; the exit status."""
        self.signal(signal.SIGTERM)
        status = self.process.wait(timeout=120)
        self.process.stdout.close()
        return status

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()
        if self.receiver:
            self.receiver.__exit__()
        self._folder.cleanup()

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {self.key}", **(headers or {})})
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def submit(self, clip=CLIP, **fields):
        """The status and the JSON of a submit."""
        if self.receiver:
            fields.setdefault("webhookUrl", self.receiver.url)
        status, body = self.request("POST", SUBMIT, form(clip, fields), MULTIPART)
        return status, json.loads(body)

    def submit_job(self, clip=CLIP, **fields):
        status, reply = self.submit(clip, **fields)
        assert status == 202, reply
        return reply["data"]["jobId"]

    def read(self, job):
        status, body = self.request("GET", f"/api/v1/jobs/{job}")
        assert status == 200, body
        return json.loads(body)["data"]

    def wait(self, job, seconds=120):
        return eventually(lambda: (found := self.read(job))["status"] in FINAL and found, seconds)

    def wait_for_status(self, job, *statuses):
        return eventually(lambda: (found := self.read(job))["status"] in statuses and found)

    def wait_for_stage(self, job, stage):
        return eventually(lambda: (found := self.read(job))["stage"] == stage and found, every=0.01)

    @contextlib.contextmanager
    def held(self, job):
        """While the block runs, `job` stands still in the middle of its cut. Yields the processes that were stopped for it.

        All processes below the server are stopped: hold no job beside which another runs.
        """
        self.wait_for_stage(job, "processing-video")
        stopped = eventually(lambda: stop_children(self.process.pid), every=0.002)
        try:
            yield stopped
        finally:
            for pid in stopped:
                tell(pid, signal.SIGCONT)

    def path_of(self, link):
        """The path and query of a link that the server made."""
        return link.split(str(self.port), 1)[1]

    def begin_upload(self, **fields):
        """The storage id and the path of a new upload."""
        status, body = self.request("POST", "/api/v1/uploads", json.dumps(fields), {"Content-Type": "application/json"})
        assert status == 201, body
        begun = json.loads(body)["data"]
        return begun["storageId"], self.path_of(begun["uploadUrl"])

    def command(self, *words):
        """What a command of the program prints that is run on the server's folder."""
        command = [BINARY, *words, "--data", str(self.data)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def fails(self, *words):
        """The end of a command of the program that fails on the server's folder."""
        ended = subprocess.run([BINARY, *words, "--data", str(self.data)], capture_output=True, text=True)
        assert ended.returncode != 0, ended
        return ended

    def create_key(self, *flags):
        return self.command("keys", "create", *flags).strip()

    def resident_bytes(self):
        """Memory that the server's process holds."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()

    def peak_bytes(self):
        """Most memory that the server's process has held."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) << 10

    def rows(self, query, *values):
        with sqlite3.connect(f"file:{self.data / 'clearcut.db'}?mode=ro", uri=True, timeout=10) as database:
            return database.execute(query, values).fetchall()

    def download(self, job):
        """The bytes behind the link of a completed job."""
        url = self.read(job)["result"]["outputUrl"]
        status, body = self.request("GET", self.path_of(url))
        assert status == 200, body
        return body

    def members(self):
        """The processes that belong to what is tested."""
        return [self]

    def content(self, name):
        """The bytes of an object; None if it is not there."""
        with contextlib.suppress(FileNotFoundError):
            return (self.data / "objects" / name).read_bytes()

    def objects(self):
        folder = self.data / "objects"
        while True:
            # A folder that goes while it is listed is looked for again.
            with contextlib.suppress(FileNotFoundError):
                return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def form(clip, fields):
    parts = [f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode() for name, text in fields.items()]
    if clip is None:
        return b"".join(parts) + b"--X--\r\n"
    head = b'--X\r\nContent-Disposition: form-data; name="file"; filename="blob"\r\nContent-Type: video/mp4\r\n\r\n'
    return b"".join(parts) + head + clip + b"\r\n--X--\r\n"
