"""Everything that a server does, as operations of the fault matrix: each says when the fault is to begin, and is
refused by the code of an error.

Those that are stages of a job (`probe` to `webhook`) let a job come to the stage, hold it there, have the fault
begin, and look how it ends.
"""

import contextlib
import functools
import http.client
import json
import os
import subprocess
import tempfile
import threading

from harness import BINARY, CLIP, FINAL, MULTIPART, PREVIEW, SMALL, eventually, form


class Refused(Exception):
    """A reply that is an error, by its code."""


def data_of(reply):
    status, body = reply
    told = json.loads(body)
    if status >= 300:
        raise Refused(told["error"]["code"])
    return told["data"]


def send_job(server, **fields):
    status, reply = server.submit(fields.pop("clip", CLIP), **{**SMALL, **fields})
    if status != 202:
        raise Refused(reply["error"]["code"])
    server.acknowledged.append(reply["data"]["jobId"])
    return reply["data"]["jobId"]


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


def submit(server, begin):
    begin()
    send_job(server)


def put(server, begin):
    begin()
    begun = data_of(server.request("POST", "/api/v1/uploads", b""))
    data_of(server.request("PUT", server.path_of(begun["uploadUrl"]), CLIP))
    send_job(server, clip=None, inputStorageId=begun["storageId"])


def tus(server, begin):
    begin()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):

        def ask(method, path, body, headers):
            own = {"Authorization": f"Bearer {server.key}", "Tus-Resumable": "1.0.0"}
            connection.request(method, path, body, {**own, **headers})
            reply = connection.getresponse()
            body = reply.read()
            if reply.status >= 300:
                raise Refused(json.loads(body)["error"]["code"])
            return reply

        path = ask("POST", "/api/v1/uploads", None, {"Upload-Length": str(len(CLIP))}).getheader("location")
        path, half = server.path_of(path), len(CLIP) // 2
        for offset, piece in ((0, CLIP[:half]), (half, CLIP[half:])):
            headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            ask("PATCH", path, piece, headers)


def fetch(server, begin):
    asked, go_on = threading.Event(), threading.Event()
    server.clips.asked = lambda: (asked.set(), go_on.wait(60))
    try:
        job = send_job(server, clip=None, url=server.clips.url)
        patiently(server, asked.is_set)
        begin(held=True)
    finally:
        server.clips.asked = lambda: None
        go_on.set()
    ended(server, job)


def at(kind, text):
    """A job that the fault meets at the moment that `Steering.held_at` knows by these."""

    def operation(server, begin):
        with server.steering.held_at(kind, text) as held:
            job = send_job(server)
            held()
            begin(held=True)
        ended(server, job)

    return operation


def webhook(server, begin):
    """The end of a job is being told when the fault begins."""
    told, go_on, plain = threading.Event(), threading.Event(), server.receiver.answer
    job = send_job(server)

    def answer(hook):
        _, body = server.receiver.received[-1]
        if json.loads(body)["type"] != "job.started":
            told.set()
            go_on.wait(60)
        hook.send(204)

    server.receiver.answer = answer
    try:
        patiently(server, told.is_set)
        begin(held=True)
    finally:
        server.receiver.answer = plain
        go_on.set()
    ended(server, job)
    undelivered = """SELECT 1 FROM webhook_deliveries d JOIN webhook_events e ON e.seq = d.event_seq
        JOIN jobs j ON j.seq = e.job_seq WHERE j.id = ? AND d.state <> 'delivered'"""
    patiently(server, lambda: not server.rows(undelivered, job))


def preview(server, begin):
    # A moment of its own each time: what was seen before is kept.
    server.moment = (getattr(server, "moment", 0.0) + 0.04) % 1.8
    body = form(CLIP, {"time": f"{server.moment:.2f}"})
    begin()
    data_of(server.request("POST", PREVIEW, body, MULTIPART))


def command(server, *words):
    environment = {**os.environ, **server.commands_environment}
    done = subprocess.run([BINARY, *words, "--data", str(server.data)], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise Refused(done.stderr.strip().rsplit("(", 1)[-1].split(")")[0])


def sweep(server, begin):
    begin()
    command(server, "gc")


def backup(server, begin):
    begin()
    with tempfile.TemporaryDirectory() as folder:
        command(server, "db", "backup", f"{folder}/copy.db")


OPERATIONS = {
    "submit": submit,
    "PUT": put,
    "tus": tus,
    "fetch": fetch,
    # The first program that reads the clip's headers; the one that measures the background; an encoder; the one that
    # reads an output back.
    "probe": at("p", "-show_streams"),
    "survey": at("p", "-skip_frame"),
    "cut": at("p", "-pixel_format"),
    "check": at("p", "alphaextract"),
    # An output is begun in the store; it is whole there, and the job's end is not said.
    "store": at("c", "/objects/jobs/"),
    "finish": at("r", "/objects/jobs/"),
    "webhook": webhook,
    "sweep": sweep,
    "backup": backup,
    "preview": preview,
}


def attempt(operation, server, begin):
    """`ok`, the code of the error, or `cut off` where the server went away in the middle."""
    try:
        operation(server, begin)
        return "ok"
    except Refused as error:
        return str(error)
    except (OSError, http.client.HTTPException):
        return "cut off"


def untroubled(operation):
    """The operation without a fault."""
    return functools.partial(attempt, operation, begin=lambda held=False: None)
