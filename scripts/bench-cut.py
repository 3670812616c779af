#!/usr/bin/env python3
"""Whole cuts against ffmpeg, against encoding alone and against themselves: scripts/bench-cut.py [PART...]

Clips (made from the sample, out/bench): square768 and square1440 (the mascot, twice), composite1080 (two samples over flat green with
grain, 1920×1080, 20 s). Figures are medians, the sides by turns, of as many runs as make about a minute: five of square768, three of
square1440, one of what takes minutes (RUNS sets another number for all); ratios are of medians. Each part adds its goals to the table
that scripts/goals.py prints. Parts:
  against    webm + stacked-alpha beside ffmpeg: chromakey to VP9, then to stacked x264, both with defaults, one after the other
  alone      the same cut beside its encoders alone on frames that lie ready matted
  formats    all five formats at once beside the sum of each alone
  cores      one core beside two
  memory     peak of the process tree, 1080p, two formats
  speeds     the ladder of --speed: time, size, truth
  stages     processor time by stage (docs/pictures/performance-stages.png)
  growth     cost against pixels, frames and formats (docs/pictures/performance-growth.png)
"""
import itertools
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import memory as peaks
from goals import note
from programs import CLEARCUT, EXAMPLES, ffmpeg

RUNS = int(os.environ.get("RUNS", "0"))
OUT = Path("out/bench")
TWO, FIVE = "webm,stacked-alpha", "webm,stacked-alpha,webp,apng,mov"
TAGS = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv"
SOLID = 250  # alpha from which a pixel is opaque
JUDGED = 150  # frames of a clip whose truth is measured


class Clip:
    def __init__(self, name, width, height, recipe, runs=3):
        self.name, self.width, self.height, self.recipe = name, width, height, recipe
        self.runs = RUNS or runs
        self.path = OUT / f"{name}.mp4"

    def make(self):
        if not self.path.exists():
            ffmpeg(*self.recipe, *f"-an -c:v libx264 -preset medium -crf 18 -pix_fmt yuv420p {TAGS}".split(), self.path)
        return self

    @property
    def raw(self):
        """The decoded frames, yuv420p."""
        return self.made("yuv", lambda path: ffmpeg("-i", self.path, "-pix_fmt", "yuv420p", "-f", "rawvideo", path))

    @property
    def matted(self):
        """The matted frames, yuva420p, and the key color."""
        def key(path):
            with self.raw.open("rb") as frames, path.open("wb") as out:
                said = subprocess.run([EXAMPLES / "key", str(self.width), str(self.height), "bt709"], stdin=frames, stdout=out,
                                      stderr=subprocess.PIPE, text=True, check=True).stderr
            path.with_suffix(".key").write_text(re.match(r"#(\w{6})", said)[1])
        return self.made("yuva", key)

    @property
    def key(self):
        return self.matted.with_suffix(".key").read_text()

    @property
    def stacked(self):
        filters = "split[c][a];[a]alphaextract,scale=in_range=full:out_range=limited,format=yuv420p[m];[c]format=yuv420p[c];[c][m]vstack"
        return self.made("stacked", lambda path: ffmpeg(*self.of_matted(), "-filter_complex", filters, "-f", "rawvideo", path))

    def of_matted(self):
        return [*f"-f rawvideo -pixel_format yuva420p -video_size {self.width}x{self.height} -framerate 30".split(), "-i", self.matted]

    def made(self, suffix, make):
        path = OUT / f"{self.name}.{suffix}"
        if not path.exists():
            make(path)
        return path

    def clear(self):
        """Removes the raw frames, which are large."""
        for suffix in ("yuv", "yuva", "stacked"):
            (OUT / f"{self.name}.{suffix}").unlink(missing_ok=True)


def clips():
    OUT.mkdir(parents=True, exist_ok=True)
    mascot = ["-stream_loop", "1", "-i", "samples/mascot.mp4"]
    square = lambda side, runs: Clip(f"square{side}", side, side, [*mascot, "-vf", f"scale={side}:{side}:flags=lanczos"], runs)
    if not (OUT / "mascot-cut.webm").exists():
        subprocess.run([CLEARCUT, "cut", "samples/mascot.mp4", "samples/ghost.mp4", "-o", OUT, "-f", "webm", "--no-audio", "--force", "-q"], check=True)
    over = [*"-f lavfi -i color=0x00B140:s=1920x1080:r=30:d=20,noise=alls=3:allf=t".split()]
    for name in ("mascot", "ghost"):
        over += ["-stream_loop", "-1", "-c:v", "libvpx-vp9", "-i", OUT / f"{name}-cut.webm"]
    over += ["-filter_complex", "[1]fps=30,scale=900:900[a];[2]fps=30,scale=700:700[b];[0][a]overlay=100:90[c];[c][b]overlay=1100:300", "-t", "20"]
    return [square(768, 5).make(), square(1440, 3).make(), Clip("composite1080", 1920, 1080, over, 1).make()]


