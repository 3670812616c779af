"""What owners may ask of their jobs, with the real binary and real clips."""

import http.client
import json
import os
import socket
import threading
import time
import unittest

from harness import BROKEN_CLIP, CLIP, MULTIPART, SUBMIT, Server, eventually, form
from invariants import check_invariants
from processes import children_of, running

FAST = {"format": "webm", "size": "128"}


def call(server, method, path, key=None, **headers):
    """Status, headers and JSON of a request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=90)
    try:
        connection.request(method, path, None, {"Authorization": f"Bearer {key or server.key}", **headers})
        reply = connection.getresponse()
        body = reply.read()
        return reply.status, reply.headers, json.loads(body) if body else None
    finally:
        connection.close()


def submit(server, clip=CLIP, key=None, headers=None, **fields):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=90)
    try:
        head = {"Authorization": f"Bearer {key or server.key}", **MULTIPART}
        connection.request("POST", SUBMIT, form(clip, fields), {**head, **(headers or {})})
        reply = connection.getresponse()
        return reply.status, reply.headers, json.loads(reply.read())
    finally:
        connection.close()


class Events:
    """One client of a job's events, on a socket of its own."""

    def __init__(self, server, job, last=None):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        head = f"GET /api/v1/jobs/{job}/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.key}\r\n"
        self.socket.sendall((head + (f"Last-Event-ID: {last}\r\n" if last else "") + "\r\n").encode())
        self.reply = http.client.HTTPResponse(self.socket)
        self.reply.begin()

    def read(self, until=lambda job: False):
        """Ids and jobs, up to the end of the stream or the first job for which `until` holds."""
        found, last = [], None
        for line in self.reply:
            if line.startswith(b"id:"):
                last = int(line[3:])
            if line.startswith(b"data:"):
                found.append((last, json.loads(line[5:])))
                if until(found[-1][1]):
                    break
        return found

    def close(self):
        self.reply.close()
        self.socket.close()


def connected(server):
    """The ports of the clients whose connections the server holds open, half closed or not."""
    own = f"{server.port:04X}"
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    # Addresses are ADDRESS:PORT in hexadecimal; a socket that no process holds has the inode 0.
    return {int(row[2].split(":")[1], 16) for row in rows if row[1].endswith(f":{own}") and row[9] != "0" and row[3] != "0A"}


