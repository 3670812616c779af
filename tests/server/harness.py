"""A real server in a folder of its own, a client for it, and the invariants that hold after every fault.

Standard library only. The binary is target/release/clearcut, or the one that CLEARCUT_BIN names.
"""

import contextlib
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("CLEARCUT_BIN", str(ROOT / "target/release/clearcut"))
CLIP = (ROOT / "samples/mascot.mp4").read_bytes()
SUBMIT = "/api/v1/jobs/video/remove-background"
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


class Receiver:
    """A receiver of webhooks on loopback: keeps headers and bodies of all that comes, and says 204 or what `answer` does."""

    def __init__(self):
        self.received = []
        self.connections = 0
        self.answer = lambda hook: hook.send(204)
        receiver = self

        class Hook(http.server.BaseHTTPRequestHandler):
            def setup(self):
                receiver.connections += 1
                super().setup()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.append((dict(self.headers), body))
                receiver.answer(self)

            def send(self, status, headers=None):
                self.send_response(status)
                for name, value in {"Content-Length": "0", **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # the server under test may be killed in the middle of a word
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def ids(self):
        """How often each `webhook-id` came, by it."""
        ids = [headers["webhook-id"] for headers, _ in list(self.received)]
        return {name: ids.count(name) for name in ids}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class ClipHost:
    """A host on loopback that gives the sample clip to whoever asks, at `url`, once `asked` has returned."""

    def __init__(self):
        self.asked = lambda: None
        host = self

        class Clip(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host.asked()
                self.send_response(200)
                self.send_header("Content-Length", str(len(CLIP)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(CLIP)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Clip)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # the server under test may be killed in the middle of a word
        self.url = f"http://127.0.0.1:{self._server.server_port}/clip.mp4"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class Server:
    """`clearcut serve` over one data folder, started and ended as often as a test likes.

    With `halt_at`, the first start of a debug build stands still when a job is `stored` or `committed`, or a webhook is
    `delivered`. `within` is a command that starts the server in its own place; `environment` is added to its own. With `hooks`, all jobs are told to a
    receiver of its own.
    """

    def __init__(self, *flags, data=None, halt_at=None, hooks=True, within=(), environment=()):
        self.receiver = Receiver() if hooks else None
        flags = (*flags, *(("--allow-private-networks", "127.0.0.0/8") if hooks else ()))
        self._folder = tempfile.TemporaryDirectory(prefix="clearcut-fault-")
        self.data = pathlib.Path(data or pathlib.Path(self._folder.name) / "data")
        self.flags = list(flags)
        self.halt_at = halt_at
        self.within = list(within)
        self.environment = dict(environment)
        self.port = free_port()
        self.key = None
        self.process = None

    def start(self):
        halt_at, self.halt_at = self.halt_at, None
        environment = {**os.environ, **self.environment, **({"CLEARCUT_TEST_HALT_AT": halt_at} if halt_at else {})}
        command = [*self.within, BINARY, "serve", "--data", str(self.data), "--listen", f"127.0.0.1:{self.port}"]
        with open(pathlib.Path(self._folder.name) / "log", "ab") as log:
            self.process = subprocess.Popen(
                command + self.flags, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        for line in self.process.stdout:
            found = re.search(r"hc_[A-Za-z0-9]{32}", line)
            if found and not self.key:
                self.key = found.group()
            if "listens on" in line:
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
        status, body = self.request("POST", SUBMIT, form(clip, fields), {"Content-Type": "multipart/form-data; boundary=X"})
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
        stopped = eventually(lambda: stop_all(children_of(self.process.pid)), every=0.002)
        try:
            yield stopped
        finally:
            for pid in stopped:
                tell(pid, signal.SIGCONT)

    def rows(self, query, *values):
        with sqlite3.connect(f"file:{self.data / 'clearcut.db'}?mode=ro", uri=True, timeout=10) as database:
            return database.execute(query, values).fetchall()

    def download(self, job):
        """The bytes behind the link of a completed job."""
        url = self.read(job)["result"]["outputUrl"]
        status, body = self.request("GET", url.split(str(self.port), 1)[1])
        assert status == 200, body
        return body

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


def environment_of(pid):
    """What stands in the environment of a process that we may look at; nothing for one that has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def is_watch(pid):
    """Whether it is the process by which a server has its children ended should it be killed. It lives as long as the server."""
    try:
        return b"watch-children" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def marked_children(data):
    """All living processes that servers on the folder `data` have started, wherever they hang in the tree of processes."""
    folder = os.stat(data)
    mark = f"CLEARCUT_CHILD_OF={folder.st_dev:x}.{folder.st_ino:x}-".encode()
    pids = [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if any(text.startswith(mark) for text in environment_of(pid))]


def children_of(pid):
    """All processes below `pid`, but for the one that watches over them."""
    below = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid and not is_watch(int(entry.name)):
                below += [int(entry.name), *children_of(int(entry.name))]
    return below


def state_of(pid):
    """The letter of proc(5), T for a stopped process and Z for one that has ended; None for one that is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return None


def running(pid):
    return state_of(pid) not in ("Z", None)


def tell(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def stop_all(pids):
    """`pids`, once each of them stands still; empty before that."""
    for pid in pids:
        tell(pid, signal.SIGSTOP)
    return pids if all(state_of(pid) == "T" for pid in pids) else []


def check_invariants(server, acknowledged):
    """What docs/reference/reliability.md promises after every fault, once all jobs have ended. Call it on a running server."""
    for job in acknowledged:
        assert server.wait(job)["status"] in FINAL
    known = {job for (job,) in server.rows("SELECT id FROM jobs")}
    assert set(acknowledged) <= known, f"lost: {set(acknowledged) - known}"
    assert not server.rows("SELECT 1 FROM leases"), "a lease is left"
    assert not server.rows("SELECT 1 FROM jobs WHERE state NOT IN ('completed', 'failed')")
    over = server.rows("SELECT id, attempts, crashes FROM jobs WHERE attempts > 3 OR crashes > 2 OR restarts > 3")
    assert not over, f"over the caps: {over}"
    # What a removed job cost stays.
    finished = server.rows("SELECT COUNT(*) FROM usage WHERE job_id IN (SELECT id FROM jobs)")[0][0]
    completed = server.rows("SELECT COUNT(*) FROM jobs WHERE state = 'completed'")[0][0]
    assert finished == completed, f"{finished} finishes of {completed} completed jobs"
    pointers = server.rows("SELECT object_key, size, sha256 FROM outputs WHERE removed_ms IS NULL")
    for key, size, sha256 in pointers:
        check_object(server, key, (size, sha256))
    inputs = server.rows("SELECT input_key, input_size, input_sha256 FROM jobs WHERE input_key IS NOT NULL")
    uploads = server.rows("SELECT object_key, received, sha256 FROM uploads WHERE object_key IS NOT NULL")
    for key, size, sha256 in inputs + uploads:
        check_object(server, key, (size, sha256))
    check_objects_and_pointers(server)
    scratch = server.data / "scratch"  # made by the worker, a moment after the server listens
    eventually(lambda: scratch.is_dir() and not list(scratch.iterdir()), 10)
    eventually(lambda: not children_of(server.process.pid), 10)
    eventually(lambda: not marked_children(server.data), 10)
    check_webhooks(server)


def pointed_to(server):
    """The objects that rows point to at this moment: they may be expiring."""
    pointing = """SELECT object_key FROM outputs WHERE removed_ms IS NULL
        UNION SELECT input_key FROM jobs WHERE input_key IS NOT NULL
        UNION SELECT object_key FROM uploads WHERE object_key IS NOT NULL"""
    return {key for (key,) in server.rows(pointing)}


def check_object(server, key, expected):
    """The object is as long as was committed, and has that hash; or nothing points to it any more."""
    try:
        content = (server.data / "objects" / key).read_bytes()
    except FileNotFoundError:
        assert key not in pointed_to(server), f"{key} is gone"
        return
    assert (len(content), hashlib.sha256(content).hexdigest()) == expected, f"{key} is not what was committed"


def strays(server):
    """Objects that no row points to, and pointers to objects that are not there."""
    known, there = pointed_to(server), server.objects()
    partial = {key for (key,) in server.rows("SELECT partial_key FROM uploads WHERE partial_key IS NOT NULL")}
    missing = known - there
    # What expired between the two looks has lost its pointer as well.
    return there - known - partial, missing & pointed_to(server) if missing else missing


def check_objects_and_pointers(server):
    """Objects and rows agree within ten seconds: what expires goes from one after the other."""
    found = ()

    def agree():
        nonlocal found
        found = strays(server)
        return not any(found)

    try:
        eventually(agree, 10)
    except AssertionError:
        raise AssertionError(f"objects without a pointer: {found[0]}; pointers without an object: {found[1]}") from None


def check_webhooks(server):
    """One event for each end, delivered at least once with one id."""
    ends = server.rows(
        """SELECT j.id, j.state, GROUP_CONCAT(e.kind) FROM jobs j
        LEFT JOIN webhook_events e ON e.job_seq = j.seq AND e.kind <> 'job.started' GROUP BY j.seq"""
    )
    wrong = [(job, state, kinds) for job, state, kinds in ends if kinds != f"job.{state}"]
    assert not wrong, f"not one event for each end: {wrong}"
    if not server.receiver:
        return
    eventually(lambda: not server.rows("SELECT 1 FROM webhook_deliveries WHERE state <> 'delivered'"))
    noted = server.rows(
        """SELECT d.id, j.id, e.kind FROM webhook_deliveries d
        JOIN webhook_events e ON e.seq = d.event_seq JOIN jobs j ON j.seq = e.job_seq"""
    )
    known = {job for job, _, _ in ends}  # what was told of a removed job went with it
    told = set()
    for headers, body in list(server.receiver.received):
        event = json.loads(body)
        if event["data"]["jobId"] in known:
            told.add((headers["webhook-id"], event["data"]["jobId"], event["type"]))
    assert told == set(noted), f"told {told - set(noted)}, not told {set(noted) - told}"
    hooked = server.rows("SELECT COUNT(*) FROM webhook_urls")[0][0]
    ended = [kind for _, _, kind in noted if kind != "job.started"]
    assert len(ended) == hooked, f"{len(ended)} ends told of {hooked} jobs"