def seconds(work):
    started = time.monotonic()
    work()
    return time.monotonic() - started


def medians(*sides, runs):
    """Median seconds of each side, run by turns; `runs` is one number for all, or one for each."""
    runs = [runs] * len(sides) if isinstance(runs, int) else runs
    taken = [[] for _ in sides]
    for turn in range(max(runs)):
        for side, count, list_ in zip(sides, runs, taken):
            if turn < count:
                list_.append(seconds(side))
    return [statistics.median(list_) for list_ in taken]


def cut(clip, formats, folder="cut", *more, cores=None):
    where = OUT / folder
    where.mkdir(exist_ok=True)
    command = [CLEARCUT, "cut", clip if isinstance(clip, (str, Path)) else clip.path, "-o", where, "-f", formats, "--force", "-q", *more]
    if cores:
        command = ["taskset", "-c", cores, *command]
    subprocess.run(list(map(str, command)), check=True)
    return where


def theirs(clip):
    """The usual two commands."""
    keyed = f"chromakey=0x{clip.key}:0.15:0.08"
    ffmpeg("-i", clip.path, "-vf", f"{keyed},format=yuva420p", "-c:v", "libvpx-vp9", OUT / "theirs.webm")
    stack = f"[0]{keyed},format=yuva420p,split[c][a];[a]alphaextract,format=yuv420p[m];[c]format=yuv420p[c];[c][m]vstack"
    ffmpeg("-i", clip.path, "-filter_complex", stack, "-c:v", "libx264", OUT / "theirs.mp4")


def frames(clip, arguments, pixels, count):
    """Decoded frames as arrays of `count` bytes."""
    pipe = subprocess.Popen(["ffmpeg", "-nostdin", "-v", "error", *map(str, arguments), "-f", "rawvideo", "-pix_fmt", pixels, "-"],
                            stdout=subprocess.PIPE)
    try:
        while len(raw := pipe.stdout.read(count)) == count:
            yield np.frombuffer(raw, np.uint8)
    finally:  # Whoever has seen enough does not read to the end.
        pipe.kill()
        pipe.wait()


def psnr(square, count):
    return 10 * np.log10(255 ** 2 / (square / count))


