"""Every fault against everything that a server does: during it a result or a typed error, after it a result, without
a restart.

Prints what each operation was told while the fault lasted, then all of it as a table. After each cell all jobs end,
none of them blamed; after each row come the invariants of `invariants.check_invariants`. ROWS and COLUMNS (words of the
table, with commas between them) choose some; LOGS names a folder for what the servers said.
"""

import contextlib
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
import unittest

from faults import FAULTS, NOT_NOW, MemoryGroup, own_scratch
from harness import CLIP, Server, eventually
from hosts import ClipHost
from invariants import check_invariants
from operations import OPERATIONS, attempt, untroubled
from power import Stamped, check_after_a_cut, ends_of_changes
from preload import Steering
from test_storage import small_disk

SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
# How long an operation is waited for while a fault lasts, and when it is over.
DURING, AFTER = 6, 60
CUTS_PER_CELL = 2
WORDS = {
    "INSUFFICIENT_STORAGE": "full",
    "READ_ONLY_STORAGE": "read-only",
    "STORAGE_UNAVAILABLE": "no storage",
    "SHORT_OF_RESOURCES": "short",
    "OUT_OF_MEMORY": "memory",
    "PREVIEWS_BUSY": "busy",
    "SERVER_BUSY": "busy",
    "UNAVAILABLE": "unavailable",
}


def blamed(server, jobs, allowed):
    """What is wrong with the ends of `jobs`, which are waited for."""
    for job in jobs:
        try:
            error = server.wait(job, AFTER)["error"]
        except AssertionError:
            yield f"{job} has not ended {AFTER} s after the fault: {server.read(job)['stage']}"
            server.request("POST", f"/api/v1/jobs/{job}/cancel")
            continue
        if error and error["code"] not in allowed:
            yield f"{job} ended with {error['code']}: {error['message']}"


def cell(fault, name, server):
    """What the operation was told, and what is wrong with that."""
    operation, allowed, wrong = OPERATIONS[name], NOT_NOW.get(fault, set()), []
    # The last cell's jobs would come to the moments of this one's.
    wrong += blamed(server, server.acknowledged[-1:], allowed)
    began = len(server.acknowledged)
    with contextlib.ExitStack() as lasting:
        server.patience = DURING
        said = attempt(operation, server, lambda held=False: lasting.enter_context(FAULTS[fault](server, held)))
    if said not in allowed | {"ok", "waits"}:
        wrong.append(said)
    server.patience = AFTER
    wrong += blamed(server, server.acknowledged[began:], allowed)
    # What was begun during the fault may still hold the files or the slot.
    until, again = time.monotonic() + 60, None
    while again != "ok" and time.monotonic() < until:
        again = untroubled(operation)(server)
    if again != "ok":
        wrong.append(f"{again} a minute later")
    return said, wrong


def row(fault, columns, case, clips):
    """The cells of a row by their columns, and what is wrong."""
    cells, wrong = {}, []
    with contextlib.ExitStack() as stack:
        # What lies in memory would count as the server's.
        on_disk = fault == "out of memory"
        folder = stack.enter_context(tempfile.TemporaryDirectory() if on_disk else small_disk(case, 64))
        steering = stack.enter_context(Steering())
        memory = stack.enter_context(MemoryGroup())
        if on_disk and not memory.folder:
            print(f"  {fault}: not tried, since no control group with a limit of memory can be made here")
            return dict.fromkeys(columns, "–"), []
        flags = ("--disk-floor-mib", "0", "--lease-ttl-secs", "20")
        data = pathlib.Path(folder) / "data"
        server = stack.enter_context(Server(*flags, data=data, environment=steering.environment))
        server.acknowledged, server.clips, server.steering, server.memory = [], clips, steering, memory
        server.commands_environment, server.found_dead = {}, 0
        # Made by the worker, a moment after the server listens.
        eventually((server.data / "scratch").is_dir)
        if on_disk:
            memory.join(server)
        if fault == "scratch full":
            stack.enter_context(own_scratch(server))
        for name in columns:
            read = len(server.log())
            cells[name], found = cell(fault, name, server)
            tell(fault, name, cells[name], found, server.log()[read:])
            wrong += [f"{fault} × {name}: {each}" for each in found]
        try:
            check_invariants(server, server.acknowledged)
        except AssertionError as error:
            wrong.append(f"{fault}: {error}")
            tell(fault, "invariants", "broken", [str(error)], server.log())
        if "LOGS" in os.environ:
            (pathlib.Path(os.environ["LOGS"]) / f"{fault}.log").write_text(server.log())
        if server.found_dead:
            print(f"  {fault}: the server itself was ended {server.found_dead} times, and started again", flush=True)
    return cells, wrong


