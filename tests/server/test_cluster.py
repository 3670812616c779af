"""Two API servers and two workers over PostgreSQL, PgBouncer and an S3-compatible store: what one begins another ends, and
faults of every part. Each test ends with the invariants of `invariants.check_invariants`.
"""

import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
import unittest

from cluster import LEASE_SECS, PREFIX, Cluster
from harness import CLIP, MULTIPART, ROOT, SMALL, SUBMIT, eventually, form
from processes import running

TUS = {"Tus-Resumable": "1.0.0"}


def begin_tus(api, length):
    """The path of a new resumable upload."""
    headers = {"Authorization": f"Bearer {api.key}", **TUS, "Upload-Length": str(length)}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)) as connection:
        connection.request("POST", "/api/v1/uploads", None, headers)
        reply = connection.getresponse()
        assert reply.status == 201, reply.read()
        return api.path_of(reply.getheader("location"))


def append(api, path, offset, piece):
    headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return api.request("PATCH", path, piece, headers)


def offset_of(api, path):
    """How far an upload has come, as a server says."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)) as connection:
        connection.request("HEAD", path, None, {"Authorization": f"Bearer {api.key}", **TUS})
        reply = connection.getresponse()
        assert reply.status == 200, reply.status
        return int(reply.getheader("upload-offset"))


def events_of(api, job):
    """The job as each event of its stream has it, until the stream ends."""
    status, body = api.request("GET", f"/api/v1/jobs/{job}/events", timeout=90)
    assert status == 200, body
    return [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]


class ClusterTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())
        cls.one, cls.other = cls.cluster.apis
        # Every job that was acknowledged, by all tests.
        cls.jobs = []

    def setUp(self):
        self.addCleanup(self.restore)

    def tearDown(self):
        self.restore()
        self.cluster.check(self.jobs)

    def restore(self):
        """Starts what a test has left dead."""
        for node in self.cluster.members():
            if node.process.poll() is not None:
                node.process.stdout.close()
                node.start()

    def submit(self, api, **fields):
        job = api.submit_job(**fields)
        self.jobs.append(job)
        return job

    def only(self, worker):
        """Ends all other workers; `restore` starts them again."""
        for other in self.cluster.workers:
            if other is not worker and other.process.poll() is None:
                self.assertEqual(other.end(), 0)
        return worker

    def assert_completed(self, *jobs):
        for job in jobs:
            ended = self.cluster.wait(job)
            self.assertEqual(ended["status"], "completed", ended["error"])

    def assert_counts(self, job, **counts):
        columns = ", ".join(counts)
        [found] = self.cluster.rows(f"SELECT {columns} FROM jobs WHERE id = '{job}'")
        self.assertEqual(dict(zip(counts, found)), counts)

    # What one server begins, the other goes on with.

    def test_a_job_of_one_server_is_seen_through_the_other(self):
        job = self.submit(self.one, **SMALL)
        with concurrent.futures.ThreadPoolExecutor() as clients:
            streamed = clients.submit(events_of, self.other, job)
            status, body = self.other.request("GET", f"/api/v1/jobs/{job}?wait=60")
            self.assertEqual((status, json.loads(body)["data"]["status"]), (200, "completed"))
            seen = streamed.result()
        self.assertEqual(seen[-1]["status"], "completed")
        self.assertGreater(len({event["revision"] for event in seen}), 1, "the stream tells the end alone")
        self.assertTrue(self.other.download(job).startswith(b"\x1a\x45\xdf\xa3"))
        self.assertEqual(self.one.download(job), self.other.download(job))
        told = lambda: [json.loads(body)["type"] for _, body in self.cluster.receiver.received if job in body.decode()]
        eventually(lambda: len(told()) == 2, 20)
        self.assertEqual(sorted(told()), ["job.completed", "job.started"])

    def test_the_official_sdk_talks_to_both_in_turns(self):
        addresses = " ".join(f"http://127.0.0.1:{api.port}" for api in self.cluster.apis)
        environment = {**os.environ, "BASE_URLS": addresses, "KEY": self.one.key}
        journey = ["node", str(ROOT / "tests/sdk/cluster-journey.mjs")]
        ran = subprocess.run(journey, env=environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stderr)

    def test_an_upload_is_begun_at_one_server_and_ended_at_the_other(self):
        path, half = begin_tus(self.one, len(CLIP)), len(CLIP) // 2
        self.assertEqual(append(self.one, path, 0, CLIP[:half])[0], 204)
        self.assertEqual(offset_of(self.other, path), half)
        self.assertEqual(append(self.other, path, half, CLIP[half:])[0], 204)
        storage_id = path.split("/")[-1].split("?")[0]
        self.assert_completed(self.submit(self.one, clip=None, inputStorageId=storage_id, **SMALL))

    def test_a_cancel_at_one_server_reaches_the_worker_of_the_other_within_two_seconds(self):
        job = self.submit(self.one)
        worker, stopped = self.cluster.hold_cut(job)
        asked = time.monotonic()
        self.assertEqual(self.other.request("POST", f"/api/v1/jobs/{job}/cancel")[0], 200)
        eventually(lambda: not any(map(running, stopped)), 10, every=0.01)
        self.assertLess(time.monotonic() - asked, 2)
        self.assertEqual(self.one.read(job)["error"]["code"], "JOB_CANCELLED")
        eventually(lambda: not list((worker.data / "scratch").iterdir()), 10)

    def test_one_idempotency_key_at_both_servers_at_once_is_one_job(self):
        for round in range(5):
            headers = {**MULTIPART, "Idempotency-Key": f"both-{round}"}
            body = form(CLIP, {**SMALL, "webhookUrl": self.cluster.receiver.url})
            ask = lambda api: api.request("POST", SUBMIT, body, headers)
            with concurrent.futures.ThreadPoolExecutor() as clients:
                replies = list(clients.map(ask, [self.one, self.other] * 3))
            # A submit that is still in flight is refused; none is taken twice.
            self.assertLessEqual({status for status, _ in replies}, {202, 409})
            taken = {json.loads(body)["data"]["jobId"] for status, body in replies if status == 202}
            self.assertEqual(len(taken), 1, replies)
            self.jobs.extend(taken)

    def test_keys_are_made_and_revoked_beside_the_servers(self):
        secret = self.cluster.command("keys", "create", "--name", "beside").strip()
        with_secret = {"Authorization": f"Bearer {secret}"}
        for api in self.cluster.apis:
            self.assertEqual(api.request("GET", "/api/v1/jobs", headers=with_secret)[0], 200)
        [(number,)] = self.cluster.rows("SELECT id FROM api_keys WHERE name = 'beside'")
        self.cluster.command("keys", "revoke", str(number))
        for api in self.cluster.apis:
            self.assertEqual(api.request("GET", "/api/v1/jobs", headers=with_secret)[0], 401)

    # kill -9.

    def test_an_api_server_killed_during_an_upload_leaves_nothing(self):
        body = form(CLIP * 40, SMALL)
        head = f"POST {SUBMIT} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {self.one.key}\r\n"
        head += f"Content-Type: multipart/form-data; boundary=X\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.one.port)) as upload:
            upload.sendall(head.encode() + body[: len(body) // 2])
            self.one.kill()
        self.assert_completed(self.submit(self.other, **SMALL))

    def test_an_upload_whose_server_is_killed_goes_on_at_the_other(self):
        path, half = begin_tus(self.one, len(CLIP)), len(CLIP) // 2
        self.assertEqual(append(self.one, path, 0, CLIP[:1000])[0], 204)
        head = f"PATCH {path} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 1000\r\n"
        head += f"Authorization: Bearer {self.one.key}\r\nContent-Type: application/offset+octet-stream\r\n"
        with socket.create_connection(("127.0.0.1", self.one.port)) as upload:
            upload.sendall(f"{head}Content-Length: {len(CLIP) - 1000}\r\n\r\n".encode() + CLIP[1000:half])
            self.one.kill()

        def goes_on():
            # What the killed server had sent to the store may still arrive there, so the offset is asked for again, as clients do.
            kept = offset_of(self.other, path)
            self.assertTrue(1000 <= kept <= half, kept)
            # Whoever had the upload open is known to be gone only after a while.
            status, _ = append(self.other, path, kept, CLIP[kept:])
            self.assertIn(status, (204, 409, 423))
            return status == 204

        eventually(goes_on, 60, every=0.5)
        storage_id = path.split("/")[-1].split("?")[0]
        self.assert_completed(self.submit(self.other, clip=None, inputStorageId=storage_id, **SMALL))

    def test_a_submit_whose_server_is_killed_is_repeated_at_the_other_and_is_one_job(self):
        for round, delay_ms in enumerate((2, 10, 30, 60)):
            headers = {**MULTIPART, "Idempotency-Key": f"killed-{round}"}
            body = form(CLIP, {**SMALL, "webhookUrl": self.cluster.receiver.url})
            with concurrent.futures.ThreadPoolExecutor() as client:
                asked = client.submit(self.one.request, "POST", SUBMIT, body, headers)
                time.sleep(delay_ms / 1000)  # the moment of the kill, not a wait
                self.one.kill()
                first = None
                with contextlib.suppress(OSError, http.client.HTTPException):
                    status, reply = asked.result()
                    first = json.loads(reply)["data"]["jobId"] if status == 202 else None
            status, reply = self.other.request("POST", SUBMIT, body, headers)
            self.assertEqual(status, 202, reply)
            job = json.loads(reply)["data"]["jobId"]
            self.assertIn(first, (None, job))
            self.jobs.append(job)
            self.one.start()
        self.assert_completed(*self.jobs[-4:])

    def test_the_job_of_a_killed_worker_is_done_by_the_other(self):
        job = self.submit(self.one)
        worker, stopped = self.cluster.hold_cut(job)
        worker.kill()
        eventually(lambda: not any(map(running, stopped)), 10)
        self.assert_completed(job)
        self.assert_counts(job, token=2, crashes=1)

    def test_a_worker_killed_between_store_and_finish_leaves_one_result(self):
        for moment, token in (("stored", 2), ("committed", 1)):
            worker = self.only(self.cluster.workers[0])
            worker.end()
            worker.halt_at = moment
            said = worker.log().count("halted")
            worker.start()
            job = self.submit(self.one, **SMALL)
            eventually(lambda: worker.log().count("halted") > said)
            worker.kill()
            self.restore()
            self.assert_completed(job)
            self.assert_counts(job, token=token)

    # The database.

    def test_a_database_stopped_at_once_and_started_again_loses_nothing(self):
        jobs = [self.submit(api, **SMALL) for api in (self.one, self.other) for _ in range(3)]
        for _ in range(2):
            eventually(lambda: self.cluster.rows("SELECT 1 FROM leases"), 30)
            self.cluster.postgres.restart()
            eventually(lambda: self.other.request("GET", "/readyz")[0] == 200, 30)
        jobs.append(self.submit(self.other, **SMALL))
        self.assert_completed(*jobs)

    def test_a_pooler_that_is_killed_delays_jobs_alone(self):
        jobs = [self.submit(self.one, **SMALL) for _ in range(3)]
        eventually(lambda: self.cluster.rows("SELECT 1 FROM leases"), 30)
        self.cluster.postgres.restart_pooler()
        self.assert_completed(*jobs, self.submit(self.other, **SMALL))

    def test_a_worker_that_reaches_the_database_no_more_gives_up_its_job(self):
        worker = self.only(self.cluster.workers[0])
        job = self.submit(self.one)
        _, stopped = self.cluster.hold_cut(job)
        with self.cluster.database_proxy.cut():
            # It ends its own processes before the lease is over, though nobody can tell it so.
            eventually(lambda: not any(map(running, stopped)), LEASE_SECS, every=0.01)
            self.restore()
            self.assert_completed(job)
        self.assert_counts(job, token=2, crashes=1)
        # It takes jobs again.
        self.only(worker)
        self.assert_completed(self.submit(self.other, **SMALL))

    # The store.

    def test_an_object_that_nothing_points_to_is_swept(self):
        orphan = f"uploads/{1:032x}"
        self.cluster.store.put(PREFIX + orphan, "the clip of a submit whose server was killed")
        self.assertIn(orphan, self.cluster.objects())
        self.cluster.sweep()
        self.assertNotIn(orphan, self.cluster.objects())

    def test_a_store_that_is_gone_for_ten_seconds_delays_jobs_alone(self):
        jobs = [self.submit(api, **SMALL) for api in (self.one, self.other) for _ in range(3)]
        eventually(lambda: self.cluster.rows("SELECT 1 FROM leases"), 30)
        self.cluster.store.kill()
        time.sleep(10)  # the span is what is tested
        self.cluster.store.start()
        self.assert_completed(*jobs, self.submit(self.one, **SMALL))

    # A worker that was away.

    def test_a_worker_frozen_past_its_lease_overwrites_nothing(self):
        worker = self.only(self.cluster.workers[0])
        job = self.submit(self.one)
        _, stopped = self.cluster.hold_cut(job)
        # The worker stores its output, by one request or as the last of several, and does not hear that it is stored.
        with self.cluster.store_proxy.holding_replies(rb"(PUT [^ ?]*/jobs/[^ ?]*|POST [^ ]*/jobs/[^ ]*\?uploadId=[^ ]*) HTTP"):
            self.cluster.let_go(stopped)
            eventually(lambda: any(name.startswith(f"jobs/{job}/1/") for name in self.cluster.objects()), 30)
            worker.signal(signal.SIGSTOP)
        self.restore()
        self.assert_completed(job)
        outputs = f"SELECT object_key, sha256 FROM outputs JOIN jobs ON seq = job_seq WHERE id = '{job}'"
        before = self.cluster.rows(outputs)
        worker.signal(signal.SIGCONT)
        eventually(lambda: not list((worker.data / "scratch").iterdir()), 30)
        after = self.cluster.rows(outputs)
        self.assertEqual(after, before)
        self.assertTrue(all(f"jobs/{job}/2/" in name for name, _ in after), after)
        self.assertEqual(hashlib.sha256(self.one.download(job)).hexdigest(), after[0][1])
        self.assert_counts(job, token=2, winner_token=2, crashes=1)
        eventually(lambda: not any(name.startswith(f"jobs/{job}/1/") for name in self.cluster.objects()), 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
