"""Clips made to hurt: those that are kept, and as many as asked by structural mutation, through probe, cut, submit and preview.

For each: a result or a typed error within a minute of processor time, 1 GiB of memory for the probe and 4 GiB for the cut, no word of the
machine in the answer, and no file or process left. CASES (200) mutations; SEED is drawn and printed; HOSTILE names the folder of
kept clips. Prints the worst of each column.
"""

import json
import os
import pathlib
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time

from harness import BINARY, CLIP, MULTIPART, PREVIEW, ROOT, SMALL, Server, form
from invariants import check_invariants
from processes import marked_children

CASES = int(os.environ.get("CASES", "200"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
KEPT = pathlib.Path(os.environ.get("HOSTILE", ROOT.parent / "shared/cases/hostile"))
INPUT_FAULTS = {"INVALID_VIDEO", "NO_FLAT_BACKGROUND", "INVALID_REQUEST", "FILE_TOO_LARGE"}
PROBE_BYTES, CUT_BYTES, CPU_SECS = 1 << 30, 4 << 30, 60

HOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"moof", b"traf", b"mvex")
TABLES = (b"stsz", b"stts", b"stco", b"co64", b"stsc", b"elst", b"ctts", b"stss", b"trun", b"stsd")


def boxes(data, begin=0, end=None):
    """(offset, size, kind) of every box of an MP4 that can be walked to."""
    end = len(data) if end is None else end
    found = []
    while begin + 8 <= end:
        size, kind = struct.unpack(">I4s", data[begin : begin + 8])
        if size < 8 or begin + size > end:
            break
        found.append((begin, size, kind))
        if kind in HOLDERS:
            found += boxes(data, begin + 8, begin + size)
        begin += size
    return found


def mutate_box(chance, data):
    """One change to the structure of an MP4."""
    offset, size, kind = chance.choice(boxes(data))
    body = data[offset : offset + size]
    what = chance.choice(("size", "size64", "twice", "gone", "nested", "kind", "table", "table"))
    if what == "size":
        return data[:offset] + struct.pack(">I", chance.choice((0, 1, 7, 9, size - 1, size + 1, 0x7FFFFFFF, 0xFFFFFFFF))) + data[offset + 4 :]
    if what == "size64":
        return data[:offset] + struct.pack(">I4sQ", 1, kind, chance.choice((0, 15, 1 << 40, (1 << 64) - 1))) + data[offset + 8 :]
    if what == "twice":
        return data[:offset] + body * chance.choice((2, 30)) + data[offset + size :]
    if what == "gone":
        return data[:offset] + data[offset + size :]
    if what == "nested":
        for _ in range(chance.choice((1, 20, 200))):
            body = struct.pack(">I4s", len(body) + 8, kind) + body
        return data[:offset] + body + data[offset + size :]
    if what == "kind":
        return data[: offset + 4] + chance.choice(HOLDERS + TABLES) + data[offset + 8 :]
    tables = [box for box in boxes(data) if box[2] in TABLES]
    offset, size, kind = chance.choice(tables or boxes(data))
    place = offset + 12 + 4 * chance.randrange(max(1, min(6, size // 4 - 3)))
    number = struct.pack(">I", chance.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 85_000_000)))
    return data[:place] + number + data[place + 4 :]


def mutate_bytes(chance, data, other):
    """One change that knows nothing of the container: for all there are."""
    begin = chance.randrange(max(1, min(len(data), 4096)))
    length = chance.choice((1, 2, 4, 8, 64, 1024))
    what = chance.choice(("cut", "ones", "zeros", "noise", "splice", "flip"))
    if what == "cut":
        return data[: chance.randrange(len(data)) + 1]
    if what == "splice":
        return data[:begin] + other[: chance.randrange(len(other)) + 1] + data[begin:]
    filler = {"ones": b"\xff" * length, "zeros": bytes(length), "noise": chance.randbytes(length)}
    changed = filler.get(what, bytes([data[begin] ^ 1 << chance.randrange(8)]))
    return data[:begin] + changed + data[begin + len(changed) :]


def made(chance, seeds):
    for number in range(CASES):
        name, data = chance.choice(seeds)
        for _ in range(chance.choice((1, 1, 2, 4))):
            if boxes(data) and chance.random() < 0.7:
                data = mutate_box(chance, data)
            else:
                data = mutate_bytes(chance, data, chance.choice(seeds)[1])
        yield f"made-{number}-of-{name}", data[: 8 << 20]


def run(*words):
    """Exit status, what was said, processor time and the most memory that one of its processes had.

    Without bubblewrap, which does not wait for what it starts, so that nobody would know; the limits are the same.
    """
    with subprocess.Popen([BINARY, *words, "--sandbox", "off"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        said = process.stdout.read() + process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, said, used.ru_utime + used.ru_stime, used.ru_maxrss << 10


def check_commands(name, clip, worst, place):
    for verb, most, more in (("probe", PROBE_BYTES, ()), ("cut", CUT_BYTES, ("-o", str(place / "out"), "--formats", "webm", "--size", "64", "--force"))):
        status, said, cpu, memory = run(verb, str(clip), "--json", *more)
        for what, value in ((f"{verb}: processor s", cpu), (f"{verb}: MiB", memory >> 20)):
            worst[what] = max(worst.get(what, (0, "")), (round(value, 1), name))
        assert status in (0, 3), f"{name}: {verb} ended with {status}: {said[-500:]}"
        assert cpu < CPU_SECS and memory < most, f"{name}: {verb} took {cpu:.0f} s and {memory >> 20} MiB"
        assert not [entry for entry in place.iterdir() if entry.name.startswith(".")], f"{name}: {verb} left a file"


def check_server(server, name, data, worst):
    jobs = []
    began = time.monotonic()
    status, reply = server.submit(data, **SMALL)
    assert status in (202, 400), f"{name}: {status} {reply}"
    seen, body = server.request("POST", PREVIEW, form(data, {}), MULTIPART)
    assert seen in (200, 400, 429, 503, 504), f"{name}: preview {seen} {body[:500]}"
    if status == 202:
        jobs.append(reply["data"]["jobId"])
        ended = server.wait(jobs[0], 300)
        code = (ended["error"] or {}).get("code")
        assert code is None or code in INPUT_FAULTS, f"{name}: {ended['error']}"
        assert str(server.data) not in json.dumps(ended), f"{name}: a path"
    took = round(time.monotonic() - began, 1)
    worst["server: s"] = max(worst.get("server: s", (0, "")), (took, name))
    return jobs


def main():
    print(f"hostile: {CASES} mutations, seed {SEED}", flush=True)
    chance, worst, jobs, failed, count = random.Random(SEED), {}, [], [], 0
    kept = [(path.name, path.read_bytes()) for path in sorted(KEPT.glob("*.*")) if path.suffix != ".md"] if KEPT.is_dir() else []
    if not kept:
        print(f"hostile: no clips in {KEPT}, only mutations of the sample")
    share = kept if CASES >= 200 else kept[::10]
    seeds = [("mascot.mp4", CLIP), *kept]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with Server("--log", "error", "--submits-per-minute", "100000", hooks=False) as server, tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "out").mkdir()
        for name, data in [*share, *made(chance, seeds)]:
            if not data:
                continue
            clip = place / "clip"
            clip.write_bytes(data)
            try:
                check_commands(name, clip, worst, place)
                jobs += check_server(server, name, data, worst)
                assert not marked_children(server.data), f"{name}: a process is left"
            except AssertionError as wrong:
                failed.append(str(wrong))
                print(f"  wrong: {wrong}", flush=True)
            count += 1
        check_invariants(server, jobs)
    print(f"hostile: {count} clips, {len(failed)} of them without a result or a typed error within the limits; the worst:")
    for what, (value, name) in sorted(worst.items()):
        print(f"  {what:<20} {value:>8}  {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
