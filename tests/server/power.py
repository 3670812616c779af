"""Power cuts: a busy server's folder as a disk could hold it at random moments, and a fresh server on each.

All that was acknowledged before the cut must be there: the key, jobs, bytes of uploads, ends that were read, links,
removals, events that were told. CUTS (40) and SEED (drawn, and printed) change it; with JOURNAL=1 the file system is
as kind as those that one meets. LIES=files or LIES=folders cuts the power of a disk that takes this kind of sync for
nothing: that must be found.
"""

import json
import os
import pathlib
import random
import sys
import tempfile
import threading
import time

from disk import HEADER, Disk
from harness import CLIP, FINAL, LOOPBACK, MULTIPART, SMALL, SUBMIT, Server, eventually, form
from hosts import ClipHost
from invariants import check_invariants
from preload import Steering

CUTS = int(os.environ.get("CUTS", "40"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
DISK = {"lies": os.environ.get("LIES", ""), "journal": bool(os.environ.get("JOURNAL"))}
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
# So many uploads fill SQLite's log, so that it is folded into the database and begun anew.
MANY_UPLOADS = 250


class Stamped(list):
    """A list that knows how long the log was when something was added: what was acknowledged then must be on the disk
    from there on.
    """

    def __init__(self, steering):
        super().__init__()
        self._steering, self._positions, self._lock = steering, [], threading.Lock()

    def append(self, item):
        with self._lock:
            self._positions.append(self._steering.read("log_bytes"))
            super().append(item)

    def before(self, position):
        return [item for at, item in zip(self._positions, self) if at <= position]


def end_of(job):
    return job["status"], job["completedAt"], json.dumps(job["error"])


def work(server, said, uploads):
    """Everything that a client can be told of, once, and so many `uploads` that are begun; each acknowledgement goes
    to `said`.
    """
    jobs, ended = [], set()

    def note_job(reply):
        status, told = reply
        assert status == 202, told
        jobs.append(told["data"]["jobId"])
        said.append(("job", jobs[-1]))
        return jobs[-1]

    def note_ends():
        for job in jobs:
            found = server.read(job)
            if job not in ended and found["status"] in FINAL:
                ended.add(job)
                said.append(("end", job, end_of(found)))
                if found["result"]:
                    said.append(("link", job, server.path_of(found["result"]["outputUrl"])))
        return len(ended) == len(jobs)

    def begin_upload(size):
        upload, path = server.begin_upload(size=size)
        said.append(("upload", upload, 0))
        return upload, path

    said.append(("key",))
    note_job(server.submit(**SMALL))
    upload, path = begin_upload(len(CLIP))
    assert server.request("PUT", path, CLIP)[0] == 200
    said.append(("upload", upload, len(CLIP)))
    note_job(server.submit(None, **SMALL, inputStorageId=upload))
    note_ends()
    upload, path = begin_upload(len(CLIP))
    for offset in range(0, len(CLIP), 50_000):
        piece = CLIP[offset : offset + 50_000]
        headers = {**TUS, "Upload-Offset": str(offset)}
        assert server.request("PATCH", path, piece, headers)[0] == 204
        said.append(("upload", upload, offset + len(piece)))
    note_job(server.submit(None, **SMALL, inputStorageId=upload))
    note_job(server.submit(None, **SMALL, url=server.clips))
    note_ends()
    headers = {**MULTIPART, "Idempotency-Key": "once"}
    status, body = server.request("POST", SUBMIT, form(CLIP, {**SMALL, "webhookUrl": server.receiver.url}), headers)
    said.append(("once", note_job((status, json.loads(body)))))
    cancelled = note_job(server.submit(**SMALL))
    assert server.request("POST", f"/api/v1/jobs/{cancelled}/cancel")[0] == 200
    note_ends()
    for _ in range(uploads):
        begin_upload(len(CLIP))
    eventually(note_ends, 120)
    removed = jobs.pop(0)
    status, body = server.request("DELETE", f"/api/v1/jobs/{removed}")
    assert status < 300, body
    said.append(("removed", removed))
    eventually(lambda: not server.rows("SELECT 1 FROM webhook_deliveries WHERE state <> 'delivered'"))


def check(copy, said, receiver):
    """All that was `said` holds on the server `copy`."""
    removed = {job for kind, job, *_ in (each for each in said if len(each) > 1) if kind == "removed"}
    jobs = [each[1] for each in said if each[0] == "job" and each[1] not in removed]
    uploads = {}
    for each in said:
        if each[0] == "key":
            assert copy.request("GET", "/api/v1/jobs")[0] == 200, "the key is lost"
        elif each[0] == "upload":
            uploads[each[1]] = each[2]
        elif each[0] == "once":
            headers = {**MULTIPART, "Idempotency-Key": "once"}
            status, body = copy.request("POST", SUBMIT, form(CLIP, {**SMALL, "webhookUrl": receiver.url}), headers)
            again = json.loads(body)["data"]["jobId"] if status == 202 else body
            assert again == each[1], f"what was sent once made {each[1]} and then {again}"
        elif each[0] == "end" and each[1] not in removed:
            found = end_of(copy.read(each[1]))
            assert found == each[2], f"the end of {each[1]} was {each[2]} and is {found}"
        elif each[0] == "link" and each[1] not in removed:
            status, _ = copy.request("GET", each[2])
            assert status == 200, f"the link to what {each[1]} made says {status}"
    for job in removed:
        assert copy.request("GET", f"/api/v1/jobs/{job}")[0] == 404, f"{job} was removed and is back"
    for name, received in uploads.items():
        found = copy.rows("SELECT received FROM uploads WHERE id = ?", name)
        assert found and found[0][0] >= received, f"of the upload {name} {received} bytes were acknowledged: {found}"
    for job in jobs:
        found = copy.wait(job)
        code = (found["error"] or {}).get("code")
        assert code in (None, "JOB_CANCELLED"), f"{job} ended with {code}"
    # Those that the client had not heard of yet end as well.
    eventually(lambda: not copy.rows("SELECT 1 FROM jobs WHERE state NOT IN ('completed', 'failed')"))
    copy.receiver = receiver
    try:
        check_invariants(copy, jobs)
    finally:
        copy.receiver = None


def ends_of_changes(log, begin=0):
    """The positions at which a change was complete."""
    at, ends = 0, []
    while at + HEADER.size <= len(log):
        at += HEADER.size + HEADER.unpack_from(log, at)[1]
        ends.append(at)
    return [end for end in ends if begin <= end <= len(log)]


def check_after_a_cut(log, position, key, said, receiver, seed, **kind_of_disk):
    """A fresh server on what is left of the folder after a power cut at `position`. Raises what is wrong."""
    disk = Disk(log, **kind_of_disk)
    disk.play_to(position)
    with tempfile.TemporaryDirectory(prefix="clearcut-cut-") as folder:
        data = pathlib.Path(folder) / "data"
        disk.write_after_a_cut(data, random.Random(seed))
        copy = Server(*LOOPBACK, data=data, hooks=False)
        # Without a start there is no process to be ended.
        copy.start()
        with_key = any(each[0] == "key" for each in said)
        try:
            copy.key = key if with_key else copy.key
            check(copy, said, receiver)
            if with_key:
                check(copy, [("job", copy.submit_job(**SMALL, webhookUrl=receiver.url))], receiver)
        except Exception as error:
            worrying = [line for line in copy.log().splitlines() if " WARN " in line or " ERROR " in line]
            raise AssertionError("\n    ".join([f"{type(error).__name__}: {error}", *worrying[-20:]])) from error
        finally:
            copy.__exit__()


def check_log(log, data):
    """What the log holds is what the folder holds: nothing was written past it. (SQLite's index is shared memory.)"""
    disk = Disk(log)
    disk.play_to(len(log))
    disk.sync()
    with tempfile.TemporaryDirectory() as folder:
        played = pathlib.Path(folder) / "data"
        disk.write_after_a_cut(played, random.Random(0))
        files = lambda folder: {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
        there = {name: path for name, path in files(data).items() if not name.startswith(("scratch/", "previews/"))}
        assert there.keys() == files(played).keys(), there.keys() ^ files(played).keys()
        other = [name for name, path in there.items() if path.read_bytes() != (played / name).read_bytes()]
        assert not [name for name in other if not name.endswith("-shm")], other


def record(clips, uploads):
    """Runs a server under the log; the log, its key, all that was said, and the receiver, which is to be closed."""
    with tempfile.TemporaryDirectory(prefix="clearcut-power-") as folder:
        data = pathlib.Path(folder) / "data"
        with Steering(log_of=data) as steering, Server(data=data, environment=steering.environment) as server:
            server.clips = clips.url
            said, server.receiver.received = Stamped(steering), Stamped(steering)
            work(server, said, uploads)
            server.kill()
            receiver, server.receiver = server.receiver, None
            log = steering.log_file.read_bytes()
            check_log(log, data)
            return log, server.key, said, receiver


def cut_again_and_again(cuts, seed, uploads=MANY_UPLOADS, **kind_of_disk):
    """Cuts in all parts of the log, so that few see all of it, too. Prints what was wrong as it goes, and returns it.
    """
    chance, wrong = random.Random(seed), []
    with ClipHost(CLIP) as clips:
        log, key, said, receiver = record(clips, uploads)
        places, told = ends_of_changes(log), receiver.received
        print(f"  {len(places)} changes, {len(log) >> 10} KiB, {len(said)} acknowledgements", flush=True)
        with receiver:
            for number in range(cuts):
                place = places[int((number + chance.random()) / cuts * len(places))]
                own, receiver.received = chance.getrandbits(32), told.before(place)
                try:
                    check_after_a_cut(log, place, key, said.before(place), receiver, own, **kind_of_disk)
                except AssertionError as error:
                    wrong.append(f"cut {number} after {place} bytes: {error}")
                    print(f"  {wrong[-1]}", flush=True)
    return wrong


def main():
    began = time.monotonic()
    kind = (f"{name}={value}" for name, value in DISK.items() if value)
    print(f"power-cut: {CUTS} cuts, seed {SEED}", *kind, flush=True)
    wrong = cut_again_and_again(CUTS, SEED, **DISK)
    print(f"power-cut: {CUTS} cuts in {time.monotonic() - began:.0f} s, {len(wrong)} of them lost something")
    # A disk that lies is there to be found out.
    return 0 if bool(wrong) == bool(DISK["lies"]) else 1


if __name__ == "__main__":
    sys.exit(main())
