"""Kills workers, API servers, the database, the pooler and the store of a busy cluster at random moments; every acknowledged job ends
exactly once, and nothing is left.

Clients submit in every way there is, each request at another API server; webhooks go to a receiver that flaps. KILLS (1000), JOBS
(10000: how many are acknowledged at least), GAP (1: the longest pause between two kills, in seconds), STORE_SECS (20: the longest
absence of the store) and SEED (drawn, and printed) change it.
"""

import collections
import concurrent.futures
import json
import os
import random
import sys
import threading
import time

from cluster import Cluster, Node
from harness import CLIP, MULTIPART, eventually, form
from hosts import ClipHost
from soak import History, be_a_client, flapping, submit
from test_image_jobs import IMAGES
from test_images import subject

KILLS = int(os.environ.get("KILLS", "1000"))
JOBS = int(os.environ.get("JOBS", "10000"))
GAP = float(os.environ.get("GAP", "1"))
STORE_SECS = float(os.environ.get("STORE_SECS", "20"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
# So short that most outputs expire, and are swept, while the kills go on: 3 minutes.
LIFETIMES = ("--retention-hours", "0.05", "--upload-ttl-hours", "0.05")
# What is killed, and how often beside the others.
VICTIMS = {"worker": 8, "API server": 6, "database": 3, "pooler": 1, "store": 2}


# Whose job is cheap, so that most of the time goes into claims, commits and kills.
IMAGE = subject()


def submit_small(server, clip, chance):
    """Nine of ten jobs are of an image; the others are submitted as those of one server."""
    if chance.random() < 0.1:
        return submit(server, clip, chance)
    fields = {"webhookUrl": server.receiver.url, "method": "chroma"}
    status, body = server.request("POST", IMAGES, form(IMAGE, fields), MULTIPART)
    return status, json.loads(body)


class Balancer(Node):
    """Sends each request to another API server, as a load balancer does that does not look whether they live.

    What a server cannot do at the moment counts as a connection that failed: nothing was acknowledged.
    """

    def __init__(self, cluster, chance):
        super().__init__(cluster, "balancer", "", {})
        self.chance = chance
        self.key, self.receiver = cluster.key, cluster.receiver

    def request(self, *arguments, **options):
        status, body = self.chance.choice(self.cluster.apis).request(*arguments, **options)
        if status >= 500:
            raise ConnectionError(body)
        return status, body


class Killer:
    """Kills what it draws, and starts it again."""

    def __init__(self, cluster, chance):
        self._cluster = cluster
        self._chance = chance
        self.hits = collections.Counter()

    def strike(self):
        chance, cluster = self._chance, self._cluster
        [victim] = chance.choices(list(VICTIMS), list(VICTIMS.values()))
        if victim == "database":
            cluster.postgres.kill()
            time.sleep(chance.uniform(0, 2))
            cluster.postgres.start()
        elif victim == "pooler":
            cluster.postgres.restart_pooler()
        elif victim == "store":
            cluster.store.kill()
            # Mostly short, so that the work goes on; now and then as long as it may be.
            time.sleep(STORE_SECS * chance.random() ** 4)
            cluster.store.start()
        else:
            node = chance.choice(cluster.workers if victim == "worker" else cluster.apis)
            busy = cluster.rows("SELECT 1 FROM leases") if victim == "worker" else []
            node.restart()
            victim = f"worker, {'busy' if busy else 'idle'} cluster" if victim == "worker" else victim
        self.hits[victim] += 1


def check_that_nothing_is_left(cluster):
    """Once all has expired there is no object, and no row but those of jobs that have ended."""

    def nothing_left():
        return not cluster.objects() and not cluster.rows("SELECT 1 FROM uploads")

    eventually(nothing_left, 600, every=2)
    assert not cluster.rows("SELECT 1 FROM outputs WHERE removed_ms IS NULL")
    assert not cluster.rows("SELECT 1 FROM jobs WHERE input_key IS NOT NULL")


def main():
    print(f"soak: {KILLS} kills, at most {GAP:g} s apart, {JOBS} jobs, seed {SEED}", flush=True)
    chance, history, began = random.Random(SEED), History(), time.monotonic()
    with ClipHost(CLIP) as clips, Cluster(*LIFETIMES) as cluster, concurrent.futures.ThreadPoolExecutor() as clients:
        cluster.receiver.answer = flapping(random.Random(SEED))
        killer, stop, tasks = Killer(cluster, chance), threading.Event(), []
        for n in range(2):
            balancer = Balancer(cluster, random.Random(SEED + n))
            balancer.clips = clips.url
            tasks.append(clients.submit(be_a_client, balancer, history, stop, random.Random(SEED + n), submit_small))
        try:
            while not any(task.done() for task in tasks):  # one that is done has failed
                kills = sum(killer.hits.values())
                if kills >= KILLS and len(history.acknowledged) >= JOBS:
                    break
                time.sleep(chance.uniform(0, GAP))  # the moment of the kill, not a wait
                # Spread over all jobs.
                if kills < KILLS and kills * JOBS <= len(history.acknowledged) * KILLS:
                    killer.strike()
                    if kills % 20 == 19:
                        print(f"  {kills + 1} kills, {len(history.acknowledged)} jobs, {len(history.ends)} ends read", flush=True)
        finally:
            stop.set()
        for task in tasks:
            task.result()
        cluster.check(history.acknowledged)
        for job in history.acknowledged:
            history.saw(cluster.apis[0].read(job))
        counts = dict(cluster.rows("SELECT state, COUNT(*) FROM jobs GROUP BY state"))
        failures = cluster.rows("SELECT failure FROM jobs WHERE state = 'failed'")
        codes = collections.Counter(json.loads(failure)["code"] for (failure,) in failures)
        again = cluster.rows("SELECT COUNT(*) FROM jobs WHERE token > 1")[0][0]
        check_that_nothing_is_left(cluster)
    print(f"soak: {time.monotonic() - began:.0f} s, seed {SEED}")
    print_table("killed", killer.hits)
    print_table(
        "jobs",
        {
            "acknowledged": len(history.acknowledged),
            "lost": 0,
            "ended twice": 0,
            "outputs of a loser": 0,
            "rows or objects left": 0,
            "ended as completed": counts.get("completed", 0),
            "ended as failed": counts.get("failed", 0),
            **{f"of them {code}": times for code, times in codes.items()},
            "claimed more than once": again,
        },
    )


def print_table(title, counts):
    print(f"\n| {title} | times |\n|---|---|")
    for name, times in counts.items():
        print(f"| {name} | {times} |")


if __name__ == "__main__":
    sys.exit(main())
