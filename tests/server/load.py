"""Load figures: submits and polls a second, time to the worker's start, memory with many open connections.

The client is Python on the same cores, so that the figures are lower bounds. Prints a line a figure.
"""

import http.client
import re
import resource
import socket
import threading
import time

from harness import BROKEN_CLIP, MULTIPART, SUBMIT, Server, eventually, form

CONNECTIONS = 64
SECONDS = 8


def hammer(server, method, path, body, headers):
    """The spans, in ms, of all requests that `CONNECTIONS` kept connections make in `SECONDS`."""
    spans, failures, lock = [], [], threading.Lock()
    until = time.monotonic() + SECONDS

    def run():
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        mine = []
        while time.monotonic() < until:
            began = time.perf_counter()
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            reply.read()
            mine.append((time.perf_counter() - began) * 1000)
            if reply.status not in (200, 202):
                failures.append(reply.status)
        connection.close()
        with lock:
            spans.extend(mine)

    threads = [threading.Thread(target=run) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, set(failures)
    return sorted(spans)


def tell(what, spans):
    at = lambda part: spans[min(len(spans) - 1, int(len(spans) * part))]
    print(f"{what}: {len(spans) / SECONDS:.0f}/s, p50 {at(0.5):.1f} ms, p99 {at(0.99):.1f} ms", flush=True)


# The limits of a key are not what is measured.
NO_LIMITS = ("--submits-per-minute", "4000000000", "--requests-per-minute", "4000000000", "--max-waiting-per-key", "4000000000")


def measure_requests():
    with Server("--log", "error", *NO_LIMITS, hooks=False) as server:
        key = {"Authorization": f"Bearer {server.key}"}
        job = server.submit_job(BROKEN_CLIP)
        tell(f"polls, {CONNECTIONS} connections", hammer(server, "GET", f"/api/v1/jobs/{job}", None, key))
        headers = {**key, **MULTIPART}
        tell(f"submits of 4 KiB, {CONNECTIONS} connections", hammer(server, "POST", SUBMIT, form(BROKEN_CLIP, {}), headers))


def measure_start():
    with Server("--log-format", "json", hooks=False) as server:
        for _ in range(50):
            server.wait(server.submit_job(BROKEN_CLIP))
        waits = sorted(int(found) for found in re.findall(r'"waited_ms":(\d+)', server.log()))
    assert len(waits) == 50, waits
    print(f"from the row to the worker's claim, idle: p50 {waits[25]} ms, p99 {waits[49]} ms", flush=True)


def measure_memory(count=2000):
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with Server("--log", "error", hooks=False) as server:
        before = server.resident_bytes()
        sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(count)]
        for each in sockets:
            each.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        for each in sockets:
            assert each.recv(4096).startswith(b"HTTP/1.1 200")
        print(f"memory: {before >> 20} MiB, with {count} open connections {server.resident_bytes() >> 20} MiB", flush=True)
        assert eventually(lambda: server.request("GET", "/livez")[0] == 200)
        for each in sockets:
            each.close()


if __name__ == "__main__":
    measure_start()
    measure_memory()
    measure_requests()
