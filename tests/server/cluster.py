"""A cluster on this machine: two API servers and two workers over one PostgreSQL database and one S3-compatible store.

Each process reaches the database in its own way: one directly, two through PgBouncer, one through a proxy that can be cut.
"""

import contextlib
import http.client
import os
import signal
import subprocess
import urllib.parse

from harness import BINARY, FINAL, LOOPBACK, Server, eventually
from hosts import Receiver
from invariants import check_invariants, strays
from processes import stop_children, tell
from services import ObjectStore, Proxy, Services

DATABASE = "clips"
PREFIX = "cluster/"
STORE = f"s3://{ObjectStore.BUCKET}/{PREFIX.rstrip('/')}"
# So short that a test need not wait long for the jobs of a worker that is gone.
LEASE_SECS = 3
# The tests read outputs through the servers, not from the store by presigned URLs.
COMMON = ("--log", "info", "--lease-ttl-secs", str(LEASE_SECS), "--cut-threads", "1", "--result-urls", "proxied")


class Node(Server):
    """An API server of a cluster."""

    FLAGS = ("--role", "api")

    def __init__(self, cluster, name, database, environment, flags=()):
        place = ("--database", database, "--store", STORE)
        super().__init__(*place, *COMMON, *LOOPBACK, *self.FLAGS, *flags, hooks=False, environment=environment)
        self.cluster = cluster
        self.name = name

    def start(self):
        self.key = self.cluster.key
        super().start()
        self.cluster.key = self.cluster.key or self.key
        eventually(lambda: self.request("GET", "/livez")[0] == 200, 20)
        return self

    def submit(self, *arguments, **fields):
        fields.setdefault("webhookUrl", self.cluster.receiver.url)
        return super().submit(*arguments, **fields)

    def path_of(self, link):
        address = urllib.parse.urlsplit(link)
        return f"{address.path}?{address.query}" if address.query else address.path


class WorkerNode(Node):
    """A worker of a cluster."""

    COMMAND = "work"
    READY = "works on jobs"
    FLAGS = ("--slots", "1")


class Cluster:
    """PostgreSQL, PgBouncer, the store, `apis` and `workers`, all running as long as the block. It answers what
    `invariants` asks of a server.
    """

    OVER_CAPS = "attempts > 3 OR crashes > 2"

    def __init__(self, *flags, apis=2, workers=2):
        self.key = None
        self._flags = flags
        self._counts = (apis, workers)
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            enter = stack.enter_context
            self.receiver = enter(Receiver())
            services = enter(Services())
            self.postgres, self.store = services.postgres, services.store
            self.postgres.create(DATABASE)
            self.database_proxy = enter(Proxy(self.postgres.socket))
            self.store_proxy = enter(Proxy(self.store.port))
            direct, pooled = self.postgres.url(DATABASE), self.postgres.pooled_url(DATABASE)
            proxied = f"postgres://postgres@127.0.0.1:{self.database_proxy.port}/{DATABASE}?sslmode=disable"
            plain = self.store.environment()
            apis, workers = self._counts
            self.apis = [Node(self, f"api {n}", (direct, pooled)[n % 2], plain, self._flags) for n in range(apis)]
            places = ((proxied, self.store.environment(self.store_proxy.port)), (pooled, plain))
            self.workers = [WorkerNode(self, f"worker {n}", *places[n % 2], self._flags) for n in range(workers)]
            for node in self.members():
                enter(node)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def members(self):
        return [*self.apis, *self.workers]

    def rows(self, query):
        return self.postgres.execute(DATABASE, query)

    def objects(self):
        # Which store belongs to the database is an object, too.
        return self.store.names(PREFIX) - {"store-id"}

    def content(self, name):
        return self.store.content(PREFIX + name)

    def wait(self, job, seconds=120):
        """The end of a job, as the servers that live tell it."""

        def look():
            for api in self.apis:
                with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
                    found = api.read(job)
                    return found["status"] in FINAL and found

        return eventually(look, seconds)

    def worker_of(self, job):
        """The worker that cuts a job, as soon as one does: it alone has a scratch folder for the claim."""

        def look():
            for worker in self.workers:
                if worker.process.poll() is None and list((worker.data / "scratch").glob(f"{job}-*")):
                    return worker

        return eventually(look, every=0.01)

    def hold_cut(self, job):
        """Stops a job in the middle of its cut; its worker, and the processes that `let_go` continues."""
        self.apis[0].wait_for_stage(job, "processing-video")
        worker = self.worker_of(job)
        return worker, eventually(lambda: stop_children(worker.process.pid), every=0.002)

    @staticmethod
    def let_go(stopped):
        for pid in stopped:
            tell(pid, signal.SIGCONT)

    def command(self, *words):
        """What a command of the program prints that is run on the database and the store."""
        place = ["--database", self.postgres.url(DATABASE), "--store", STORE]
        environment = {**os.environ, **self.store.environment()}
        return subprocess.run([BINARY, *words, *place], check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout

    def sweep(self):
        """Removes what uploads that were cut off have left, as the workers would a day later."""

        def nothing_stray():
            # A request of a process that was killed may still arrive at the store.
            self.command("gc", "--orphan-age-hours", "0")
            return not strays(self)[0]

        eventually(nothing_stray, 20)

    def check(self, jobs):
        """The invariants, once all of `jobs` have ended and every process runs."""
        for job in jobs:
            self.wait(job)
        eventually(lambda: not self.rows("SELECT 1 FROM leases"), 30)
        self.sweep()
        check_invariants(self, jobs)
