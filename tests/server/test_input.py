"""How clips come in by address or upload, and how long they stay, with the real binary. Each test ends with the invariants."""

import functools
import hashlib
import json
import socket
import threading
import time
import unittest

import harness
from harness import CLIP, MULTIPART, eventually
from hosts import Host, found, moved, saying, status
from invariants import check_invariants

# Without a receiver of webhooks, which lies on this machine: here every address of it is forbidden but those that a test names.
Server = functools.partial(harness.Server, hooks=False)
FAST = {"format": "webm", "size": "64", "fps": "6"}
LOOPBACK = ("--allow-private-networks", "127.0.0.1/32")
SHORT = ("--fetch-patience-secs", "2", "--fetch-min-kib-per-sec", "1", "--fetch-deadline-secs", "20", "--disk-floor-mib", "1")


def upload(server, clip=CLIP, **json_body):
    """Begins an upload and PUTs `clip`; the storage id, the address, and the answer to the PUT."""
    storage_id, path = server.begin_upload(**json_body)
    code, body = server.request("PUT", path, clip, {"Authorization": ""})
    return storage_id, path, (code, json.loads(body))


class Addresses(unittest.TestCase):
    """No address in any form makes the server connect to where it must not."""

    def test_no_form_of_an_address_reaches_the_servers_own_network(self):
        with Host(saying(found(CLIP))) as host, Host(saying(found(CLIP)), "127.0.0.2") as second, Server(
            environment={"CLEARCUT_TEST_NAMES": "inside.example=127.0.0.1"}
        ) as server:
            port = host.port
            at_submit = [
                f"http://localhost:{port}/",
                f"http://a.localhost:{port}/",
                f"http://127.0.0.1:{port}/",
                f"http://127.1:{port}/",
                f"http://2130706433:{port}/",
                f"http://0x7f000001:{port}/",
                f"http://0x7f.0.0.1:{port}/",
                f"http://0177.0.0.1:{port}/",
                f"http://017700000001:{port}/",
                f"http://0.0.0.0:{port}/",
                f"http://0:{port}/",
                f"http://127.0.0.1.:{port}/",
                f"http://127。0。0。1:{port}/",
                f"http://①②⑦.⓪.⓪.①:{port}/",
                f"http://%31%32%37.0.0.1:{port}/",
                f"http://[::1]:{port}/",
                f"http://[::]:{port}/",
                f"http://[::ffff:127.0.0.1]:{port}/",
                f"http://[::ffff:7f00:1]:{port}/",
                f"http://[::127.0.0.1]:{port}/",
                f"http://[64:ff9b::127.0.0.1]:{port}/",
                f"http://[2002:7f00:1::]:{port}/",
                f"http://[fe80::1]:{port}/",
                f"http://[fd00:ec2::254]:{port}/",
                f"http://127.0.0.2:{second.port}/",
                "http://169.254.169.254/latest/meta-data/",
                "http://2852039166/",
                "http://100.100.100.200/",
                "http://10.0.0.1/",
                "http://172.16.0.1/",
                "http://192.168.0.1/",
                f"http://user:hunter2@127.0.0.1:{port}/",
                f"http://example.com:hunter2@127.0.0.1:{port}/",
                f"ftp://127.0.0.1:{port}/",
                "file:///etc/passwd",
                f"gopher://127.0.0.1:{port}/",
                f"http:127.0.0.1:{port}/",
                f"\\\\127.0.0.1:{port}\\",
                "clip.mp4",
            ]
            for url in at_submit:
                code, reply = server.submit(clip=None, url=url)
                self.assertEqual((code, reply["error"]["code"]), (400, "INVALID_URL"), url)
                self.assertNotIn("hunter2", json.dumps(reply))
            # What another name leads to is known only when it is connected.
            job = server.submit_job(clip=None, url=host.url(host="inside.example"), **FAST)
            ended = server.wait(job)
            self.assertEqual((ended["status"], ended["error"]["code"]), ("failed", "INVALID_URL"), ended)
            self.assertEqual(server.rows("SELECT attempts FROM jobs"), [(1,)], "it was tried again")
            self.assertEqual((host.connections, second.connections), (0, 0))
            check_invariants(server, [job])

    def test_no_redirect_leads_where_the_address_itself_may_not(self):
        with Host(saying(found(CLIP)), "127.0.0.2") as forbidden, Server(*LOOPBACK) as server:
            port = forbidden.port
            jobs = []
            for to in (
                f"http://127.0.0.2:{port}/",
                f"//2130706434:{port}/",
                f"http://[::ffff:127.0.0.2]:{port}/",
                f"http://0.0.0.0:{port}/",
                "http://169.254.169.254/latest/meta-data/",
                f"http://u:p@127.0.0.1:{port}/",
                "file:///etc/passwd",
            ):
                with Host(saying(moved(to))) as host:
                    job = server.submit_job(clip=None, url=host.url(), **FAST)
                    jobs.append(job)
                    ended = server.wait(job)
                    self.assertEqual((ended["status"], ended["error"]["code"]), ("failed", "INVALID_URL"), to)
                    self.assertEqual(host.connections, 1, to)
            with Host(saying(moved("/again"))) as host:
                job = server.submit_job(clip=None, url=host.url(), **FAST)
                jobs.append(job)
                self.assertEqual(server.wait(job)["error"]["code"], "INVALID_URL")
                self.assertEqual(host.connections, 4)
            self.assertEqual(forbidden.connections, 0)
            check_invariants(server, jobs)

    def test_no_name_leads_where_an_address_may_not_whatever_its_server_says(self):
        """Names answer as a hostile name server would, also differently from one look-up to the next."""
        addresses = {
            "loopback.test": "127.0.0.1",
            "mapped.test": "::ffff:127.0.0.1",
            "loopback6.test": "::1",
            "any.test": "0.0.0.0",
            "metadata.test": "169.254.169.254",
            "translated.test": "64:ff9b::7f00:1",
            "tunnel.test": "2002:7f00:1::",
            "private.test": "10.0.0.1",
        }
        names = ";".join(f"{name}={address}" for name, address in addresses.items())
        with Host(saying(found(CLIP))) as host, Server("--slots", "8", environment={"CLEARCUT_TEST_NAMES": names}) as server:
            jobs = [server.submit_job(clip=None, url=host.url(host=name), **FAST) for name in addresses]
            for job, name in zip(jobs, addresses):
                ended = server.wait(job)
                self.assertEqual((ended["status"], ended["error"]["code"]), ("failed", "INVALID_URL"), name)
            self.assertEqual(host.connections, 0)
            check_invariants(server, jobs)
        with Host(saying(found(CLIP)), "127.0.0.2") as forbidden:
            # Admissible when it is first asked for; a moment later the name leads elsewhere.
            again = f"http://rebinding.test:{forbidden.port}/"
            names = "rebinding.test=127.0.0.1,127.0.0.2"
            resolver = {"CLEARCUT_TEST_NAMES": names}
            with Host(saying(moved(again))) as host, Server(*LOOPBACK, environment=resolver) as server:
                job = server.submit_job(clip=None, url=host.url(host="rebinding.test"), **FAST)
                self.assertEqual(server.wait(job)["error"]["code"], "INVALID_URL")
                self.assertEqual((host.connections, forbidden.connections), (1, 0))
                check_invariants(server, [job])

    def test_proxy_variables_are_not_followed(self):
        with Host(saying(found(CLIP))) as host, Host(saying(status(500))) as proxy:
            address = f"http://127.0.0.1:{proxy.port}"
            variables = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), address)
            with Server(*LOOPBACK, environment=variables) as server:
                job = server.submit_job(clip=None, url=host.url(), **FAST)
                self.assertEqual(server.wait(job)["status"], "completed")
            self.assertEqual((host.connections, proxy.connections), (1, 0))


