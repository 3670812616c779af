"""Faults, with the real binary and real clips. Each test ends with the invariants of `invariants.check_invariants`."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

from harness import BINARY, CLIP, SUBMIT, Server, eventually, form
from invariants import check_invariants
from processes import marked_children, running

FAST = {"format": "webm", "size": "128"}
SHORT_LEASE = ("--lease-ttl-secs", "2")


def is_sandbox(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "bwrap"
    except OSError:
        return False


@contextlib.contextmanager
def refusing(server, state):
    """While the block runs the database refuses every job that becomes `state`."""
    def run(statement):
        with contextlib.closing(sqlite3.connect(server.data / "clearcut.db", timeout=10)) as database:
            database.execute(statement)

    run(f"CREATE TRIGGER refusing BEFORE UPDATE ON jobs WHEN NEW.state = '{state}' BEGIN SELECT RAISE(ABORT, 'no'); END")
    try:
        yield
    finally:
        run("DROP TRIGGER refusing")


class Faults(unittest.TestCase):
    def test_a_start_that_the_database_does_not_take_is_told_until_it_does(self):
        with Server() as server:
            with refusing(server, "processing"):
                job = server.submit_job(**FAST)
                eventually(lambda: "the start could not be recorded" in server.log())
            ended = server.wait(job)
            self.assertEqual(ended["status"], "completed")
            self.assertIsNotNone(ended["startedAt"])
            check_invariants(server, [job])

    def test_ffmpeg_that_is_being_replaced_keeps_jobs_waiting(self):
        with tempfile.TemporaryDirectory() as folder:
            own = pathlib.Path(folder)
            for name in ("ffmpeg", "ffprobe"):
                shutil.copy(shutil.which(name), own / name)
            with Server("--ffmpeg", str(own / "ffmpeg")) as server:
                job = server.submit_job(**FAST)
                self.assertEqual(server.wait(job)["status"], "completed")
                for name in ("ffmpeg", "ffprobe"):
                    (own / name).rename(own / f"{name}.away")
                waiting = server.submit_job(**FAST)
                eventually(lambda: "is short of" in server.log())
                self.assertIn(server.read(waiting)["status"], ("queued", "submitted", "processing"))
                for name in ("ffmpeg", "ffprobe"):
                    (own / f"{name}.away").rename(own / name)
                self.assertEqual(server.wait(waiting)["status"], "completed")
                check_invariants(server, [job, waiting])

    def test_a_data_folder_that_is_gone_for_a_moment_fails_no_job(self):
        with Server("--max-running-per-key", "1") as server:
            jobs = [server.submit_job(**FAST) for _ in range(3)]
            server.wait_for_stage(jobs[0], "processing-video")
            objects, aside = server.data / "objects", server.data / "objects-aside"
            objects.rename(aside)
            eventually(lambda: "the store failed" in server.log())
            aside.rename(objects)
            for job in jobs:
                self.assertEqual(server.wait(job)["status"], "completed")
            check_invariants(server, jobs)

    def test_a_job_that_the_database_does_not_take_back_is_put_back_as_soon_as_it_does(self):
        with Server("--grace-secs", "0") as server:
            job = server.submit_job()
            server.wait_for_stage(job, "processing-video")
            with refusing(server, "queued"):
                server.signal(signal.SIGTERM)
                eventually(lambda: "could not be requeued" in server.log())
            self.assertEqual(server.process.wait(60), 0)
            server.process.stdout.close()
            server.start()
            self.assertEqual(server.wait(job)["status"], "completed")
            self.assertEqual(server.rows("SELECT restarts, crashes, attempts FROM jobs"), [(0, 0, 0)])
            check_invariants(server, [job])

    def test_killed_during_an_upload_nothing_is_left_and_the_next_request_works(self):
        with Server() as server:
            body = form(CLIP * 40, FAST)
            with socket.create_connection(("127.0.0.1", server.port)) as upload:
                head = f"POST {SUBMIT} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.key}\r\n"
                head += f"Content-Type: multipart/form-data; boundary=X\r\nContent-Length: {len(body)}\r\n\r\n"
                upload.sendall(head.encode() + body[: len(body) // 2])
                eventually(server.objects)
                server.restart()
            self.assertEqual(server.objects(), set())
            check_invariants(server, [server.submit_job(**FAST)])

    def test_killed_in_mid_decode_the_job_is_done_by_the_next_start(self):
        with Server() as server:
            job = server.submit_job()
            with server.held(job) as below:
                reached = server.read(job)["progress"]
                server.restart()
            eventually(lambda: not any(map(running, below)), 10)
            again = server.read(job)
            self.assertGreaterEqual(again["progress"], reached, "progress went back")
            self.assertEqual(server.wait(job)["status"], "completed")
            self.assertEqual(server.rows("SELECT restarts, crashes, attempts FROM jobs"), [(1, 0, 0)])
            check_invariants(server, [job])

    def test_killed_while_outputs_are_stored_or_committed_there_is_one_result(self):
        with Server() as server:
            jobs = []
            for delay_ms in (0, 5, 20, 60):
                job = server.submit_job(formats=json.dumps(["webm", "stacked-alpha"]), size="64", fps="6")
                jobs.append(job)
                eventually(lambda: any(job in name for name in server.objects()), every=0.001)
                time.sleep(delay_ms / 1000)  # moments of the kill, not waits: none of them may matter
                server.restart()
                self.assertEqual(server.wait(job)["status"], "completed")
            check_invariants(server, jobs)

    def test_killed_between_store_and_finish_the_lost_outputs_go_and_one_finish_is_committed(self):
        with Server(halt_at="stored") as server:
            job = server.submit_job(**FAST)
            eventually(lambda: "halted" in server.log())
            lost = f"jobs/{job}/1/webm.webm"
            self.assertIn(lost, server.objects())
            self.assertEqual(server.rows("SELECT state, token FROM jobs"), [("processing", 1)])
            self.assertEqual(server.rows("SELECT 1 FROM usage"), [])
            server.restart()
            self.assertNotIn(lost, server.objects())
            self.assert_finished_once(server, job, token=2, restarts=1)

    def test_killed_between_commit_and_its_answer_the_committed_result_is_the_only_one(self):
        with Server(halt_at="committed") as server:
            job = server.submit_job(**FAST)
            eventually(lambda: "halted" in server.log())
            self.assertEqual(server.rows("SELECT state FROM jobs"), [("completed",)])
            server.restart()
            self.assert_finished_once(server, job, token=1, restarts=0)

    def test_killed_between_the_2xx_of_a_webhook_and_its_record_it_is_sent_again_under_the_same_id(self):
        with Server(halt_at="delivered") as server:
            job = server.submit_job(**FAST)
            server.wait(job)
            eventually(lambda: server.log().count("halted") == 2)
            self.assertEqual(sorted(server.receiver.ids().values()), [1, 1])
            self.assertEqual(server.rows("SELECT state FROM webhook_deliveries"), [("pending",)] * 2)
            server.restart()
            eventually(lambda: not server.rows("SELECT 1 FROM webhook_deliveries WHERE state = 'pending'"))
            self.assertEqual(sorted(server.receiver.ids().values()), [2, 2])
            self.assertEqual(server.rows("SELECT COUNT(*) FROM webhook_attempts"), [(2,)])
            check_invariants(server, [job])

    def test_a_job_that_ends_while_the_server_drains_is_told_before_the_server_ends(self):
        with Server() as server:
            job = server.submit_job(**FAST)
            server.wait_for_status(job, "processing")
            self.assertEqual(server.end(), 0)
            self.assertEqual(server.rows("SELECT state FROM jobs"), [("completed",)])
            told = [json.loads(body)["type"] for _, body in server.receiver.received]
            self.assertEqual(sorted(told), ["job.completed", "job.started"])
            server.start()
            check_invariants(server, [job])

    def test_a_receiver_that_stalls_delays_no_job_and_no_drain(self):
        with Server() as server:
            let_go = threading.Event()
            server.receiver.answer = lambda hook: let_go.wait() and hook.send(204)
            jobs = [server.submit_job(**FAST) for _ in range(4)]
            for job in jobs:
                self.assertEqual(server.wait(job)["status"], "completed")
            began = time.monotonic()
            self.assertEqual(server.end(), 0)
            self.assertLess(time.monotonic() - began, 15)
            server.receiver.answer = lambda hook: hook.send(204)
            let_go.set()
            server.start()
            check_invariants(server, jobs)

    def assert_finished_once(self, server, job, token, restarts):
        self.assertEqual(server.wait(job)["status"], "completed")
        self.assertEqual(server.rows("SELECT token, restarts, crashes, attempts FROM jobs"), [(token, restarts, 0, 0)])
        self.assertEqual(server.rows("SELECT COUNT(*) FROM usage"), [(1,)])
        [(key, sha256)] = server.rows("SELECT object_key, sha256 FROM outputs")
        self.assertEqual(key, f"jobs/{job}/{token}/webm.webm")
        self.assertEqual(hashlib.sha256(server.download(job)).hexdigest(), sha256)
        check_invariants(server, [job])
        outputs = {name for name in server.objects() if name.startswith("jobs/")}
        self.assertEqual(outputs, {key})

    def test_killed_after_the_commit_the_result_stays(self):
        with Server() as server:
            job = server.submit_job(**FAST)
            done = server.wait(job)
            server.restart()
            again = server.read(job)
            for changing in (done["result"], again["result"]):
                changing.pop("outputUrl")
                changing["outputs"][0].pop("url")
            self.assertEqual(again, done)
            check_invariants(server, [job])

    def test_a_link_outlives_a_restart(self):
        with Server() as server:
            job = server.submit_job(**FAST)
            url = server.wait(job)["result"]["outputUrl"]
            server.restart()
            self.assertEqual(server.request("GET", server.path_of(url))[0], 200)

    def test_a_job_that_the_server_had_at_two_kills_ends_well(self):
        with Server() as server:
            job = server.submit_job()
            for _ in range(2):
                server.wait_for_status(job, "processing")
                server.restart()
            self.assertEqual(server.wait(job)["status"], "completed")
            check_invariants(server, [job])

    def test_a_clip_that_ends_its_server_each_time_is_given_up_after_three(self):
        with Server() as server:
            job = server.submit_job()
            for _ in range(3):
                server.wait_for_status(job, "processing")
                server.restart()
            ended = server.wait(job)
            self.assertEqual((ended["status"], ended["error"]["code"]), ("failed", "WORKER_LOST"))
            check_invariants(server, [job, server.submit_job(**FAST)])

    def test_no_process_outlives_a_server_that_is_killed(self):
        with Server() as server:
            jobs = []
            for kill in range(12):
                jobs.append(server.submit_job(size="64", fps="6"))
                # While sandboxes are being made: the first, the second or the third of them.
                eventually(lambda: sum(map(is_sandbox, marked_children(server.data))) > kill % 3, every=0.0005)
                server.kill()
                eventually(lambda: not marked_children(server.data), 10)
                server.start()
            check_invariants(server, jobs)

    def test_halted_past_its_lease_the_job_is_taken_back_and_ends_once(self):
        with Server(*SHORT_LEASE) as server:
            job = server.submit_job()
            with server.held(job):
                server.signal(signal.SIGSTOP)
                eventually(lambda: server.rows("SELECT 1 FROM leases WHERE expires_ms < ?", time.time() * 1000), 10)
                server.signal(signal.SIGCONT)
            self.assertEqual(server.wait(job)["status"], "completed")
            self.assertEqual(server.rows("SELECT token, crashes FROM jobs"), [(2, 1)])
            check_invariants(server, [job])

    def test_told_to_stop_it_lets_the_job_end_and_leaves_with_0(self):
        with Server() as server:
            job = server.submit_job()
            with server.held(job):
                server.signal(signal.SIGTERM)
                status, body = eventually(lambda: (answer := server.request("GET", "/readyz"))[0] == 503 and answer)
                self.assertIn(b"is stopping", body)
            self.assertEqual(server.process.wait(timeout=60), 0)
            server.process.stdout.close()
            server.start()
            self.assertEqual(server.read(job)["status"], "completed")
            check_invariants(server, [job])

    def test_told_to_stop_without_grace_it_puts_the_job_back_unharmed(self):
        with Server("--grace-secs", "0") as server:
            job = server.submit_job()
            with server.held(job):
                self.assertEqual(server.end(), 0)
            self.assertEqual(server.rows("SELECT state, attempts, crashes FROM jobs"), [("queued", 0, 0)])
            server.start()
            self.assertEqual(server.wait(job)["status"], "completed")
            check_invariants(server, [job])

    def test_a_hung_child_is_ended_by_the_deadline(self):
        with Server("--deadline-secs", "10", *SHORT_LEASE) as server:
            job = server.submit_job()
            with server.held(job) as hung:
                ended = server.wait(job)
            self.assertEqual((ended["status"], ended["error"]["code"]), ("failed", "TIMEOUT"))
            eventually(lambda: not any(map(running, hung)), 10)
            check_invariants(server, [job])

    def test_a_burst_of_connections_waits_until_the_server_takes_them(self):
        with Server() as server:
            server.signal(signal.SIGSTOP)
            burst = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(400)]
            server.signal(signal.SIGCONT)
            for client in burst:
                client.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            self.assertEqual({client.recv(4096)[:12] for client in burst}, {b"HTTP/1.1 200"})
            for client in burst:
                client.close()

    def test_a_second_server_on_the_same_folder_is_refused(self):
        with Server() as server:
            command = [BINARY, "serve", "--data", str(server.data), "--listen", "127.0.0.1:0"]
            second = subprocess.run(command, capture_output=True, text=True, timeout=20)
            self.assertNotEqual(second.returncode, 0)
            self.assertIn("in use by another clearcut server", second.stderr)

    def test_a_full_disk_is_507_and_works_again_when_there_is_room(self):
        with tempfile.TemporaryDirectory() as folder:
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True)
            if mounted.returncode:
                self.assertNotIn("CI", os.environ, "the gate must be able to mount a small file system")
                self.skipTest("needs the right to mount a small file system")
            try:
                self.fill_and_free(pathlib.Path(folder))
            finally:
                subprocess.run(["umount", "-l", folder], check=True)

    def fill_and_free(self, folder):
        with Server("--disk-floor-mib", "0", data=folder / "data") as server:
            filler = folder / "filler"
            # Unbuffered: what did not fit would be written again, and fail again, when the file is closed.
            with open(filler, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(1 << 16))
                except OSError:
                    pass
            statuses = set()
            jobs = []
            for _ in range(4):
                status, reply = server.submit(CLIP + bytes(4 << 20), **FAST)
                statuses.add(status)
                if status == 202:
                    jobs.append(reply["data"]["jobId"])
                else:
                    self.assertIn(reply["error"]["code"], ("INSUFFICIENT_STORAGE", "UNAVAILABLE"), reply)
            self.assertTrue(statuses <= {507, 503, 202} and statuses & {507, 503}, statuses)
            filler.unlink()
            jobs.append(server.submit_job(**FAST))
            check_invariants(server, jobs)

    def test_keys_made_and_revoked_beside_the_server_work_at_once(self):
        with Server() as server:
            first = server.key
            job = server.submit_job(**FAST)
            server.key = server.create_key("--name", "second")
            self.assertEqual(server.request("GET", f"/api/v1/jobs/{job}")[0], 404)
            self.assertIn("second", server.command("keys", "list"))
            self.assertNotIn(server.key, server.command("keys", "list"))
            server.command("keys", "revoke", "2")
            self.assertEqual(server.request("GET", f"/api/v1/jobs/{job}")[0], 401)
            server.key = first
            check_invariants(server, [job])

    def test_a_large_upload_does_not_grow_memory(self):
        with Server("--max-upload-mib", "1024") as server:
            server.wait(server.submit_job(**FAST))
            before = server.resident_bytes()
            connection = socket.create_connection(("127.0.0.1", server.port))
            piece, count = bytes(1 << 20), 400
            head, tail = form(CLIP, {}).split(CLIP[-16:] + b"\r\n--X--")[0], b"\r\n--X--\r\n"
            length = len(head) + count * len(piece) + len(tail)
            lines = [f"POST {SUBMIT} HTTP/1.1", "Host: a", f"Authorization: Bearer {server.key}", f"Content-Length: {length}"]
            lines += ["Content-Type: multipart/form-data; boundary=X", "Connection: close", "", ""]
            connection.sendall("\r\n".join(lines).encode() + head)
            peak = 0
            for _ in range(count):
                connection.sendall(piece)
                peak = max(peak, server.resident_bytes())
            connection.sendall(tail)
            self.assertIn(b" 202 ", connection.recv(4096).split(b"\r\n")[0] + b" ")
            connection.close()
            self.assertLess(peak - before, 64 << 20, f"{(peak - before) >> 20} MiB")


if __name__ == "__main__":
    unittest.main(verbosity=2)
