"""The disk under the data folder: full, read-only, and good again. No case needs a restart, and each ends with the invariants."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from harness import BINARY, CLIP, FINAL, MULTIPART, SMALL, SUBMIT, Server, eventually, form
from invariants import check_invariants, check_objects_and_pointers
from preload import Steering


@contextlib.contextmanager
def small_disk(test, mebibytes=24):
    """A file system of its own, so small that it can be filled."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", folder]
        if subprocess.run(command, capture_output=True).returncode:
            test.assertNotIn("CI", os.environ, "the gate must be able to mount a small file system")
            test.skipTest("needs the right to mount a small file system")
        try:
            yield pathlib.Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def full(folder):
    """Fills the disk of `folder`, and again with each call of what it yields. It is empty again after the block."""
    filler = folder / "filler"

    def fill():
        # Unbuffered: what did not fit would be written again, and fail again, when the file is closed.
        with open(filler, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 14))

    fill()
    try:
        yield fill
    finally:
        filler.unlink()


@contextlib.contextmanager
def read_only(folder):
    """What is opened below `folder` while the block runs can be read alone; what is open stays as it is."""
    mount = lambda *words: subprocess.run(["mount", *words], check=True)
    # Made elsewhere, so that nobody opens anything in it before it is read-only.
    with tempfile.TemporaryDirectory() as aside:
        mount("--bind", folder, aside)
        try:
            mount("-o", "remount,bind,ro", aside)
            mount("--bind", aside, folder)
        finally:
            subprocess.run(["umount", "-l", aside], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def begin_upload(server):
    """The status and the code of a request that writes to the database alone."""
    status, body = server.request("POST", "/api/v1/uploads", b"")
    return status, (json.loads(body).get("error") or {}).get("code")


def until_refused(server, fill):
    """Begins uploads until the database takes no more. What it has of its log is written over before the log grows.

    A job that ends meanwhile frees its files, and thousands of uploads fit into those: `fill` takes that room away.
    """
    for _ in range(3000):
        fill()
        status, code = begin_upload(server)
        assert (status, code) in ((201, None), (507, "INSUFFICIENT_STORAGE"), (503, "UNAVAILABLE")), (status, code)
        if status != 201 and database_check(server)[0] == 503:
            return
    raise AssertionError("the database took everything")


def database_check(server):
    status, body = server.request("GET", "/readyz")
    return status, next(check for check in json.loads(body)["data"]["checks"] if check["name"] == "database")


class Storage(unittest.TestCase):
    def test_a_disk_that_fills_and_empties_twenty_times_under_load_needs_no_restart(self):
        with small_disk(self) as folder, Server("--disk-floor-mib", "0", data=folder / "data") as server:
            jobs, stop = [], threading.Event()

            def submit():
                while not stop.wait(0.5):
                    if len(jobs) > 1 and server.read(jobs[-2])["status"] not in FINAL:
                        continue  # more would only lengthen the end
                    status, reply = server.submit(CLIP, **SMALL)
                    if status == 202:
                        jobs.append(reply["data"]["jobId"])
                    else:
                        assert status in (503, 507), reply

            client = threading.Thread(target=submit)
            client.start()
            try:
                for _ in range(20):
                    with full(folder) as fill:
                        until_refused(server, fill)
                    self.assertEqual(begin_upload(server)[0], 201, "there is room again")
                    eventually(lambda: database_check(server)[0] == 200, 10)
            finally:
                stop.set()
                client.join()
            jobs.append(server.submit_job(**SMALL))
            self.assertEqual(server.wait(jobs[-1])["status"], "completed")
            for job in jobs:
                ended = server.wait(job)
                self.assertIn((ended["error"] or {}).get("code"), (None, "INSUFFICIENT_STORAGE", "STORAGE_UNAVAILABLE"))
            check_invariants(server, jobs)
            self.assertEqual(server.end(), 0)
            server.start()

    def test_a_file_system_that_was_read_only_is_named_and_written_to_again(self):
        with small_disk(self) as folder, Server("--disk-floor-mib", "0", data=folder / "data") as server:
            for _ in range(3):
                with contextlib.ExitStack() as stack:
                    with full(folder) as fill:
                        until_refused(server, fill)
                        # What opens the database anew from here on opens it to read alone.
                        stack.enter_context(read_only(server.data))
                        eventually(lambda: begin_upload(server) == (503, "READ_ONLY_STORAGE"), 10)
                    eventually(lambda: "read-only" in database_check(server)[1]["detail"], 10)
                    status, reply = server.submit(**SMALL)
                    self.assertEqual((status, reply["error"]["code"]), (503, "READ_ONLY_STORAGE"))
                self.assertEqual(begin_upload(server)[0], 201)
                eventually(lambda: database_check(server)[0] == 200, 10)
            check_invariants(server, [server.submit_job(**SMALL)])

    def test_the_floor_holds_while_bytes_come_announced_or_not_and_side_by_side(self):
        floor, disk = 32, 80
        with small_disk(self, disk) as folder, Server("--disk-floor-mib", str(floor), data=folder / "data") as server:
            lowest = disk << 20

            def look():
                nonlocal lowest
                free = os.statvfs(folder)
                lowest = min(lowest, free.f_bavail * free.f_frsize)

            def send(path, head, pieces, announced):
                """The status of a body that comes in pieces of a mebibyte."""
                with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
                    lines = [f"{path} HTTP/1.1", "Host: a", f"Authorization: Bearer {server.key}", "Connection: close"]
                    lines += ["Content-Type: multipart/form-data; boundary=X"]
                    length = len(head) + (pieces << 20)
                    lines += [f"Content-Length: {length}" if announced else "Transfer-Encoding: chunked", "", ""]
                    client.sendall("\r\n".join(lines).encode())
                    chunk = lambda data: data if announced else b"%x\r\n%s\r\n" % (len(data), data)
                    with contextlib.suppress(ConnectionError):
                        client.sendall(chunk(head))
                        for _ in range(pieces):
                            client.sendall(chunk(bytes(1 << 20)))
                            look()
                        client.sendall(b"" if announced else b"0\r\n\r\n")
                    return int(client.makefile("rb").readline().split()[1])

            submit, head = f"POST {SUBMIT}", form(CLIP, {})[: -len(b"\r\n--X--\r\n")]
            self.assertEqual(send(submit, head, 100, announced=True), 507)
            self.assertEqual(send(submit, head, 100, announced=False), 507)
            _, path = server.begin_upload()
            self.assertEqual(send(f"PUT {path}", CLIP, 100, announced=False), 507)
            with concurrent.futures.ThreadPoolExecutor() as clients:
                sent = [clients.submit(send, submit, head, 30, announced) for announced in (True, False, False)]
                self.assertIn(507, {each.result() for each in sent})
            look()
            self.assertGreaterEqual(lowest, (floor - 1) << 20, f"{lowest >> 20} MiB")
            eventually(lambda: not server.objects(), 10)
            check_invariants(server, [server.submit_job(**SMALL)])

    def test_a_quota_holds_while_bytes_come(self):
        with Server("--quota-mib", "12") as server:
            body = form(CLIP + bytes(64 << 20), SMALL)
            most = 0
            with concurrent.futures.ThreadPoolExecutor() as clients:
                sent = [clients.submit(server.request, "POST", SUBMIT, body, MULTIPART) for _ in range(3)]
                while not all(each.done() for each in sent):
                    files = (server.data / "objects").rglob("*")
                    with contextlib.suppress(FileNotFoundError):
                        most = max(most, sum(path.stat().st_size for path in files if path.is_file()))
            for each in sent:
                status, reply = each.result()
                self.assertEqual((status, json.loads(reply)["error"]["code"]), (429, "QUOTA_EXCEEDED"))
            self.assertLess(most, (12 + 3 * 8) << 20)
            check_invariants(server, [server.submit_job(**SMALL)])


def back_up(server, folder):
    """Where the backup of a running server is, and the command that made it."""
    copy = pathlib.Path(folder) / "clearcut.db"
    command = [BINARY, "db", "backup", str(copy), "--data", str(server.data)]
    subprocess.run(command, check=True, capture_output=True)
    return copy, command


class Interrupted(unittest.TestCase):
    def test_an_upload_whose_commit_fails_leaves_no_object(self):
        with Steering() as steering, Server(environment=steering.environment, hooks=False) as server:
            paths = [server.begin_upload()[1] for _ in range(40)]
            with steering.interrupted(3):
                statuses = [server.request("PUT", path, CLIP)[0] for path in paths]
            self.assertIn(503, statuses, "no commit failed")
            check_objects_and_pointers(server)


class Damage(unittest.TestCase):
    """A database that lost something stops the start, and nothing of the folder changes."""

    def assert_refused(self, server):
        before = server.objects()
        self.assertTrue(before)
        command = [BINARY, "serve", "--data", str(server.data), "--listen", "127.0.0.1:0"]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("DATABASE_DAMAGED", refused.stderr)
        self.assertNotIn("hc_", refused.stdout)
        self.assertEqual(server.objects(), before)

    def test_a_log_that_is_damaged_or_gone_is_no_first_start(self):
        with Server() as server:
            job = server.submit_job(**SMALL)
            server.wait(job)
            server.kill()
            log = server.data / "clearcut.db-wal"
            whole = log.read_bytes()
            for place in (0, 9, 17, 31):
                log.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
                self.assert_refused(server)
            log.unlink()
            self.assert_refused(server)
            log.write_bytes(whole)
            server.start()
            self.assertEqual(server.read(job)["status"], "completed")
            check_invariants(server, [job])

    def test_a_database_that_is_gone_or_emptied_is_no_first_start_and_takes_nothing_along(self):
        for end in (Server.end, Server.kill):
            with Server() as server:
                job = server.submit_job(**SMALL)
                server.wait(job)
                end(server)
                database = server.data / "clearcut.db"
                whole = database.read_bytes()
                for left in (None, b"", b"something else"):
                    database.unlink() if left is None else database.write_bytes(left)
                    self.assert_refused(server)
                # Neither the log was folded into another file, nor is there a mark without a log.
                database.write_bytes(whole)
                server.start()
                self.assertEqual(server.read(job)["status"], "completed")
                check_invariants(server, [job])

    def test_a_backup_over_the_database_is_refused_while_the_old_log_is_there(self):
        with Server() as server, tempfile.TemporaryDirectory() as folder:
            job = server.submit_job(**SMALL)
            server.wait(job)
            copy, _ = back_up(server, folder)
            server.kill()
            whole = (server.data / "clearcut.db").read_bytes()
            shutil.copy(copy, server.data / "clearcut.db")
            self.assert_refused(server)
            (server.data / "clearcut.db").write_bytes(whole)
            server.start()
            check_invariants(server, [job])

    def test_a_backup_made_beside_a_running_server_is_whole(self):
        with Server() as server, tempfile.TemporaryDirectory() as folder:
            job = server.submit_job(**SMALL)
            server.wait(job)
            copy, command = back_up(server, folder)
            again = subprocess.run(command, capture_output=True, text=True)
            self.assertIn("exists already", again.stderr)
            self.assertEqual(copy.stat().st_mode & 0o777, 0o600)
            server.kill()
            for name in ("clearcut.db", "clearcut.db-wal", "clearcut.db-shm", "clearcut.db-in-use"):
                (server.data / name).unlink(missing_ok=True)
            shutil.copy(copy, server.data / "clearcut.db")
            server.start()
            self.assertEqual(server.read(job)["status"], "completed")
            self.assertTrue(server.download(job))
            check_invariants(server, [job])


if __name__ == "__main__":
    unittest.main(verbosity=2)