class Jobs(unittest.TestCase):
    def test_a_cancelled_job_has_no_process_within_two_seconds_and_reads_failed(self):
        with Server() as server:
            job = server.submit_job()
            server.wait_for_stage(job, "processing-video")
            below = eventually(lambda: children_of(server.process.pid), every=0.005)
            began = time.monotonic()
            status, _, reply = call(server, "POST", f"/api/v1/jobs/{job}/cancel")
            self.assertEqual((status, reply["data"]["status"]), (200, "failed"))
            eventually(lambda: not any(map(running, below)), 2, every=0.005)
            print(f"cancelled, and no process after {time.monotonic() - began:.3f} s")
            self.assertEqual(server.read(job)["error"]["code"], "JOB_CANCELLED")
            # The slot is free, and a job that waits is cancelled too.
            running_job = server.submit_job()
            with server.held(running_job):
                waiting = server.submit_job(**FAST)
                self.assertEqual(server.read(waiting)["queuePosition"], 1)
                for _ in range(2):
                    status, _, reply = call(server, "POST", f"/api/v1/jobs/{waiting}/cancel")
                    self.assertEqual((status, reply["data"]["error"]["code"]), (200, "JOB_CANCELLED"))
                last = server.submit_job(**FAST)
            self.assertEqual(server.wait(running_job)["status"], "completed")
            self.assertEqual(server.wait(last)["status"], "completed")
            status, _, reply = call(server, "POST", f"/api/v1/jobs/{last}/cancel")
            self.assertEqual((status, reply["data"]["status"]), (200, "completed"))
            check_invariants(server, [job, running_job, waiting, last])

    def test_a_removed_job_leaves_neither_file_nor_row_nor_process_and_its_usage_stays(self):
        with Server() as server:
            done, runs = server.submit_job(**FAST), server.submit_job()
            server.wait(done)
            url = server.path_of(server.read(done)["result"]["outputUrl"])
            with server.held(runs) as below:
                for job in (runs, done):
                    self.assertEqual(call(server, "DELETE", f"/api/v1/jobs/{job}")[0], 200)
                    self.assertEqual(call(server, "GET", f"/api/v1/jobs/{job}")[0], 404)
                    self.assertEqual(call(server, "DELETE", f"/api/v1/jobs/{job}")[0], 404)
            eventually(lambda: not any(map(running, below)), 2)
            self.assertEqual(server.request("GET", url)[0], 404)
            eventually(lambda: server.objects() == set(), 5)
            self.assertEqual(server.rows("SELECT 1 FROM jobs UNION SELECT 1 FROM outputs UNION SELECT 1 FROM leases"), [])
            usage = call(server, "GET", "/api/v1/usage")[2]["data"]
            self.assertEqual((usage["total"]["jobs"], usage["total"]["inputBytes"]), (1, len(CLIP)))
            server.restart()
            self.assertEqual(call(server, "GET", f"/api/v1/jobs/{done}")[0], 404)
            check_invariants(server, [])

    def test_a_list_has_all_jobs_of_the_key_once(self):
        with Server() as server:
            jobs = [server.submit_job(BROKEN_CLIP) for _ in range(7)]
            seen, query = [], "?limit=3"
            while query:
                page = call(server, "GET", f"/api/v1/jobs{query}")[2]["data"]
                seen += [job["jobId"] for job in page["jobs"]]
                query = page["nextCursor"] and f"?limit=3&cursor={page['nextCursor']}"
            self.assertEqual(seen, jobs[::-1])
            other = server.create_key()
            self.assertEqual(call(server, "GET", "/api/v1/jobs", other)[2]["data"]["jobs"], [])
            for job in jobs:
                server.wait(job)
            self.assertEqual(len(call(server, "GET", "/api/v1/jobs?status=failed")[2]["data"]["jobs"]), 7)
            self.assertEqual(call(server, "GET", "/api/v1/jobs?status=nonsense")[0], 400)

    def test_a_cancelled_job_whose_clip_is_kept_is_tried_again(self):
        with Server() as server:
            runs = server.submit_job()
            with server.held(runs):
                job = server.submit_job(**FAST)
                call(server, "POST", f"/api/v1/jobs/{job}/cancel")
            status, _, reply = call(server, "POST", f"/api/v1/jobs/{job}/retry")
            self.assertEqual(status, 202, reply)
            again = reply["data"]["jobId"]
            done = server.wait(again)
            self.assertEqual((done["status"], done["retryOf"]), ("completed", job))
            self.assertEqual(server.read(job)["status"], "failed")
            self.assertEqual(call(server, "POST", f"/api/v1/jobs/{again}/retry")[2]["error"]["code"], "JOB_NOT_FAILED")
            check_invariants(server, [runs, job, again])

    def test_events_tell_every_step_to_the_end_and_go_on_after_a_restart(self):
        with Server() as server:
            job = server.submit_job()
            events = Events(server, job)
            first = events.read(until=lambda found: found["stage"] == "processing-video")
            server.restart()
            events.close()
            resumed = Events(server, job, last=first[-1][0])
            rest = resumed.read()  # to the end of the stream
            resumed.close()
            ids = [number for number, _ in first + rest]
            self.assertEqual(ids, sorted(set(ids)), "ids do not rise")
            steps = [found["progress"] for _, found in first + rest]
            self.assertEqual(steps, sorted(steps), "progress went back")
            self.assertEqual(rest[-1][1]["status"], "completed")
            self.assertTrue(all(found["revision"] == number for number, found in first + rest))
            again = Events(server, job, last=ids[-1])
            self.assertEqual(again.reply.status, 204)
            again.close()
            check_invariants(server, [job])

    def test_a_thousand_vanished_followers_leave_nothing_behind(self):
        with Server("--max-waits-per-key", "1000", "--slots", "1", hooks=False) as server:
            runs = server.submit_job()
            job = server.submit_job()
            with server.held(runs):
                pid = server.process.pid
                descriptors = lambda: len(os.listdir(f"/proc/{pid}/fd"))
                threads = lambda: len(os.listdir(f"/proc/{pid}/task"))

                def follow():
                    follower = Events(server, job)
                    if follower.reply.status == 200:
                        return follower
                    follower.close()

                call(server, "GET", f"/api/v1/jobs/{job}")
                before = descriptors()
                followers = [follow() for _ in range(1000)]
                names = {follower.socket.getsockname()[1] for follower in followers}
                self.assertEqual(names - connected(server), set())
                self.assertLess(threads(), 600)
                status, _, reply = call(server, "GET", f"/api/v1/jobs/{job}?wait=1")
                self.assertEqual((status, reply["error"]["code"]), (429, "QUOTA_EXCEEDED"))
                for place, follower in enumerate(followers):
                    if place % 2:  # half of them without a word, as when the network is gone
                        follower.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    follower.close()
                began = time.monotonic()
                eventually(lambda: not names & connected(server), 10)
                print(f"1,000 followers were gone after {time.monotonic() - began:.2f} s")
                # What else was opened for them went too; a few of the database's pool come and go.
                eventually(lambda: descriptors() < before + 30, 10)
                # The right to wait is given back by the very end of each follower's task.
                again = [eventually(follow, 10) for _ in range(1000)]
                for follower in again:
                    follower.close()
            self.assertEqual(server.wait(job)["status"], "completed")
            check_invariants(server, [runs, job])

    def test_waiting_requests_answer_at_the_end_and_hold_up_no_shutdown(self):
        with Server() as server:
            status, headers, reply = submit(server, headers={"Prefer": "wait=60"}, **FAST)
            self.assertEqual((status, headers["Preference-Applied"]), (200, "wait=60"), reply)
            self.assertEqual(reply["data"]["status"], "completed")
            job = server.submit_job(**FAST)
            status, _, reply = call(server, "GET", f"/api/v1/jobs/{job}?wait=60")
            self.assertEqual((status, reply["data"]["status"]), (200, "completed"))
            long = [server.submit_job() for _ in range(2)]
            waiting = Events(server, long[1])
            began = time.monotonic()
            server.signal(2)
            server.signal(2)
            self.assertEqual(server.end(), 0)
            self.assertLess(time.monotonic() - began, 4, "a follower held the server up")
            waiting.close()
            server.start()
            check_invariants(server, long)

    def test_a_hundred_duplicates_in_parallel_make_one_job_and_one_upload(self):
        with Server() as server:
            answers = []

            def send():
                while True:
                    status, headers, reply = submit(server, headers={"Idempotency-Key": "once"}, **FAST)
                    if status != 409:
                        self.assertEqual(status, 202, reply)
                        answers.append((status, reply["data"]["jobId"], headers["Idempotent-Replayed"]))
                        return
                    self.assertEqual(reply["error"]["code"], "IDEMPOTENCY_CONFLICT")
                    time.sleep(int(headers["Retry-After"]))

            senders = [threading.Thread(target=send) for _ in range(100)]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
            self.assertEqual(len(answers), 100)
            self.assertEqual({(status, job) for status, job, _ in answers}, {(202, answers[0][1])})
            self.assertEqual([replayed for _, _, replayed in answers].count(None), 1)
            self.assertEqual(server.rows("SELECT COUNT(*) FROM jobs"), [(1,)])
            server.restart()
            status, headers, _ = submit(server, headers={"Idempotency-Key": "once"}, **FAST)
            self.assertEqual((status, headers["Idempotent-Replayed"]), (202, "true"))
            status, _, reply = submit(server, headers={"Idempotency-Key": "once"}, format="webm", size="64")
            self.assertEqual((status, reply["error"]["code"]), (422, "IDEMPOTENCY_CONFLICT"))
            check_invariants(server, [answers[0][1]])

    def test_keys_have_limits_of_their_own_and_are_told_when_to_come_back(self):
        with Server() as server:
            key = server.create_key("--submits-per-minute", "2", "--max-waiting", "1")
            number = server.command("keys", "list").splitlines()[-1].split()[0]
            status, headers, reply = submit(server, BROKEN_CLIP, key)
            self.assertEqual((status, headers["RateLimit-Policy"]), (202, '"submits";q=2;w=60'))
            submit(server, BROKEN_CLIP, key)
            status, headers, reply = submit(server, BROKEN_CLIP, key)
            self.assertEqual((status, reply["error"]["code"]), (429, "RATE_LIMITED"))
            self.assertTrue(1 <= int(headers["Retry-After"]) <= 30, headers["Retry-After"])
            self.assertEqual(submit(server, BROKEN_CLIP)[0], 202)
            # Changed beside the running server, it holds at once.
            server.command("keys", "limit", number, "--submits-per-minute", "600")
            with server.held(server.submit_job()):
                answers = eventually(lambda: (found := submit(server, BROKEN_CLIP, key))[0] == 429 and found)
            self.assertEqual(answers[2]["error"]["code"], "QUOTA_EXCEEDED")
            self.assertTrue(int(answers[1]["Retry-After"]) > 0)

    def test_commands_see_and_change_the_jobs_of_all_keys_beside_the_server(self):
        with Server() as server:
            done = server.submit_job(**FAST)
            server.wait(done)
            other = server.create_key()
            failed = submit(server, BROKEN_CLIP, other)[2]["data"]["jobId"]
            eventually(lambda: "INVALID_VIDEO" in server.command("jobs", "show", failed))
            listed = server.command("jobs", "list")
            self.assertEqual([line.split()[:2] for line in listed.splitlines()[1:]], [[failed, "failed"], [done, "completed"]])
            self.assertEqual(len(server.command("jobs", "list", "--state", "failed", "--key", "1").splitlines()), 1)
            self.assertRegex(server.command("jobs", "show", done), r"output +webm, ")
            server.command("jobs", "watch", done)
            again = server.command("jobs", "retry", failed).strip()
            ended = server.fails("jobs", "watch", again)
            self.assertEqual(ended.returncode, 3, ended)
            self.assertIn("(INVALID_VIDEO)", ended.stderr)
            with server.held(server.submit_job()) as _:
                waits = server.submit_job(**FAST)
                server.command("jobs", "cancel", waits)
            self.assertEqual(server.read(waits)["error"]["code"], "JOB_CANCELLED")
            self.assertIn("completed", server.fails("jobs", "cancel", done).stderr)
            self.assertIn("completed", server.fails("jobs", "retry", done).stderr)
            self.assertIn("there is no job", server.fails("jobs", "show", done[:2] + done[:1:-1]).stderr)
            self.assertIn("jobs list", server.fails("jobs", "show", "one").stderr)

    def test_a_key_with_many_jobs_does_not_starve_one_with_a_single_job(self):
        with Server() as server:
            runs = server.submit_job()
            with server.held(runs):
                many = [server.submit_job(BROKEN_CLIP) for _ in range(200)]
                other = server.create_key()
                single = submit(server, BROKEN_CLIP, other)[2]["data"]["jobId"]
                position = call(server, "GET", f"/api/v1/jobs/{single}", other)[2]["data"]["queuePosition"]
                self.assertLessEqual(position, 2)
            eventually(lambda: call(server, "GET", f"/api/v1/jobs/{single}", other)[2]["data"]["status"] == "failed")
            earlier = "SELECT COUNT(*) FROM jobs WHERE started_ms < (SELECT started_ms FROM jobs WHERE id = ?)"
            self.assertLessEqual(server.rows(earlier, single)[0][0], 2, "it had to wait for more than the next of the others")
            check_invariants(server, [runs, *many])


if __name__ == "__main__":
    unittest.main(verbosity=2)
