"""Kills a busy server at random moments, again and again; every acknowledged job ends exactly once.

Clients submit in every way there is, webhooks go to a receiver that flaps, and `clearcut gc` runs beside the server, and is killed
as well. KILLS (500), JOBS (1000: how many are acknowledged at least), GAP (5: the longest pause between two kills, in seconds) and SEED
(drawn, and printed) change it. It takes about 40 minutes on two cores.
"""

import collections
import concurrent.futures
import json
import os
import random
import subprocess
import sys
import threading
import time

from harness import BINARY, CLIP, FINAL, MULTIPART, SMALL, SUBMIT, Server, form
from hosts import ClipHost
from invariants import check_invariants, strays

KILLS = int(os.environ.get("KILLS", "500"))
JOBS = int(os.environ.get("JOBS", "1000"))
GAP = float(os.environ.get("GAP", "5"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
# So many may wait; more would only lengthen the end.
BACKLOG = 12
# So short that most outputs expire, and are swept, while the kills go on: 3 minutes.
RETENTION_HOURS = "0.05"


class History:
    """What the clients were told: jobs that were acknowledged, and ends that were read."""

    def __init__(self):
        self.acknowledged = []
        self.ends = {}
        self.lock = threading.Lock()

    def saw(self, job):
        """An end that was read once is read the same ever after."""
        if job["status"] in FINAL:
            end = (job["status"], job["completedAt"], json.dumps(job["error"]))
            with self.lock:
                assert self.ends.setdefault(job["jobId"], end) == end, f"{job['jobId']} ended twice"


def submit(server, clip, chance):
    """Submits in one of the ways there are; the status and the JSON of the submit."""
    way = chance.choice(("file", "file", "url", "put", "tus", "once"))
    if way == "url":
        return server.submit(None, **SMALL, url=server.clips)
    if way in ("put", "tus"):
        return server.submit(None, **SMALL, inputStorageId=upload(server, clip, in_pieces=way == "tus"))
    if way == "once":
        # Said twice: the second is told of the same job, whatever became of the first.
        headers = {**MULTIPART, "Idempotency-Key": f"{chance.getrandbits(64):x}"}
        body = form(clip, {**SMALL, "webhookUrl": server.receiver.url})
        first, _ = server.request("POST", SUBMIT, body, headers)
        status, reply = server.request("POST", SUBMIT, body, headers)
        assert first == status == 202, (first, status, reply)
        return status, json.loads(reply)
    return server.submit(clip, **SMALL)


def upload(server, clip, in_pieces):
    """The name of an upload that is whole."""
    storage_id, path = server.begin_upload(size=len(clip))
    if not in_pieces:
        status, body = server.request("PUT", path, clip)
        assert status == 200, body
        return storage_id
    for offset in range(0, len(clip), 40_000):
        headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        status, body = server.request("PATCH", path, clip[offset : offset + 40_000], headers)
        assert status == 204, body
    return storage_id


def flapping(chance):
    """A receiver that fails the first time, three times of ten: it answers 500, or hangs up."""
    seen = set()

    def answer(hook):
        name = hook.headers["webhook-id"]
        fails = name not in seen and chance.random() < 0.3
        seen.add(name)
        if fails and chance.random() < 0.5:
            hook.close_connection = True
            return
        hook.send(500 if fails else 204)

    return answer


def be_a_client(server, history, stop, chance, submit=submit):
    """Submits by `submit` and reads; a request that fails because the server is being killed was never acknowledged."""
    while not stop.is_set():
        try:
            open_jobs = [job for job in history.acknowledged if job not in history.ends]
            if len(open_jobs) < BACKLOG:
                clip = CLIP if chance.random() < 0.9 else CLIP[:5000]
                status, reply = submit(server, clip, chance)
                assert status == 202, reply
                with history.lock:
                    history.acknowledged.append(reply["data"]["jobId"])
            for job in open_jobs[:3]:
                history.saw(server.read(job))
        except (OSError, EOFError, json.JSONDecodeError):
            pass  # the server was killed in the middle of it
        except Exception as error:  # http.client's many words for a connection that was cut
            if type(error).__module__ != "http.client":
                raise
        stop.wait(0.05)


def sweep_again_and_again(server, stop, chance, sweeps):
    """Runs `clearcut gc` beside the server, whether that lives or not, and kills one of four in the middle."""
    while not stop.is_set():
        command = [BINARY, "gc", "--data", str(server.data), "--retention-hours", RETENTION_HOURS]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as sweep:
            if chance.random() < 0.25:
                stop.wait(chance.uniform(0.0, 0.3))
                sweep.kill()
            said, _ = sweep.communicate()
        sweeps["killed" if sweep.returncode < 0 else "ended"] += 1
        assert sweep.returncode <= 0, said
        sweeps["objects removed"] += said.count("  expired   ")
        stop.wait(chance.uniform(0.0, 3.0))


def wait_for_a_moment(server, chance):
    """Any time for half of the kills; the others wait for an upload or an output, whose moments are too short to be hit by chance."""
    awaited = chance.choice([None, None, "uploads/", "jobs/"])
    if awaited is None:
        time.sleep(chance.uniform(0.0, GAP))
        return
    before, until = server.objects(), time.monotonic() + GAP
    while time.monotonic() < until:
        if any(name.startswith(awaited) for name in server.objects() - before):
            # From the file's first byte to a little after the commit.
            time.sleep(chance.uniform(0.0, 0.03))
            return
        time.sleep(0.001)


def found_dead(server):
    """Where the kill hit the job that the worker had: in the database and the files of a server that is dead."""
    claimed = server.rows("SELECT id, leases.token, state FROM jobs JOIN leases ON job_seq = seq")
    if not claimed:
        ended = server.rows("SELECT 1 FROM jobs WHERE ended_ms IS NOT NULL AND input_key IS NOT NULL")
        return "committed, not tidied" if ended else "between jobs"
    [(job, token, state)] = claimed
    if any(name.startswith(f"jobs/{job}/{token}/") for name in server.objects()):
        return "stored, not finished"
    return {"submitted": "claimed"}.get(state, "cutting")


def main():
    print(f"soak: {KILLS} kills, at most {GAP:g} s apart, seed {SEED}", flush=True)
    chance = random.Random(SEED)
    history, hits, sweeps, began = History(), collections.Counter(), collections.Counter(), time.monotonic()
    flags = ("--log", "warn", "--retention-hours", RETENTION_HOURS)
    with ClipHost(CLIP) as clips, Server(*flags) as server, concurrent.futures.ThreadPoolExecutor() as clients:
        server.clips = clips.url
        server.receiver.answer = flapping(random.Random(SEED))
        stop = threading.Event()
        tasks = [clients.submit(be_a_client, server, history, stop, random.Random(SEED + n)) for n in range(2)]
        tasks.append(clients.submit(sweep_again_and_again, server, stop, random.Random(SEED), sweeps))
        try:
            for kill in range(1, KILLS + 1):
                if any(task.done() for task in tasks):
                    break  # it failed
                wait_for_a_moment(server, chance)
                server.kill()
                hits[found_dead(server)] += 1
                server.start()
                if kill % 20 == 0:
                    print(f"  {kill} kills, {len(history.acknowledged)} jobs, {len(history.ends)} ends read", flush=True)
            while len(history.acknowledged) < JOBS and not any(task.done() for task in tasks):
                concurrent.futures.wait(tasks, 1, concurrent.futures.FIRST_COMPLETED)  # the rest, without a kill
        finally:
            stop.set()
        for task in tasks:
            task.result()
        for job in history.acknowledged:
            server.wait(job)
        orphans, lost = strays(server)
        assert not lost, f"pointers without an object: {lost}"
        # A sweep that is killed leaves objects that the database has forgotten. They go with the next start, or a day later.
        server.restart()
        check_invariants(server, history.acknowledged)
        for job in history.acknowledged:
            history.saw(server.read(job))
        counts = dict(server.rows("SELECT state, COUNT(*) FROM jobs GROUP BY state"))
        given_up = server.rows("SELECT COUNT(*) FROM jobs WHERE failure LIKE '%WORKER_LOST%'")[0][0]
        crashes, restarts = server.rows("SELECT SUM(crashes), SUM(restarts) FROM jobs")[0]
        assert server.end() == 0
    took = time.monotonic() - began
    kills, jobs = sum(hits.values()), len(history.acknowledged)
    print(f"soak: {kills} kills in {took:.0f} s, {jobs} jobs acknowledged, none lost, each ended once")
    print(f"      kills hit: {dict(hits)}")
    print(f"      sweeps beside it: {dict(sweeps)}, objects left by killed ones until the last start: {len(orphans)}")
    print(f"      {counts}, given up: {given_up}, crashes counted: {crashes}, restarts: {restarts}")


if __name__ == "__main__":
    sys.exit(main())