def cut_row(columns, clips):
    """After each operation a fresh server on what a disk may hold of the folder after a power cut in the middle of
    it.
    """
    cells, wrong, chance = {}, [], random.Random(SEED)
    with contextlib.ExitStack() as stack:
        data = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        steering = stack.enter_context(Steering(log_of=data))
        server = stack.enter_context(Server(data=data, environment=steering.environment))
        server.acknowledged, server.clips, server.steering, server.patience = Stamped(steering), clips, steering, AFTER
        server.receiver.received, server.commands_environment = Stamped(steering), steering.environment
        for name in columns:
            before = steering.read("log_bytes")
            found = [said for said in [untroubled(OPERATIONS[name])(server)] if said != "ok"]
            found += blamed(server, server.acknowledged[-1:], set())
            eventually(lambda: not server.rows("SELECT 1 FROM webhook_deliveries WHERE state <> 'delivered'"))
            # What it tells the receiver would not be told from what the fresh servers tell it.
            server.signal(signal.SIGSTOP)
            log, told = steering.log_file.read_bytes(), server.receiver.received
            for place in chance.choices(ends_of_changes(log, before) or [before], k=CUTS_PER_CELL):
                said = [("key",), *(("job", job) for job in server.acknowledged.before(place))]
                server.receiver.received = told.before(place)
                try:
                    check_after_a_cut(log, place, server.key, said, server.receiver, chance.getrandbits(32))
                except AssertionError as error:
                    found.append(str(error))
            server.receiver.received = told
            server.signal(signal.SIGCONT)
            cells[name] = "ok" if not found else "lost"
            tell("power cut", name, cells[name], found, "")
            wrong += [f"power cut × {name}: {each}" for each in found]
    return cells, wrong


def tell(fault, name, said, found, log):
    print(f"{fault} × {name}: {said}", flush=True)
    for each in found:
        print(f"  wrong: {each}")
    if found:
        worrying = [line for line in log.splitlines() if " WARN " in line or " ERROR " in line or "panicked" in line]
        print("".join(f"    {line[:400]}\n" for line in worrying[-15:]), end="", flush=True)


def print_table(table, columns):
    print("\n| | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|")
    for fault, cells in table.items():
        print(f"| {fault} | " + " | ".join(WORDS.get(cells[name], cells[name]) for name in columns) + " |")


def main():
    rows = os.environ.get("ROWS", ",".join([*FAULTS, "power cut"])).split(",")
    columns = os.environ.get("COLUMNS", ",".join(OPERATIONS)).split(",")
    case, table, wrong = unittest.TestCase(), {}, []
    print(f"matrix: seed {SEED}", flush=True)
    with ClipHost(CLIP) as clips:
        for fault in rows:
            began = time.monotonic()
            table[fault], found = cut_row(columns, clips) if fault == "power cut" else row(fault, columns, case, clips)
            wrong += found
            print(f"  {fault}: {time.monotonic() - began:.0f} s", flush=True)
    print_table(table, columns)
    for each in wrong:
        print(f"wrong: {each.splitlines()[0]}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
