"""Clients that want more than their share, and a machine that has little to give. Each test ends with the invariants."""

import contextlib
import http.client
import pathlib
import resource
import shutil
import socket
import unittest

from harness import CLIP, MULTIPART, PREVIEW, ROOT, SMALL, SUBMIT, Server, eventually, form
from invariants import check_invariants

HOSTILE = ROOT.parent / "shared/cases/hostile"


def from_address(server, source, method, path, body=None, headers=None):
    """The status of a request that comes from another address of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60, source_address=(source, 0))
    try:
        connection.request(method, path, body, {"Authorization": f"Bearer {server.key}", **(headers or {})})
        reply = connection.getresponse()
        reply.read()
        return reply.status
    finally:
        connection.close()


@contextlib.contextmanager
def idle(server, count, source):
    """`count` connections that say nothing."""
    held = []
    try:
        for _ in range(count):
            client = socket.socket()
            client.bind((source, 0))
            client.connect(("127.0.0.1", server.port))
            held.append(client)
        yield held
    finally:
        for client in held:
            client.close()


class Greed(unittest.TestCase):
    def test_connections_without_a_key_cost_no_job_its_files(self):
        with Server("--submits-per-minute", "10000", within=["prlimit", "--nofile=1024:1024"], hooks=False) as server:
            submit = lambda: from_address(server, "127.0.0.3", "POST", SUBMIT, form(CLIP, SMALL), MULTIPART)
            ended = lambda: server.rows("SELECT COUNT(*) FROM jobs WHERE ended_ms IS NOT NULL")[0][0]
            # These begin while no file is free but what is set aside.
            self.assertEqual({submit() for _ in range(10)}, {202})
            with idle(server, 1100, "127.0.0.2"):
                before = ended()
                eventually(lambda: ended() > before + 2)
                for _ in range(10):
                    self.assertEqual(submit(), 202)
                    self.assertEqual(from_address(server, "127.0.0.3", "GET", "/livez"), 200)
            jobs = [job for (job,) in server.rows("SELECT id FROM jobs")]
            self.assertEqual(len(jobs), 20)
            for job in jobs:
                self.assertEqual(server.wait(job)["status"], "completed")
            self.assertNotIn("short of files", server.log(), "connections took what is set aside for jobs")
            check_invariants(server, jobs)

    def test_a_job_that_finds_no_file_waits_until_there_are_some(self):
        with Server(hooks=False) as server:
            limit = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
            job = server.submit_job(**SMALL)
            opened = lambda: len(list(pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir()))
            server.wait(job)
            idle_files = eventually(lambda: (count := opened()) and count)
            # Enough to take a job in, too few for the pipes of its processes.
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (idle_files + 8, limit[1]))
            job = server.submit_job(**SMALL)
            eventually(lambda: "short of files" in server.log(), 30)
            self.assertIn(server.read(job)["status"], ("queued", "submitted", "processing"))
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limit)
            self.assertEqual(server.wait(job)["status"], "completed")
            self.assertEqual(server.rows("SELECT DISTINCT attempts, crashes FROM jobs"), [(0, 0)])
            check_invariants(server, [job])

    def test_bytes_outside_of_all_fields_cost_no_memory(self):
        with Server(hooks=False) as server:
            before = server.resident_bytes()
            for body in (b"x" * (64 << 20), b"--X\r\nX-Long: " + b"y" * (64 << 20)):
                with contextlib.suppress(ConnectionError):
                    status, _ = server.request("POST", SUBMIT, body, MULTIPART)
                    self.assertEqual(status, 400)
            self.assertLess(server.resident_bytes() - before, 24 << 20)
            check_invariants(server, [server.submit_job(**SMALL)])

    def test_a_folder_of_previews_that_was_removed_is_made_again(self):
        with Server(hooks=False) as server:
            # Made by the server, a moment after it listens.
            eventually((server.data / "previews").is_dir)
            shutil.rmtree(server.data / "previews")
            status, body = server.request("POST", PREVIEW, form(CLIP, {}), MULTIPART)
            self.assertEqual(status, 200, body)

    def test_a_clip_that_claims_what_it_has_not_is_refused_on_every_path(self):
        if not HOSTILE.is_dir():
            self.skipTest("needs the hostile clips")
        with Server(hooks=False) as server:
            jobs = []
            for name in ("samples-2x8.5e7.mp4", "gap-5h58.mkv", "polyglot-html.mp4", "gif-6000x6000.gif"):
                clip = (HOSTILE / name).read_bytes()
                job = server.submit_job(clip, **SMALL)
                jobs.append(job)
                ended = server.wait(job, 120)
                self.assertIn((ended["error"] or {}).get("code"), (None, "INVALID_VIDEO", "NO_FLAT_BACKGROUND"), name)
                status, body = server.request("POST", PREVIEW, form(clip, {}), MULTIPART)
                self.assertIn(status, (200, 400, 429, 503), f"{name}: {body}")
            check_invariants(server, jobs)


if __name__ == "__main__":
    unittest.main(verbosity=2)
