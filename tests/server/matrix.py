"""Every fault against everything that a server does: during it a result or a typed error, after it a result, without a restart.

Prints a table: what each operation was told while the fault lasted. After each row come the invariants of `harness.check_invariants`.
ROWS and COLUMNS (words of the table, with commas between them) choose some.
"""

import contextlib
import http.client
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from harness import BINARY, CLIP, FINAL, ClipHost, Server, check_invariants, eventually, form, marked_children, tell
from test_storage import full, read_only, small_disk

SMALL = {"format": "webm", "size": "64", "fps": "2"}
KIND = {"Content-Type": "multipart/form-data; boundary=X"}
# What may be said while the machine is not well. The clip is never blamed.
NOT_NOW = {
    "INSUFFICIENT_STORAGE", "READ_ONLY_STORAGE", "UNAVAILABLE", "SERVER_BUSY", "SHORT_OF_RESOURCES", "OUT_OF_MEMORY",
    "STORAGE_UNAVAILABLE", "URL_UNAVAILABLE", "PREVIEWS_BUSY", "TIMEOUT", "WORKER_LOST", "waits",
}
NOT_HERE = {
    "EINTR": "the programs restart what is interrupted; no way to force it from outside without a debugger",
    "clock ±1 h": "would move the clock of the whole machine; the queue's tests move a clock of their own",
    "memory of a cgroup": "needs a cgroup of one's own; 'children killed' is what the system does then",
}


class Refused(Exception):
    """A reply that is an error, by its code."""


def data_of(reply):
    status, body = reply
    told = json.loads(body)
    if status >= 300:
        raise Refused(told["error"]["code"])
    return told["data"]


def submit(server, **fields):
    status, reply = server.submit(fields.pop("clip", CLIP), **{**SMALL, **fields})
    if status != 202:
        raise Refused(reply["error"]["code"])
    server.acknowledged.append(reply["data"]["jobId"])
    return reply["data"]["jobId"]


def put(server):
    begun = data_of(server.request("POST", "/api/v1/uploads", b""))
    data_of(server.request("PUT", begun["uploadUrl"].split(str(server.port), 1)[1], CLIP))
    submit(server, clip=None, inputStorageId=begun["storageId"])


