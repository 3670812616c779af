"""Processes that servers have started, as /proc shows them, and signals to them."""

import contextlib
import os
import pathlib
import signal


def environment_of(pid):
    """What stands in the environment of a process that we may look at; nothing for one that has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def command_of(pid):
    """The arguments of a process, the first of which is its program; empty for one that has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def is_watch(pid):
    """Whether it is the process by which a server has its children ended should it be killed. It lives as long as the server."""
    return b"watch-children" in command_of(pid)


def marked_children(data):
    """All living processes that servers on the folder `data` have started, wherever they hang in the tree of processes."""
    folder = os.stat(data)
    mark = f"CLEARCUT_CHILD_OF={folder.st_dev:x}.{folder.st_ino:x}-".encode()
    pids = [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if any(text.startswith(mark) for text in environment_of(pid))]


def children_of(pid):
    """All processes below `pid`, but for the one that watches over them."""
    below = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid and not is_watch(int(entry.name)):
                below += [int(entry.name), *children_of(int(entry.name))]
    return below


def state_of(pid):
    """The letter of proc(5), T for a stopped process and Z for one that has ended; None for one that is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return None


def running(pid):
    return state_of(pid) not in ("Z", None)


def tell(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def stop_children(pid):
    """
    The processes below `pid`, once each of them stands still; empty before that. None is stopped between fork and exec, for `pid` waits
    for the exec and would stand still as well.
    """
    pids = children_of(pid)
    if any(command_of(child) == command_of(pid) for child in pids):
        return []
    for child in pids:
        tell(child, signal.SIGSTOP)
    return pids if all(state_of(child) == "T" for child in pids) else []
