"""Slow and greedy clients, kind by kind: what they cost in memory, and how long an honest client waits meanwhile. Prints a table.

They come from one address and the honest client from another, as strangers do. CONNECTIONS (10,000) is how many there are of a kind; the
system may allow fewer.
"""

import os
import resource
import socket
import time

from harness import BROKEN_CLIP, CLIP, MULTIPART, SUBMIT, Server, form
from test_greed import from_address

CONNECTIONS = int(os.environ.get("CONNECTIONS", "10000"))
ASKS = 60
WARM_UP = 300
UNLIMITED = ("--submits-per-minute", "1000000", "--max-waiting-per-key", "1000000")


def head(key, text):
    return f"{text}\r\nHost: a\r\nAuthorization: Bearer {key}\r\n"


def kinds(key, job):
    """What each kind of client sends, and what it adds to it every second."""
    body = "Content-Type: multipart/form-data; boundary=X\r\nContent-Length: 1000000\r\n\r\n"
    return {
        "idle": ("", ""),
        "slow headers": ("GET /livez HTTP/1.1\r\nX-Slow: ", "x"),
        "slow bodies": (head(key, f"POST {SUBMIT} HTTP/1.1") + body, "-"),
        "replies not read": ("GET /docs.json HTTP/1.1\r\nHost: a\r\n\r\n" * 60, ""),
        "events not read": (head(key, f"GET /api/v1/jobs/{job}/events HTTP/1.1") + "\r\n", ""),
        "waits": (head(key, f"GET /api/v1/jobs/{job}?wait=60 HTTP/1.1") + "\r\n", ""),
        "half-open": (None, ""),
    }


def connect(server, first):
    """A connection that sent `first`, or said that it will send nothing more; None if it was not let in."""
    client = socket.socket()
    try:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.bind(("127.0.0.2", 0))
        client.settimeout(5)
        client.connect(("127.0.0.1", server.port))
        client.setblocking(False)
        if first is None:
            client.shutdown(socket.SHUT_WR)
        elif first:
            client.send(first.encode())
        return client
    except OSError:
        client.close()
        return None


def add(clients, text):
    for client in clients:
        try:
            client.send(text.encode())
        except OSError:
            pass


def ask(server, spans):
    """One round of the honest client: health and a submit, their spans in ms added to `spans`."""
    for what, request in (("livez", ("GET", "/livez")), ("submit", ("POST", SUBMIT, form(BROKEN_CLIP, {}), MULTIPART))):
        began = time.perf_counter()
        status = from_address(server, "127.0.0.3", *request)
        assert status in (200, 202), f"{what}: {status}"
        spans[what].append((time.perf_counter() - began) * 1000)


def measure(server, first, more, count):
    """The longest span of health and of a submit while the greedy clients come and stay, and the most bytes of memory."""
    clients, spans, most = [], {"livez": [], "submit": []}, 0
    try:
        for round_ in range(ASKS):
            wanted = count * (round_ + 1) // ASKS - len(clients)
            clients += [client for _ in range(wanted) if (client := connect(server, first))]
            if more:
                add(clients, more)
            ask(server, spans)
            most = max(most, server.resident_bytes())
    finally:
        for client in clients:
            client.close()
    return {what: max(each) for what, each in spans.items()}, most


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(CONNECTIONS, hard - 500)
    print(f"greedy clients, {count} of each kind; the longest of {ASKS} waits of an honest client:", flush=True)
    for what in kinds("", ""):
        with Server("--log", "error", *UNLIMITED, hooks=False) as server:
            # A job of theirs, since a key sees its own alone.
            honest, server.key = server.key, server.create_key()
            first, more = kinds(server.key, server.submit_job(CLIP, format="webm"))[what]
            server.key = honest
            # Honest rounds alone first: the database's caches and the program's pages come with work, and not with greedy clients.
            for _ in range(WARM_UP):
                ask(server, {"livez": [], "submit": []})
            idle = server.resident_bytes()
            longest, most = measure(server, first, more, count)
            grown = (most - idle) >> 20
            print(f"  {what:<18} livez {longest['livez']:6.0f} ms, submit {longest['submit']:6.0f} ms, {grown:4} MiB more", flush=True)


if __name__ == "__main__":
    main()
