#!/usr/bin/env python3
"""Peak memory of a cut and its child processes for a 20-second and a 10-minute 1080p clip: scripts/memory.py [FPS]

Made from a sample clip, looped. FPS (default 24) only shortens the run: memory does not depend on it. Prints both peaks, their
ratio, and the peak of clearcut's own process; exits 1 above the promised bounds.
"""
import os
import subprocess
import sys
import tempfile
import time

from programs import CLEARCUT, ffmpeg

RATIO_LIMIT = 1.10  # ten minutes against twenty seconds
OWN_LIMIT_MB = 150  # 127 to 144 measured; with a heap for each thread it is 20 to 30 more


def resident_mb(pid):
    """Proportional set size in MB: memory shared between processes counts once."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000
    except (OSError, StopIteration):
        return 0.0


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as found:
            direct = [int(child) for child in found.read().split()]
    except OSError:
        return []
    # Children belong to the thread that started them.
    for task in os.listdir(f"/proc/{pid}/task") if os.path.exists(f"/proc/{pid}/task") else []:
        try:
            with open(f"/proc/{pid}/task/{task}/children") as found:
                direct += [int(child) for child in found.read().split()]
        except OSError:
            pass
    return [grandchild for child in set(direct) for grandchild in [child, *children(child)]]


def watched(command, every=0.1, environment=None):
    """Peak memory of the tree and of `command`'s own process in MB, while it runs; ends the program if it fails."""
    cut = subprocess.Popen(list(map(str, command)), env=environment)
    tree_peak = own_peak = 0.0
    while cut.poll() is None:
        own = resident_mb(cut.pid)
        tree = own + sum(resident_mb(child) for child in set(children(cut.pid)))
        own_peak, tree_peak = max(own_peak, own), max(tree_peak, tree)
        time.sleep(every)
    if cut.returncode:
        sys.exit("the cut failed")
    return tree_peak, own_peak


def peak(clip, folder):
    return watched([CLEARCUT, "cut", clip, "-o", folder, "-f", "webm,stacked-alpha", "--force", "-q"])


def made(folder, seconds, fps):
    """A 1080p clip of so many seconds."""
    clip = os.path.join(folder, f"wheel{seconds}s{fps}.mp4")
    ffmpeg("-stream_loop", "-1", "-i", "samples/wheel.mp4", "-t", seconds, "-r", fps, "-vf", "scale=1920:1080", "-c:v", "libx264",
           "-preset", "ultrafast", "-crf", "20", clip)
    return clip


def main():
    fps = sys.argv[1] if len(sys.argv) > 1 else "24"
    with tempfile.TemporaryDirectory() as folder:
        peaks = {}
        for seconds in (20, 600):
            peaks[seconds] = peak(made(folder, seconds, fps), folder)
            print(f"{seconds:4d} s: tree {peaks[seconds][0]:.0f} MB, clearcut itself {peaks[seconds][1]:.0f} MB", flush=True)
    ratio = peaks[600][0] / peaks[20][0]
    print(f"ratio {ratio:.2f} (limit {RATIO_LIMIT}); clearcut itself at most {OWN_LIMIT_MB} MB")
    sys.exit(ratio > RATIO_LIMIT or peaks[600][1] > OWN_LIMIT_MB)


if __name__ == "__main__":
    main()
