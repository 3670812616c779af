"""The faults of the matrix, each as a context on a running server, and what a server may say while it lasts.

Where a job is held at a stage (`held`), what happens at one moment happens there; else it happens in the middle of
what goes on.
"""

import contextlib
import os
import pathlib
import resource
import signal
import subprocess
import sys
import threading
import time

from harness import eventually
from processes import marked_children, tell
from test_storage import full, read_only

SPAN = 1.5
HOUR = 3600


def at_once_or_beside(work, held):
    """Does `work` now, or on a thread of its own while the block runs."""
    if held:
        work()
        return contextlib.nullcontext()
    return beside(work)


@contextlib.contextmanager
def beside(work):
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@contextlib.contextmanager
def no_files(server, held):
    opened = len(list(pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir()))
    before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (opened + 4, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)


def stopped(server, held):
    def halt():
        server.signal(signal.SIGSTOP)
        time.sleep(SPAN)  # the span is what is tested
        server.signal(signal.SIGCONT)

    return at_once_or_beside(halt, held)


def killed(server, held):
    def kill():
        if not held:
            time.sleep(0.1)  # in the middle of what goes on
        server.restart()

    return at_once_or_beside(kill, held)


def children_killed(*names):
    """Kills what the server starts as soon as it is seen, for a while; with `names`, programs of these names alone."""

    def fault(server, held):
        def kill():
            until = time.monotonic() + SPAN
            while time.monotonic() < until:
                for pid in marked_children(server.data):
                    if not names or name_of(pid) in names:
                        tell(pid, signal.SIGKILL)

        return beside(kill)

    return fault


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None


class MemoryGroup:
    """A control group of the first or the second kind, with a server and others that have most of its memory.

    The system ends the process whose share of the group's memory is the largest: in a small group that is any server.
    """

    # What the server and its children may take beside what they have: less than a decoder needs.
    ROOM = 8 << 20
    OTHERS = 10
    OTHER = "import sys; sys.stdin.readline(); held = b'1' * (20 << 20); print(flush=True); sys.stdin.read()"

    def __init__(self):
        for root, *self._files in (
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "-1", "total_rss"),
            ("/sys/fs/cgroup", "memory.max", "max", "anon"),
        ):
            self.folder = pathlib.Path(root) / f"clearcut-test-{os.getpid()}"
            with contextlib.suppress(OSError):
                self.folder.mkdir()
                if (self.folder / self._files[0]).exists():
                    return
                self.folder.rmdir()
        self.folder = None

    def __enter__(self):
        self._others = []
        return self

    def __exit__(self, *_):
        for other in self._others:
            other.communicate()
        if self.folder:
            eventually(lambda: not (self.folder / "cgroup.procs").read_text(), 10)
            self.folder.rmdir()

    def join(self, server):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        while len(self._others) < self.OTHERS:
            self._others.append(subprocess.Popen([sys.executable, "-c", self.OTHER], **pipes))
            (self.folder / "cgroup.procs").write_text(str(self._others[-1].pid))
            print(file=self._others[-1].stdin, flush=True)
            self._others[-1].stdout.readline()
        (self.folder / "cgroup.procs").write_text(str(server.process.pid))

    @contextlib.contextmanager
    def short(self):
        limit, unlimited, taken = self._files
        lines = (self.folder / "memory.stat").read_text().splitlines()
        [used] = [int(line.split()[1]) for line in lines if line.split()[0] == taken]
        (self.folder / limit).write_text(str(used + self.ROOM))
        try:
            yield
        finally:
            (self.folder / limit).write_text(unlimited)


@contextlib.contextmanager
def out_of_memory(server, held):
    with server.memory.short():
        yield
    try:
        server.request("GET", "/livez")
    except OSError:
        # As a manager of services would.
        server.found_dead += 1
        server.process.wait(10)
        server.process.stdout.close()
        server.start()
        server.memory.join(server)


@contextlib.contextmanager
def own_scratch(server):
    """The scratch folder of a running server on a file system of its own."""
    scratch = server.data / "scratch"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", scratch], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", scratch], check=True)


FAULTS = {
    "disk full": lambda server, held: full(server.data.parent),
    "scratch full": lambda server, held: full(server.data / "scratch"),
    "read-only": lambda server, held: read_only(server.data),
    "no files": no_files,
    "no threads": lambda server, held: server.steering.no_threads(),
    "out of memory": out_of_memory,
    "interrupted": lambda server, held: server.steering.interrupted(5),
    "clock +1 h": lambda server, held: server.steering.clock_off_by(HOUR),
    "clock -1 h": lambda server, held: server.steering.clock_off_by(-HOUR),
    "stopped": stopped,
    "killed": killed,
    "children killed": children_killed(),
    "sandbox killed": children_killed("bwrap"),
    "ffmpeg killed": children_killed("ffmpeg", "ffprobe"),
}

# What may be said beside `ok` and `waits`. The clip is never blamed, nor is a worker that is well.
NOT_NOW = {
    "disk full": {"INSUFFICIENT_STORAGE"},
    "scratch full": {"INSUFFICIENT_STORAGE"},
    "read-only": {"READ_ONLY_STORAGE", "STORAGE_UNAVAILABLE"},
    "no files": {"SHORT_OF_RESOURCES", "UNAVAILABLE", "SERVER_BUSY", "PREVIEWS_BUSY", "cut off"},
    "no threads": {"SHORT_OF_RESOURCES", "UNAVAILABLE", "SERVER_BUSY", "PREVIEWS_BUSY"},
    "out of memory": {"OUT_OF_MEMORY", "SHORT_OF_RESOURCES", "PREVIEWS_BUSY"},
    # SQLite takes a sync that was interrupted for one that failed.
    "interrupted": {"UNAVAILABLE"},
    "killed": {"cut off"},
    "children killed": {"OUT_OF_MEMORY", "SHORT_OF_RESOURCES"},
    "sandbox killed": {"OUT_OF_MEMORY", "SHORT_OF_RESOURCES"},
    "ffmpeg killed": {"OUT_OF_MEMORY", "SHORT_OF_RESOURCES"},
}