def tus(server):
    version = {"Tus-Resumable": "1.0.0"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        def ask(method, path, body, headers):
            connection.request(method, path, body, {"Authorization": f"Bearer {server.key}", **version, **headers})
            reply = connection.getresponse()
            body = reply.read()
            if reply.status >= 300:
                raise Refused(json.loads(body)["error"]["code"])
            return reply

        path = ask("POST", "/api/v1/uploads", None, {"Upload-Length": str(len(CLIP))}).getheader("location")
        path, half = path.split(str(server.port), 1)[1], len(CLIP) // 2
        for offset, piece in ((0, CLIP[:half]), (half, CLIP[half:])):
            headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            ask("PATCH", path, piece, headers)


def fetch(server):
    job = submit(server, clip=None, url=server.clips)
    ended(server, job)


def patiently(server, look):
    """Waits for what must come, or, while a fault lasts, for what may."""
    try:
        return eventually(look, server.patience)
    except AssertionError:
        raise Refused("waits") from None


def ended(server, job):
    """Waits for the end of a job, as far as the server answers."""
    def look():
        found = data_of(server.request("GET", f"/api/v1/jobs/{job}"))
        return found["status"] in FINAL and found

    error = patiently(server, look)["error"]
    if error:
        raise Refused(error["code"])


def cut(server):
    ended(server, submit(server, fps="24", size="128", format="stacked-alpha"))


def finish(server):
    job = submit(server)
    ended(server, job)
    patiently(server, lambda: any(json.loads(body)["data"]["jobId"] == job for _, body in list(server.receiver.received)))


def preview(server):
    # A moment of its own each time: what was seen before is kept.
    server.moment = getattr(server, "moment", 0.0) + 0.04
    body = form(CLIP, {"time": f"{server.moment:.2f}"})
    data_of(server.request("POST", "/api/v1/video/remove-background/preview", body, KIND))


def command(server, *words):
    done = subprocess.run([BINARY, *words, "--data", str(server.data)], capture_output=True, text=True)
    if done.returncode:
        raise Refused(done.stderr.strip().rsplit("(", 1)[-1].split(")")[0])


def sweep(server):
    command(server, "gc")


def backup(server):
    with tempfile.TemporaryDirectory() as folder:
        command(server, "db", "backup", f"{folder}/copy.db")


OPERATIONS = {
    "submit": submit, "put": put, "tus": tus, "fetch": fetch, "cut": cut, "finish": finish, "preview": preview,
    "sweep": sweep, "backup": backup,
}


@contextlib.contextmanager
def no_files(server):
    opened = len(list(pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir()))
    before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (opened + 4, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def beside(work):
    """Does `work` on a thread of its own while the block runs, and waits for it."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def stopped(server):
    def halt():
        server.signal(signal.SIGSTOP)
        time.sleep(1.5)  # the span is what is tested
        server.signal(signal.SIGCONT)

    return beside(halt)


def killed(server):
    def kill():
        time.sleep(0.1)  # in the middle of what goes on
        server.restart()

    return beside(kill)


def children_killed(server):
    def kill():
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            for pid in marked_children(server.data):
                tell(pid, signal.SIGKILL)

    return beside(kill)


FAULTS = {
    "disk full": lambda server: full(server.data.parent),
    "read-only": lambda server: read_only(server.data),
    "no files": no_files,
    "server stopped": stopped,
    "server killed": killed,
    "children killed": children_killed,
}


def attempt(operation, server):
    """`ok`, the code of the error, or `cut off` where the server went away in the middle."""
    try:
        operation(server)
        return "ok"
    except Refused as error:
        return str(error)
    except (OSError, http.client.HTTPException):
        return "cut off"


def check_power_cut(server):
    """A copy of the folder as it is at this moment is as good as the folder."""
    with tempfile.TemporaryDirectory() as folder:
        server.signal(signal.SIGSTOP)
        shutil.copytree(server.data, pathlib.Path(folder) / "data", ignore=shutil.ignore_patterns("clearcut.lock"))
        acknowledged = list(server.acknowledged)
        server.signal(signal.SIGCONT)
        with Server(data=pathlib.Path(folder) / "data", hooks=False) as copy:
            copy.key = server.key
            for job in acknowledged:
                assert copy.wait(job)["status"] in FINAL


def row(fault, columns, case, clips):
    cells, wrong = {}, []
    with small_disk(case, 64) as folder, Server("--disk-floor-mib", "0", data=folder / "data") as server:
        server.acknowledged, server.clips = [], clips
        # Made by the worker, a moment after the server listens.
        eventually((server.data / "scratch").is_dir)
        for name in columns:
            server.patience = 10
            with FAULTS[fault](server):
                cells[name] = attempt(OPERATIONS[name], server)
            server.patience = 120
            allowed = NOT_NOW | {"ok"} | ({"cut off"} if fault in ("server killed", "no files") else set())
            if cells[name] not in allowed:
                wrong.append(f"{fault} × {name}: {cells[name]}")
            # What was begun during the fault may still hold the files or the slot.
            until, after = time.monotonic() + 60, None
            while after != "ok" and time.monotonic() < until:
                after = attempt(OPERATIONS[name], server)
            if after != "ok":
                wrong.append(f"{fault} × {name}: {after} a minute later")
        if fault == "server killed":
            check_power_cut(server)
        check_invariants(server, server.acknowledged)
    return cells, wrong


def main():
    rows = os.environ.get("ROWS", ",".join(FAULTS)).split(",")
    columns = os.environ.get("COLUMNS", ",".join(OPERATIONS)).split(",")
    case, wrong = unittest.TestCase(), []

    width = max(map(len, FAULTS))
    print(f"{'':{width}}  " + "".join(f"{name:<22}" for name in columns), flush=True)
    with ClipHost() as clips:
        for fault in rows:
            cells, found = row(fault, columns, case, clips.url)
            wrong += found
            print(f"{fault:{width}}  " + "".join(f"{cells[name]:<22}" for name in columns), flush=True)
    for fault, reason in NOT_HERE.items():
        print(f"{fault:{width}}  not tried: {reason}")
    for cell in wrong:
        print(f"wrong: {cell}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
