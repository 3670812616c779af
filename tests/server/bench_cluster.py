"""Figures of a cluster: jobs a second with one and two workers, one long clip on one and two workers, requests on PostgreSQL beside
SQLite, claims from a long line, and what an idle worker costs the database.

Prints one JSON object; docs/pictures/scaling.png is drawn from it by scripts/plot-scaling.py. Each worker has one core of its own
(taskset), and what serves it the others: with two cores, the second worker shares its core with the database and the store. PARTS
chooses some, JOBS (60) and SECONDS (10, of the claims three times that) change their length. CLAIMS is the example `claims` of the crate queue.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

from cluster import DATABASE, Cluster
from harness import BROKEN_CLIP, MULTIPART, ROOT, SMALL, SUBMIT, Server, form
from load import NO_LIMITS, hammer

JOBS = int(os.environ.get("JOBS", "60"))
SECONDS = int(os.environ.get("SECONDS", "10"))
CLAIMS = os.environ.get("CLAIMS", str(ROOT / "target/release/examples/claims"))
QUEUED, WORKERS = 100_000, 500
# What is committed must be on the disk, as in SQLite and in a real database.
os.environ["POSTGRES_SYNC"] = "on"
NAMES = ("no worker", "1 worker", "2 workers")
# Three minutes in 1080p; SPAN shortens it.
SPAN = int(os.environ.get("SPAN", "180"))


def bound(cluster, count):
    """Ends all workers but `count`, and binds each to a core of its own."""
    for number, worker in enumerate(cluster.workers):
        if worker.process.poll() is None:
            worker.end()
        if number < count:
            worker.within = ["taskset", "-c", str(number)]
            worker.start()


def ended_ms(cluster, jobs):
    """When the last of `jobs` has ended, by the database's clock, after the first was claimed."""
    for job in jobs:
        assert cluster.wait(job, 3600)["status"] == "completed"
    names = ", ".join(f"'{job}'" for job in jobs)
    return int(cluster.rows(f"SELECT MAX(ended_ms) - MIN(started_ms) FROM jobs WHERE id IN ({names})")[0][0])


def throughput():
    """Jobs a second of small cuts, with one and with two workers."""
    figures = {}
    with Cluster(*NO_LIMITS, apis=1) as cluster:
        for count in (1, 2):
            bound(cluster, 0)
            jobs = [cluster.apis[0].submit_job(**SMALL) for _ in range(JOBS)]
            bound(cluster, count)
            figures[NAMES[count]] = round(JOBS * 1000 / ended_ms(cluster, jobs), 3)
    return {**figures, "ratio": round(figures["2 workers"] / figures["1 worker"], 2)}


def long_clip():
    """Seconds that one long clip takes on one and on two workers."""
    clip = ROOT / "out/bench" / f"long-{SPAN}.mp4"
    clip.parent.mkdir(parents=True, exist_ok=True)
    if not clip.exists():
        command = ["ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", ROOT / "samples/mascot.mp4", "-t", str(SPAN)]
        filters = "scale=1080:1080:flags=lanczos,pad=1920:1080:(ow-iw)/2:0:0x00FF00,fps=30"
        subprocess.run([*command, "-vf", filters, "-an", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", clip], check=True)
    figures = {"span_s": SPAN}
    with Cluster("--max-upload-mib", "4096", apis=1) as cluster:
        for count in (1, 2):
            bound(cluster, count)
            job = cluster.apis[0].submit_job(clip.read_bytes(), format="webm")
            figures[f"{NAMES[count]}_s"] = round(ended_ms(cluster, [job]) / 1000, 1)
    return {**figures, "ratio": round(figures["1 worker_s"] / figures["2 workers_s"], 2)}


def percentiles(spans):
    at = lambda part: round(spans[min(len(spans) - 1, int(len(spans) * part))], 1)
    return {"per_second": round(len(spans) / 8, 1), "p50_ms": at(0.5), "p99_ms": at(0.99)}


def requests():
    """Polls and submits of 64 connections, as `make bench-server` measures them, over both kinds of database and store."""

    def measure(server):
        job = server.submit_job(BROKEN_CLIP)
        key = {"Authorization": f"Bearer {server.key}"}
        polls = hammer(server, "GET", f"/api/v1/jobs/{job}", None, key)
        submits = hammer(server, "POST", SUBMIT, form(BROKEN_CLIP, {}), {**key, **MULTIPART})
        return {"polls": percentiles(polls), "submits": percentiles(submits)}

    with Server("--log", "error", *NO_LIMITS, hooks=False) as server:
        figures = {"SQLite and a folder": measure(server)}
    with Cluster(*NO_LIMITS, apis=1, workers=0) as cluster:
        figures["PostgreSQL and S3"] = measure(cluster.apis[0])
    return figures


def idle():
    """What a worker that waits for jobs costs the database: transactions and statements a second, and its processor time."""
    counters = f"SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '{DATABASE}'"
    figures = {}
    for workers in (0, 1, 2):
        with Cluster(apis=1, workers=workers) as cluster:
            time.sleep(2)  # the start of the workers is not what is measured
            before, cpu = cluster.rows(counters)[0][0], processor_seconds(cluster)
            time.sleep(SECONDS)
            spent, cpu = cluster.rows(counters)[0][0] - before, processor_seconds(cluster) - cpu
            figures[NAMES[workers]] = {"transactions_per_second": round(spent / SECONDS, 2), "cpu_share": round(cpu / SECONDS, 4)}
    return figures


def processor_seconds(cluster):
    """Processor time of all processes of the database."""
    server = int((cluster.postgres.folder / "data/postmaster.pid").read_text().split()[0])
    spent = 0
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            # Of those that have ended, by their parent.
            spent += sum(map(int, fields[11:13])) if int(fields[1]) == server else 0
            spent += sum(map(int, fields[11:15])) if int(entry.name) == server else 0
    return spent / os.sysconf("SC_CLK_TCK")


def claims():
    """Claims from a line of 100,000 jobs, alone and beside 500 idle workers."""
    with Cluster(apis=0, workers=0) as cluster:
        cluster.postgres.create("claims")
        # Through the pooler: so many workers have more connections than a database takes.
        command = [CLAIMS, cluster.postgres.pooled_url("claims"), str(QUEUED), str(WORKERS), str(3 * SECONDS)]
        cpu, began = processor_seconds(cluster), time.monotonic()
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        took = time.monotonic() - began
        return {"queued": QUEUED, "workers": WORKERS, **json.loads(said), "database_cpu_share": round((processor_seconds(cluster) - cpu) / took, 2)}


PARTS = {"throughput": throughput, "long clip": long_clip, "requests": requests, "idle": idle, "claims": claims}


def main():
    chosen = os.environ.get("PARTS", ",".join(PARTS)).split(",")
    figures = {"cores": os.cpu_count()}
    for name in chosen:
        figures[name] = PARTS[name]()
        print(f"{name}: {json.dumps(figures[name])}", file=sys.stderr, flush=True)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