def truth(clip, path, matted):
    """Of a WebM: PSNR of luma where `matted` (arguments that give its frames before encoding) is opaque, and MAD × 1000 of alpha."""
    area = clip.width * clip.height
    square = solid = wrong = total = 0
    decoded = frames(clip, ["-c:v", "libvpx-vp9", "-i", path], "yuva420p", area * 5 // 2)
    for given, found in itertools.islice(zip(frames(clip, matted, "yuva420p", area * 5 // 2), decoded), JUDGED):
        alpha = given[-area:].astype(np.int16)
        opaque = alpha >= SOLID
        square += float(((given[:area].astype(np.float32) - found[:area])[opaque] ** 2).sum())
        solid += int(opaque.sum())
        wrong += int(np.abs(alpha - found[-area:]).sum())
        total += area
    return psnr(square, solid), wrong / total / 255 * 1000


def common_truth(clip, keyed):
    """PSNR of luma over the pixels that both mattes hold opaque: of WebM and MP4, ours and theirs. The keys leave different pixels: ours the
    whole subject, chromakey's half of it, so that each side's own opaque pixels are not the same task."""
    area = clip.width * clip.height
    mattes = [frames(clip, given, "yuva420p", area * 5 // 2) for given in (clip.of_matted(), keyed)]
    files = [(OUT / "cut" / f"{clip.name}-cut.{end}", OUT / f"theirs.{end}") for end in ("webm", "mp4")]
    decoded = [frames(clip, ["-i", path], "yuv420p", area * 3 if path.suffix == ".mp4" else area * 3 // 2)
               for pair in files for path in pair]
    squares, count = np.zeros(4), 0
    for own, their, *found in itertools.islice(zip(*mattes, *decoded), JUDGED):
        both = (own[-area:] >= SOLID) & (their[-area:] >= SOLID)
        count += int(both.sum())
        for index, (frame, given) in enumerate(zip(found, (own, their, own, their))):
            squares[index] += float(((given[:area].astype(np.float32) - frame[:area])[both] ** 2).sum())
    return [psnr(square, count) for square in squares]


def against(clips):
    print("\n## Beside ffmpeg (chromakey to VP9, then to x264, defaults)\n\n| clip | ours, s | theirs, s | faster (goal 4) | ours, kB | theirs, kB "
          "| PSNR of each one's opaque, webm: ours, theirs | of the pixels opaque in both, webm: ours, theirs | mp4: ours, theirs "
          "| alpha MAD × 1000: ours, theirs |\n" + "| --- " * 10 + "|")
    for clip in clips:
        _ = clip.key
        runs = [max(clip.runs, 3) if not RUNS else RUNS, clip.runs]
        ours, other = medians(lambda: cut(clip, TWO), lambda: theirs(clip), runs=runs)
        mine = [OUT / "cut" / f"{clip.name}-cut.{end}" for end in ("webm", "mp4")]
        sizes = [sum(path.stat().st_size for path in paths) / 1000 for paths in (mine, [OUT / "theirs.webm", OUT / "theirs.mp4"])]
        keyed = ["-i", clip.path, "-vf", f"chromakey=0x{clip.key}:0.15:0.08,format=yuva420p"]
        own, their = truth(clip, mine[0], clip.of_matted()), truth(clip, OUT / "theirs.webm", keyed)
        common = common_truth(clip, keyed)
        print(f"| {clip.name} | {ours:.2f} | {other:.2f} | {other / ours:.1f} | {sizes[0]:.0f} | {sizes[1]:.0f} | {own[0]:.1f}, {their[0]:.1f} "
              f"| {common[0]:.1f}, {common[1]:.1f} | {common[2]:.1f}, {common[3]:.1f} | {own[1]:.2f}, {their[1]:.2f} |", flush=True)
        beside = f"{sizes[0]:.0f} kB beside {sizes[1]:.0f}"
        note("cut ≥ 4× faster than ffmpeg's two", clip.name, f"{other / ours:.1f}× ({ours:.2f} s beside {other:.2f}; {beside})", other / ours >= 4)
        note("files no larger in sum", clip.name, beside, sizes[0] <= sizes[1])
        note("PSNR of opaque no worse", clip.name, f"{own[0]:.2f} beside {their[0]:.2f} dB (opaque in both: {common[0]:.2f}, {common[1]:.2f})",
             own[0] >= their[0])
        note("MAD × 1000 of alpha no worse", clip.name, f"{own[1]:.2f} beside {their[1]:.2f}", own[1] <= their[1])


def alone(clips):
    print("\n## Beside encoding alone (webm + stacked-alpha)\n\n| clip | whole cut, s | encoding alone, s | ratio (goal 1.15) |\n| --- | --- | --- | --- |")
    for clip in clips:
        folder = OUT / "alone"
        folder.mkdir(exist_ok=True)
        files = [f"webm={clip.matted}", f"stacked-alpha={clip.stacked}"]
        command = [EXAMPLES / "encode_alone", folder, clip.width, clip.height, 30, *files]
        whole, encoding = medians(lambda: cut(clip, TWO), lambda: subprocess.run(list(map(str, command)), check=True), runs=clip.runs)
        print(f"| {clip.name} | {whole:.2f} | {encoding:.2f} | {whole / encoding:.2f} |", flush=True)
        note("whole cut ≤ 1.15× encoding alone", clip.name, f"{whole / encoding:.2f}× ({whole:.2f} s beside {encoding:.2f})", whole <= 1.15 * encoding)


def formats(clips):
    print("\n## All five formats at once\n\n| clip | at once, s | each alone, s | ratio of the sum (goal 0.7) |\n| --- | --- | --- | --- |")
    for clip in clips[:1]:
        once, *each = medians(lambda: cut(clip, FIVE), *(lambda one=one: cut(clip, one) for one in FIVE.split(",")), runs=RUNS or 3)
        listed = ", ".join(f"{name} {took:.2f}" for name, took in zip(FIVE.split(","), each))
        print(f"| {clip.name} | {once:.2f} | {listed} | {once / sum(each):.2f} |", flush=True)
        note("five formats ≤ 0.7 of the sum", clip.name, f"{once / sum(each):.2f} ({once:.2f} s beside {sum(each):.2f})", once <= 0.7 * sum(each))


def cores(clips):
    print("\n## One core, two cores (webm + stacked-alpha)\n\n| clip | one, s | two, s | faster (goal 1.7) |\n| --- | --- | --- | --- |")
    for clip in clips[:2]:
        one, two = medians(lambda: cut(clip, TWO, cores="0"), lambda: cut(clip, TWO, cores="0,1"), runs=clip.runs)
        print(f"| {clip.name} | {one:.2f} | {two:.2f} | {one / two:.2f} |", flush=True)
        note("two cores ≥ 1.7× one", clip.name, f"{one / two:.2f}× ({two:.2f} s beside {one:.2f})", one >= 1.7 * two)


def memory(clips):
    (OUT / "memory").mkdir(exist_ok=True)
    tree, own = peaks.peak(str(clips[2].path), str(OUT / "memory"))
    print(f"\n## Memory\n\n{clips[2].name}, webm + stacked-alpha: peak of all processes {tree:.0f} MB (goal 600), clearcut's own {own:.0f} MB.", flush=True)
    note("all processes ≤ 600 MB at 1080p", clips[2].name, f"{tree:.0f} MB (clearcut itself {own:.0f})", tree <= 600)
    # Four frames a second, so that ten minutes take two: memory does not depend on the rate.
    long, short = (peaks.peak(str(peaks.made(OUT, length, "4")), str(OUT / "memory"))[0] for length in (600, 20))
    print(f"Ten minutes {long:.0f} MB, twenty seconds {short:.0f} MB: {long / short:.2f}.", flush=True)
    note("memory of ten minutes within 10 % of twenty seconds", "wheel1080", f"{long / short:.2f}× ({long:.0f} MB beside {short:.0f})", long <= 1.1 * short)


def speeds(clips):
    print("\n## The ladder\n\n| clip | speed | webm, s | kB | PSNR of opaque | alpha MAD | stacked-alpha, s | kB |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
    for clip in clips[:1]:
        for speed in ("fast", "balanced", "best"):
            took = medians(*(lambda one=one: cut(clip, one, f"speed-{speed}", "--speed", speed) for one in TWO.split(",")), runs=RUNS or 3)
            folder = OUT / f"speed-{speed}"
            webm, stacked = folder / f"{clip.name}-cut.webm", folder / f"{clip.name}-cut.mp4"
            psnr, mad = truth(clip, webm, clip.of_matted())
            print(f"| {clip.name} | {speed} | {took[0]:.2f} | {webm.stat().st_size / 1000:.0f} | {psnr:.1f} | {mad:.2f} | {took[1]:.2f} "
                  f"| {stacked.stat().st_size / 1000:.0f} |", flush=True)


def busy_seconds():
    """Processor time that this machine has spent, all cores: a sandboxed child's is not told to its grandparent."""
    user, nice, system, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def processor_seconds(command):
    """Processor time of a command and of all it starts, on a machine that does nothing else."""
    taken = []
    for _ in range(RUNS or 1):
        before = busy_seconds()
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        taken.append(busy_seconds() - before)
    return statistics.median(taken)


def stages(clips):
    """Each stage by itself, so that its processor time can be told from the others'."""
    print("\n## Processor time by stage, s (webm + stacked-alpha)\n")
    shares = {}
    for clip in clips:
        whole = processor_seconds([CLEARCUT, "cut", clip.path, "-o", OUT / "cut", "-f", TWO, "--force", "-q"])
        probe = processor_seconds([CLEARCUT, "probe", clip.path])
        decode = processor_seconds(["ffmpeg", "-nostdin", "-i", clip.path, "-pix_fmt", "yuv420p", "-f", "rawvideo", "-y", "/dev/null"])
        said = subprocess.run([EXAMPLES / "key", str(clip.width), str(clip.height), "bt709"], stdin=clip.raw.open("rb"),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True).stderr
        estimate, rate = re.search(r"estimate (\d+) ms.*together (\d+) Mpx/s", said).groups()
        matte = clip.raw.stat().st_size / 1.5e6 / int(rate)
        encoders = [processor_seconds([EXAMPLES / "encode_alone", OUT / "alone", clip.width, clip.height, 30, file])
                    for file in (f"webm={clip.matted}", f"stacked-alpha={clip.stacked}")]
        check = processor_seconds(["ffmpeg", "-nostdin", "-c:v", "libvpx-vp9", "-i", OUT / "cut" / f"{clip.name}-cut.webm", "-f", "null", "-"]) \
            + processor_seconds(["ffmpeg", "-nostdin", "-i", OUT / "cut" / f"{clip.name}-cut.mp4", "-f", "null", "-"])
        parts = {"probe": probe, "estimate": int(estimate) / 1000, "decode": decode, "matte": matte, "VP9": encoders[0], "x264": encoders[1],
                 "check": check}
        parts["survey, pipes, rest"] = max(0.0, whole - sum(parts.values()))
        shares[clip.name] = parts
        print(f"- {clip.name}: whole {whole:.1f}; " + ", ".join(f"{name} {value:.2f}" for name, value in parts.items()), flush=True)
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plot
    figure, axes = plot.subplots(figsize=(8, 2.6))
    for place, (name, parts) in enumerate(shares.items()):
        left, total = 0.0, sum(parts.values())
        for index, value in enumerate(parts.values()):
            axes.barh(place, 100 * value / total, left=left, color=plot.cm.tab10(index))
            left += 100 * value / total
    axes.set_yticks(range(len(shares)), list(shares))
    axes.set_xlabel("per cent of processor time, webm + stacked-alpha")
    axes.legend(next(iter(shares.values())), loc="upper center", bbox_to_anchor=(0.5, 1.3), ncols=4, frameon=False, fontsize=8)
    figure.savefig("docs/pictures/performance-stages.png", dpi=110, bbox_inches="tight")


def growth(clips):
    """Wall seconds against pixels, frames and formats, on the mascot."""
    long = Clip("long768", 768, 768, ["-stream_loop", "15", "-i", "samples/mascot.mp4", "-vf", "scale=768:768:flags=lanczos"]).make()
    series = {"pixels of a frame": [], "frames": [], "formats": []}
    for side in (256, 512, 1024, 2048):
        clip = Clip(f"grow{side}", side, side, ["-stream_loop", "1", "-i", "samples/mascot.mp4", "-vf", f"scale={side}:{side}:flags=lanczos"]).make()
        series["pixels of a frame"].append((side * side, medians(lambda: cut(clip, TWO), runs=RUNS or 1)[0]))
    for count in (66, 132, 264, 528, 1056):
        clip = Clip(f"long{count}", 768, 768, ["-i", long.path, "-frames:v", str(count)]).make()
        series["frames"].append((count, medians(lambda: cut(clip, TWO), runs=RUNS or 1)[0]))
    for count in range(1, 6):
        chosen = ",".join(FIVE.split(",")[:count])
        series["formats"].append((count, medians(lambda: cut(clips[0], chosen), runs=RUNS or 1)[0]))
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plot
    figure, panes = plot.subplots(1, 3, figsize=(11, 3.2), constrained_layout=True)
    print("\n## How cost grows\n")
    for pane, (name, points) in zip(panes, series.items()):
        x, y = np.array(points).T
        tail = slice(-3, None)  # Starting processes is what small clips cost.
        slope = np.polyfit(np.log(x[tail]), np.log(y[tail]), 1)[0]
        pane.loglog(x, y, "o-")
        pane.set_title(f"{name}: slope {slope:.2f}", fontsize=10)
        pane.set_xlabel(name)
        pane.set_ylabel("seconds")
        print(f"- {name}: " + ", ".join(f"{a:.0f} → {b:.2f} s" for a, b in points) + f"; slope of the last three {slope:.2f}", flush=True)
    figure.savefig("docs/pictures/performance-growth.png", dpi=110)


PARTS = {part.__name__: part for part in (against, alone, formats, cores, memory, speeds, stages, growth)}


def main():
    chosen = sys.argv[1:] or list(PARTS)
    if any(name not in PARTS for name in chosen):
        sys.exit(__doc__)
    made = clips()
    for clip in made:
        clip.clear()  # What an earlier keyer matted would be held against this one.
    for name in chosen:
        PARTS[name](made)
    for clip in made:
        clip.clear()


if __name__ == "__main__":
    main()