class Fetching(unittest.TestCase):
    def test_a_clip_by_address_is_cut_and_its_secret_is_told_nowhere(self):
        with Host(saying(found(CLIP))) as host, Server(*LOOPBACK) as server:
            job = server.submit_job(clip=None, url=host.url(), **FAST)
            ended = server.wait(job)
            self.assertEqual(ended["status"], "completed")
            self.assertNotIn("hunter2", json.dumps(ended) + server.log())
            [(key, size, sha256, url)] = server.rows("SELECT input_key, input_size, input_sha256, input_url FROM jobs")
            self.assertEqual((size, sha256, url), (len(CLIP), hashlib.sha256(CLIP).hexdigest(), None))
            self.assertIn(key, server.objects())
            code, body = server.request(
                "POST",
                "/api/v1/video/remove-background",
                f'--X\r\nContent-Disposition: form-data; name="url"\r\n\r\n{host.url()}\r\n--X\r\nContent-Disposition: form-data; '
                'name="size"\r\n\r\n64\r\n--X--\r\n',
                MULTIPART,
                timeout=120,
            )
            self.assertEqual(code, 200, body[:500])
            self.assertIn("expiresAt", ended)
            check_invariants(server, [job])

    def test_killed_after_the_fetch_the_clip_is_not_fetched_again(self):
        with Host(saying(found(CLIP))) as host, Server(*LOOPBACK) as server:
            job = server.submit_job(clip=None, url=host.url())
            server.wait_for_stage(job, "processing-video")
            server.restart()
            self.assertEqual(server.wait(job)["status"], "completed")
            self.assertEqual(host.connections, 1)
            check_invariants(server, [job])

    def test_killed_during_the_fetch_it_is_fetched_by_the_next_start(self):
        go_on = threading.Event()

        def slow_once(send, _):
            send(found(CLIP[: len(CLIP) // 2], len(CLIP)))
            if go_on.is_set():
                send(CLIP[len(CLIP) // 2 :])
            else:
                go_on.wait(30)

        with Host(slow_once) as host, Server(*LOOPBACK) as server:
            job = server.submit_job(clip=None, url=host.url(), **FAST)
            eventually(lambda: host.connections == 1)
            server.wait_for_stage(job, "loading-input")
            server.kill()
            go_on.set()
            server.start()
            self.assertEqual(server.wait(job)["status"], "completed")
            check_invariants(server, [job])

    def test_a_broken_transfer_goes_on_where_it_was(self):
        half = len(CLIP) // 2

        def breaking(send, head):
            if "range: bytes=" not in head:
                return send(found(CLIP[:half], len(CLIP), 'ETag: "v1"\r\n'))
            begin = int(head.split("range: bytes=")[1].split("-")[0])
            assert 'if-range: "v1"' in head
            rest = CLIP[begin:]
            content_range = f"bytes {begin}-{len(CLIP) - 1}/{len(CLIP)}"
            head = f'HTTP/1.1 206 Partial Content\r\nETag: "v1"\r\nContent-Range: {content_range}\r\nContent-Length: {len(rest)}\r\n\r\n'
            send(head.encode() + rest)

        with Host(breaking) as host, Server(*LOOPBACK) as server:
            job = server.submit_job(clip=None, url=host.url(), **FAST)
            self.assertEqual(server.wait(job)["status"], "completed")
            self.assertEqual(server.rows("SELECT input_sha256, attempts FROM jobs"), [(hashlib.sha256(CLIP).hexdigest(), 0)])
            self.assertEqual(host.connections, 2)
            check_invariants(server, [job])

    def test_progress_moves_while_the_clip_is_fetched(self):
        step, total = threading.Semaphore(0), len(CLIP)

        def in_steps(send, _):
            send(found(b"", total))
            for part in range(4):
                send(CLIP[part * total // 4 : (part + 1) * total // 4])
                step.acquire(timeout=30)

        with Host(in_steps) as host, Server(*LOOPBACK) as server:
            job = server.submit_job(clip=None, url=host.url(), **FAST)
            seen = set()
            for least in (11, 13, 15, 17):
                now = eventually(lambda: (found := server.read(job))["progress"] >= least and found)
                seen.add((now["stage"], now["progress"]))
                step.release()
            self.assertEqual(seen, {("loading-input", percent) for percent in (11, 13, 15, 17)})
            self.assertEqual(server.wait(job)["status"], "completed")
            check_invariants(server, [job])

    def test_hosts_that_behave_badly_fail_their_jobs_by_name_and_in_time(self):
        def endless(send, _):
            send(b"HTTP/1.1 200 OK\r\n\r\n" + CLIP)
            while True:
                send(bytes(65536))

        def trickle(send, _):
            send(found(b"", 10_000))
            for byte in CLIP:
                send(bytes([byte]))
                time.sleep(1)

        def silence(send, _):
            send(found(CLIP[:100], 10_000))
            time.sleep(60)

        cases = [
            (endless, "FILE_TOO_LARGE"),
            (saying(found(CLIP, 1 << 40)), "FILE_TOO_LARGE"),
            (trickle, "URL_UNAVAILABLE"),
            (silence, "URL_UNAVAILABLE"),
            (saying(found(CLIP[:1000], 10_000)), "URL_UNAVAILABLE"),
            (saying(status(503)), "URL_UNAVAILABLE"),
            (saying(status(404)), "INVALID_URL"),
            (saying(status(403)), "INVALID_URL"),
            (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n<html>not found</html>"), "INVALID_VIDEO"),
            (saying(found(b"")), "INVALID_VIDEO"),
            (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), "URL_UNAVAILABLE"),
        ]
        with Server(*LOOPBACK, *SHORT, "--slots", "11", "--max-upload-mib", "2") as server:
            hosts = [Host(answer) for answer, _ in cases]
            began = time.monotonic()
            jobs = [server.submit_job(clip=None, url=host.url(), **FAST) for host in hosts]
            for job, (_, code) in zip(jobs, cases):
                ended = server.wait(job)
                self.assertEqual((ended["status"], ended["error"]["code"]), ("failed", code), ended)
            self.assertLess(time.monotonic() - began, 100)
            attempts = dict(server.rows("SELECT id, attempts FROM jobs"))
            for job, host, (_, code) in zip(jobs, hosts, cases):
                self.assertEqual(attempts[job], 3 if code == "URL_UNAVAILABLE" else 1, code)
                host.listener.close()
            self.assertNotIn("hunter2", server.log())
            check_invariants(server, jobs)
            self.assertEqual(server.objects(), set())


class Uploading(unittest.TestCase):
    def test_an_upload_by_put_serves_jobs_of_its_key_alone(self):
        with Server() as server:
            storage_id, path, (code, reply) = upload(server)
            self.assertEqual((code, reply["data"]["sha256"]), (200, hashlib.sha256(CLIP).hexdigest()))
            self.assertEqual(server.request("PUT", path, CLIP)[0], 409)
            jobs = [server.submit_job(clip=None, inputStorageId=storage_id, **FAST) for _ in range(2)]
            own, server.key = server.key, server.create_key()
            code, reply = server.submit(clip=None, inputStorageId=storage_id)
            self.assertEqual((code, reply["error"]["code"]), (404, "UPLOAD_NOT_FOUND"))
            server.key = own
            self.assertEqual(server.rows("SELECT COUNT(DISTINCT input_key) FROM jobs"), [(1,)])
            check_invariants(server, jobs)

    def test_a_put_that_ends_early_or_is_no_video_leaves_nothing_and_can_be_said_again(self):
        with Server() as server:
            _, path, (code, reply) = upload(server, b"#EXTM3U\n" * 1000)
            self.assertEqual((code, reply["error"]["code"]), (400, "INVALID_VIDEO"))
            with socket.create_connection(("127.0.0.1", server.port)) as line:
                head = f"PUT {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(CLIP)}\r\n\r\n"
                line.sendall(head.encode() + CLIP[: len(CLIP) // 2])
                eventually(server.objects)
            eventually(lambda: not server.objects(), 10)
            self.assertEqual(server.request("PUT", path + "0", CLIP)[0], 403)
            self.assertEqual(server.request("PUT", path, CLIP)[0], 200)
            check_invariants(server, [])

    def test_killed_during_a_put_nothing_is_left(self):
        with Server() as server:
            storage_id, path, _ = upload(server, b"x")
            with socket.create_connection(("127.0.0.1", server.port)) as line:
                head = f"PUT {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(CLIP)}\r\n\r\n"
                line.sendall(head.encode() + CLIP[: len(CLIP) // 2])
                eventually(server.objects)
                server.restart()
            self.assertEqual(server.objects(), set())
            code, reply = server.submit(clip=None, inputStorageId=storage_id)
            self.assertEqual((code, reply["error"]["code"]), (409, "UPLOAD_UNFINISHED"))
            self.assertEqual(server.request("PUT", path, CLIP)[0], 200)
            check_invariants(server, [server.submit_job(clip=None, inputStorageId=storage_id, **FAST)])


class Keeping(unittest.TestCase):
    # Two seconds, as a part of an hour.
    BRIEF = ("--retention-hours", str(2 / 3600), "--upload-ttl-hours", str(2 / 3600))

    def test_what_has_expired_goes_and_the_job_reads_on(self):
        with Server(*self.BRIEF) as server:
            storage_id, _, _ = upload(server)
            server.begin_upload()
            job = server.submit_job(**FAST)
            done = server.wait(job)
            self.assertEqual(done["expiresAt"], done["completedAt"] + 2)
            link = server.path_of(done["result"]["outputUrl"])
            eventually(lambda: not server.objects(), 20)
            code, body = server.request("GET", link)
            self.assertEqual((code, json.loads(body)["error"]["code"]), (404, "FILE_GONE"))
            self.assertEqual(server.read(job)["status"], "completed")
            code, reply = server.submit(clip=None, inputStorageId=storage_id)
            self.assertEqual((code, reply["error"]["code"]), (404, "UPLOAD_NOT_FOUND"))
            eventually(lambda: server.rows("SELECT COUNT(*) FROM uploads") == [(0,)], 10)
            check_invariants(server, [job])

    def test_gc_says_what_would_go_and_removes_exactly_that_beside_the_server(self):
        with Server() as server:
            gc = lambda *flags: server.command("gc", *flags)
            job = server.submit_job(**FAST)
            server.wait(job)
            kept = server.objects()
            self.assertEqual(gc("--dry-run"), "0 objects with 0 bytes would be removed\n")
            brief = ("--retention-hours", str(1 / 3600))
            bytes_ = sum((server.data / "objects" / name).stat().st_size for name in kept)
            said = eventually(lambda: not (found := gc("--dry-run", *brief)).startswith("0 objects") and found, 10)
            self.assertIn(f"2 objects with {bytes_} bytes would be removed", said)
            self.assertTrue(all(name in said for name in kept), said)
            self.assertEqual(server.objects(), kept)
            self.assertIn(f"2 objects with {bytes_} bytes were removed", gc(*brief))
            self.assertEqual(server.objects(), set())
            self.assertEqual(server.read(job)["status"], "completed")
            orphan = f"uploads/{1:032x}"
            (server.data / "objects/uploads").mkdir(exist_ok=True)
            (server.data / "objects" / orphan).write_bytes(CLIP)
            self.assertEqual(gc(), "0 objects with 0 bytes were removed\n")
            self.assertIn(orphan, gc("--orphan-age-hours", "0"))
            check_invariants(server, [job, server.submit_job(**FAST)])

    def test_a_key_at_its_quota_is_refused_until_something_goes(self):
        with Server("--quota-mib", "1") as server:
            megabyte = CLIP + bytes((1 << 20) - len(CLIP))
            storage_id, path, (code, _) = upload(server, megabyte)
            self.assertEqual(code, 200)
            code, reply = server.submit()
            self.assertEqual((code, reply["error"]["code"]), (429, "QUOTA_EXCEEDED"))
            code, body = server.request("POST", "/api/v1/uploads", "{}")
            self.assertEqual((code, json.loads(body)["error"]["code"]), (429, "QUOTA_EXCEEDED"))
            self.assertEqual(len(server.objects()), 1, "what was refused is left")
            self.assertEqual(server.request("DELETE", path)[0], 204)
            self.assertEqual(server.objects(), set())
            jobs = [server.submit_job(**FAST)]
            server.wait(jobs[0])
            server.command("keys", "limit", "1", "--quota-mib", "100")
            jobs.append(server.submit_job(clip=megabyte, **FAST))
            check_invariants(server, jobs)


if __name__ == "__main__":
    unittest.main(verbosity=2)
