"""What a cluster stands on: PostgreSQL, PgBouncer and an S3-compatible store, by the scripts that start them; and a proxy for any connection."""

import contextlib
import hashlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import xml.etree.ElementTree as ElementTree

import pg8000.native

from harness import ROOT, eventually
from processes import running

POSTGRES = ROOT / "scripts/test-postgres.sh"
S3 = ROOT / "scripts/test-s3.sh"


class Services:
    """PostgreSQL, PgBouncer in transaction mode before it, and an S3-compatible store. Each can be killed and started again."""

    def __init__(self):
        # A short path: the name of a Unix socket has at most 107 bytes.
        self._folder = tempfile.TemporaryDirectory(prefix="clearcut-", dir="/tmp", ignore_cleanup_errors=True)
        pathlib.Path(self._folder.name).chmod(0o711)
        self.postgres = Postgres(pathlib.Path(self._folder.name) / "pg")
        self.store = ObjectStore(pathlib.Path(self._folder.name) / "s3")

    def __enter__(self):
        self.postgres.start()
        self.store.start()
        return self

    def __exit__(self, *_):
        self.postgres.kill()
        self.store.kill()
        self._folder.cleanup()


class Postgres:
    """A PostgreSQL server, and PgBouncer before it, on sockets in `folder`."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / ".s.PGSQL.5432"

    def url(self, database):
        return f"postgres://postgres@localhost/{database}?host={self.folder}"

    def pooled_url(self, database):
        return f"postgres://postgres@localhost:6432/{database}?host={self.folder}"

    def start(self):
        subprocess.run([POSTGRES, "start", self.folder], check=True)

    def kill(self):
        """Stops both at once, without a checkpoint: the next start replays the log."""
        subprocess.run([POSTGRES, "stop", self.folder], check=True)

    def restart(self):
        self.kill()
        self.start()

    def restart_pooler(self):
        pid = int((self.folder / "bouncer.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not running(pid), 10)
        (self.folder / "bouncer.pid").unlink()
        self.start()

    def create(self, database):
        self.execute("postgres", f"CREATE DATABASE {database}")
        # A commit that was answered survives a kill, which the settings of the script give up.
        self.execute("postgres", f"ALTER DATABASE {database} SET synchronous_commit = on")

    def execute(self, database, statement):
        """The rows that a statement returns."""
        place = {"unix_sock": str(self.socket), "database": database}
        with contextlib.closing(pg8000.native.Connection("postgres", **place)) as connection:
            return [tuple(row) for row in connection.run(statement) or ()]


class ObjectStore:
    """SeaweedFS with a bucket."""

    BUCKET = "clearcut"
    KEY = "test"

    def __init__(self, folder):
        self._folder = folder
        self.url = None

    @property
    def port(self):
        return urllib.parse.urlsplit(self.url).port

    def start(self):
        environment = {**os.environ, "WEED": str(pathlib.Path(sys.prefix) / "bin/weed")}
        told = subprocess.run([S3, "start", self._folder], check=True, stdout=subprocess.PIPE, text=True, env=environment)
        self.url = told.stdout.strip()

    def kill(self):
        subprocess.run([S3, "stop", self._folder], check=True)

    def environment(self, port=None):
        """The variables by which the AWS tools, and clearcut, find the store; `port` is that of a proxy."""
        return {
            "AWS_ACCESS_KEY_ID": self.KEY,
            "AWS_SECRET_ACCESS_KEY": self.KEY,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port or self.port}",
            "AWS_ALLOW_HTTP": "true",
        }

    def _ask(self, path, *options):
        """Status and body of a signed request."""
        command = ["curl", "-sS", "--max-time", "30", "--aws-sigv4", "aws:amz:us-east-1:s3", *options]
        command += ["--user", f"{self.KEY}:{self.KEY}", "-w", "\n%{http_code}", f"{self.url}/{self.BUCKET}{path}"]
        body, _, status = subprocess.run(command, capture_output=True).stdout.rpartition(b"\n")
        return status.decode(), body

    def names(self, prefix):
        """The names of all objects below `prefix`, without it."""
        found, after = set(), ""
        while True:
            query = {"list-type": "2", "prefix": prefix, **({"start-after": after} if after else {})}
            query = "&".join(f"{name}={urllib.parse.quote(query[name], safe='')}" for name in sorted(query))
            status, body = self._ask(f"?{query}")
            assert status == "200", (status, body)
            listing = ElementTree.fromstring(body)
            page = [key.text for key in listing.iterfind(".//{*}Contents/{*}Key")]
            found.update(name.removeprefix(prefix) for name in page)
            if listing.findtext("{*}IsTruncated") != "true":
                return found
            after = max(page)

    def put(self, name, text):
        # Older versions of curl need to be told the hash of what they send.
        digest = hashlib.sha256(text.encode()).hexdigest()
        headers = ("-H", "Content-Type: text/plain", "-H", f"X-Amz-Content-Sha256: {digest}")
        status, body = self._ask(f"/{name}", "-X", "PUT", "-d", text, *headers)
        assert status == "200", (status, body)

    def content(self, name):
        """The bytes of an object; None if it is not there."""
        status, body = self._ask(f"/{name}")
        assert status in ("200", "404"), (status, body)
        return body if status == "200" else None


class Proxy:
    """A TCP proxy on loopback before `target`, a port or the path of a socket. Its connections can be cut, and its replies held."""

    def __init__(self, target):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs = set()
        self._lock = threading.Lock()
        self._let_in = True
        # The requests whose replies are held, and the connections on which one was made.
        self._held_requests = None
        self._held = set()
        self._let_replies = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _connect(self):
        if isinstance(self._target, int):
            return socket.create_connection(("127.0.0.1", self._target))
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(str(self._target))
        except OSError:
            server.close()
            raise
        return server

    def _listen(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                server = None
                if self._let_in:
                    with contextlib.suppress(OSError):
                        server = self._connect()
                if server is None:
                    client.close()
                    continue
                self._pairs.add((client, server))
            for one, other, is_reply in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass, args=(one, other, is_reply, (client, server)), daemon=True).start()

    def _pass(self, one, other, is_reply, pair):
        with contextlib.suppress(OSError):
            while piece := one.recv(1 << 16):
                if is_reply and pair in self._held:
                    self._let_replies.wait()
                elif not is_reply and self._held_requests and self._held_requests.match(piece):
                    self._held.add(pair)
                other.sendall(piece)
        self._close([pair])

    def _close(self, pairs):
        for pair in pairs:
            with self._lock:
                self._pairs.discard(pair)
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    @contextlib.contextmanager
    def cut(self):
        """Ends all connections, and lets no new one in while the block runs."""
        with self._lock:
            self._let_in, pairs = False, list(self._pairs)
        self._close(pairs)
        try:
            yield
        finally:
            self._let_in = True

    @contextlib.contextmanager
    def holding_replies(self, requests):
        """Passes on what clients say, and keeps what they are answered to `requests`, a pattern, while the block runs."""
        self._let_replies.clear()
        self._held_requests = re.compile(requests)
        try:
            yield
        finally:
            self._held_requests = None
            self._held.clear()
            self._let_replies.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
        self._let_replies.set()
        self._close(list(self._pairs))
