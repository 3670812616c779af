"""What holds of a server after every fault: its rows, its objects, its processes and what it told by webhook agree."""

import hashlib
import json

from harness import FINAL, eventually
from processes import children_of, marked_children


def check_invariants(server, acknowledged):
    """What docs/reference/reliability.md promises after every fault, once all jobs have ended. Call it on a running server."""
    for job in acknowledged:
        assert server.wait(job)["status"] in FINAL
    known = {job for (job,) in server.rows("SELECT id FROM jobs")}
    assert set(acknowledged) <= known, f"lost: {set(acknowledged) - known}"
    assert not server.rows("SELECT 1 FROM leases"), "a lease is left"
    assert not server.rows("SELECT 1 FROM parts WHERE state <> 'ended'"), "a part is left"
    assert not server.rows("SELECT 1 FROM jobs WHERE state NOT IN ('completed', 'failed')")
    over = server.rows(f"SELECT id, attempts, crashes FROM jobs WHERE {server.OVER_CAPS}")
    assert not over, f"over the caps: {over}"
    # What a removed job cost stays.
    finished = server.rows("SELECT COUNT(*) FROM usage WHERE job_id IN (SELECT id FROM jobs)")[0][0]
    completed = server.rows("SELECT COUNT(*) FROM jobs WHERE state = 'completed'")[0][0]
    assert finished == completed, f"{finished} finishes of {completed} completed jobs"
    pointers = server.rows("SELECT object_key, size, sha256 FROM outputs WHERE removed_ms IS NULL")
    for key, size, sha256 in pointers:
        check_object(server, key, (size, sha256))
    inputs = server.rows("SELECT input_key, input_size, input_sha256 FROM jobs WHERE input_key IS NOT NULL")
    uploads = server.rows("SELECT object_key, received, sha256 FROM uploads WHERE object_key IS NOT NULL")
    for key, size, sha256 in inputs + uploads:
        check_object(server, key, (size, sha256))
    losers = server.rows(
        """SELECT id, object_key FROM outputs JOIN jobs ON seq = job_seq
        WHERE object_key NOT LIKE 'jobs/' || id || '/' || winner_token || '/%'"""
    )
    assert not losers, f"outputs of a claim that was lost: {losers}"
    check_objects_and_pointers(server)
    for member in server.members():
        check_nothing_runs(member)
    check_webhooks(server)


def check_nothing_runs(member):
    """Neither scratch nor a child process is left of a server that has nothing to do."""
    scratch = member.data / "scratch"
    eventually(lambda: not list(scratch.glob("*")), 10)
    eventually(lambda: not children_of(member.process.pid), 10)
    eventually(lambda: not marked_children(member.data), 10)


def pointed_to(server):
    """The objects that rows point to at this moment: they may be expiring."""
    pointing = """SELECT object_key FROM outputs WHERE removed_ms IS NULL
        UNION SELECT input_key FROM jobs WHERE input_key IS NOT NULL
        UNION SELECT object_key FROM uploads WHERE object_key IS NOT NULL"""
    return {key for (key,) in server.rows(pointing)}


def check_object(server, key, expected):
    """The object is as long as was committed, and has that hash; or nothing points to it any more."""
    content = server.content(key)
    if content is None:
        assert key not in pointed_to(server), f"{key} is gone"
        return
    assert (len(content), hashlib.sha256(content).hexdigest()) == expected, f"{key} is not what was committed"


def strays(server):
    """Objects that no row points to, and pointers to objects that are not there."""
    known, there = pointed_to(server), server.objects()
    partial = {key for (key,) in server.rows("SELECT partial_key FROM uploads WHERE partial_key IS NOT NULL")}
    missing = known - there
    # What expired between the two looks has lost its pointer as well.
    # Where objects cannot grow, an upload that grows is a folder of pieces.
    orphans = {name for name in there - known if name not in partial and name.rpartition("/")[0] not in partial}
    return orphans, missing & pointed_to(server) if missing else missing


def check_objects_and_pointers(server):
    """Objects and rows agree within ten seconds: what expires goes from one after the other."""
    found = ()

    def agree():
        nonlocal found
        found = strays(server)
        return not any(found)

    try:
        eventually(agree, 10)
    except AssertionError:
        raise AssertionError(f"objects without a pointer: {found[0]}; pointers without an object: {found[1]}") from None


def check_webhooks(server):
    """One event for each end, delivered at least once with one id."""
    ends = server.rows(
        """SELECT j.id, j.state, e.kind FROM jobs j
        LEFT JOIN webhook_events e ON e.job_seq = j.seq AND e.kind <> 'job.started'"""
    )
    wrong = [(job, state, kind) for job, state, kind in ends if kind != f"job.{state}"]
    assert not wrong, f"not the event of its end: {wrong}"
    assert len({job for job, _, _ in ends}) == len(ends), f"two events for one end: {ends}"
    if not server.receiver:
        return
    eventually(lambda: not server.rows("SELECT 1 FROM webhook_deliveries WHERE state <> 'delivered'"))
    noted = server.rows(
        """SELECT d.id, j.id, e.kind FROM webhook_deliveries d
        JOIN webhook_events e ON e.seq = d.event_seq JOIN jobs j ON j.seq = e.job_seq"""
    )
    known = {job for job, _, _ in ends}  # what was told of a removed job went with it
    told = set()
    for headers, body in list(server.receiver.received):
        event = json.loads(body)
        if event["data"]["jobId"] in known:
            told.add((headers["webhook-id"], event["data"]["jobId"], event["type"]))
    assert told == set(noted), f"told {told - set(noted)}, not told {set(noted) - told}"
    hooked = server.rows("SELECT COUNT(*) FROM webhook_urls")[0][0]
    ended = [kind for _, _, kind in noted if kind != "job.started"]
    assert len(ended) == hooked, f"{len(ended)} ends told of {hooked} jobs"
