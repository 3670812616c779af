#!/usr/bin/env python3
"""The neural matte beside the package rembg, on the same clip in the same run: scripts/bench-neural.py KIT [PART...]

KIT is the evaluation kit. The clip is its talker (n04), scaled to 1280×720 and played twice: 120 frames whose exact matte is
known. Both sides use U²-Net-p (out/models); clearcut cuts it with ONNX Runtime and with rten at the balanced speed, from the file to
the checked WebM. rembg (in out/rembg/venv) is given decoded frames, keeps its session, and encodes nothing, so it is ahead by its start,
decoder and encoder. Medians, by turns, of RUNS (3) runs; processor time is that of all processes of a side. Parts:
  speed      frames a second of both runtimes and of rembg, MAD, dtSSD and holes of all three
  memory     peak of the process tree with two formats and with five, proportional set size
  ladder     each --speed: time and MAD
"""
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import memory as peaks
from goals import note
from programs import CLEARCUT, MODELS, RUNTIMES, ffmpeg

RUNS = int(os.environ.get("RUNS", "3"))
OUT = Path("out/bench")
CASE, CLIP = "n04_talker_beach", "talker720"
WIDTH, HEIGHT, TWICE = 1280, 720, "1"
GOALS = {"ONNX Runtime": 8, "rten": 3}
TWO, FIVE = "webm,stacked-alpha", "webm,stacked-alpha,webp,apng,mov"
TICK = os.sysconf("SC_CLK_TCK")


def made(kit):
    """The clip as a case of the kit."""
    folder, source = OUT / CLIP, kit / "cases" / CASE
    case = json.loads((source / "case.json").read_text())
    if not (folder / "case.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        scaled = f"scale={WIDTH}:{HEIGHT}:flags=lanczos"
        for name, codec in (("input", "-c:v libx264 -crf 18 -preset medium -pix_fmt yuv420p"), ("alpha", "-c:v ffv1 -pix_fmt gray"),
                            ("foreground", "-c:v libx264 -crf 8 -preset fast -pix_fmt yuv444p")):
            tags = "" if name == "alpha" else " -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv"
            ffmpeg("-stream_loop", TWICE, "-i", source / case[name], "-vf", scaled, "-an", *(codec + tags).split(), folder / case[name])
        case |= {"id": CLIP, "width": WIDTH, "height": HEIGHT, "frames": 2 * case["frames"]}
        (folder / "case.json").write_text(json.dumps(case))
    return folder, json.loads((folder / "case.json").read_text())


def cut(runtime, clip, out, *more, formats="webm"):
    return [CLEARCUT, "cut", clip, "-o", out, "-f", formats, "--method", "ai", "--model", "u2netp", "--models", MODELS, "--runtime", runtime,
            "--force", "-q", *more]


def used(pid):
    """Processor seconds that a process has used, with those of the children that it has waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / TICK
    except (OSError, IndexError):
        return 0.0


def timed(command):
    """Wall and processor seconds of a command and of all that it starts. A sandboxed process is nobody's waited-for child, so all are
    looked at while they live; the last twentieth of a second of each is lost."""
    began, seen = time.monotonic(), {}
    running = subprocess.Popen(list(map(str, command)))
    while running.poll() is None:
        for pid in {running.pid, *peaks.children(running.pid)}:
            seen[pid] = max(seen.get(pid, 0.0), used(pid))
        time.sleep(0.05)
    wall = time.monotonic() - began
    if running.returncode:
        sys.exit("the cut failed")
    return wall, sum(seen.values())


def rembg(folder, case, mattes):
    """Wall and processor seconds of the frames alone."""
    environment = {**os.environ, "U2NET_HOME": str(MODELS)}
    shown = subprocess.Popen(["ffmpeg", "-nostdin", "-v", "error", "-i", folder / case["input"], "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                             stdout=subprocess.PIPE)
    with mattes.open("wb") as out:
        said = subprocess.run(["out/rembg/venv/bin/python", "scripts/rembg-frames.py", str(WIDTH), str(HEIGHT)], stdin=shown.stdout, stdout=out,
                              stderr=subprocess.PIPE, text=True, check=True, env=environment).stderr
    count, wall, processor = re.search(r"^(\d+) ([\d.]+) ([\d.]+)$", said, re.M).groups()
    if shown.wait() or int(count) != case["frames"]:
        sys.exit(f"rembg saw {count} frames")
    return float(wall), float(processor)


def as_matte(mattes, case, to):
    ffmpeg("-f", "rawvideo", "-pixel_format", "gray", "-video_size", f"{WIDTH}x{HEIGHT}", "-framerate", case["fps"], "-i", mattes, "-c:v", "ffv1", to)
    return to


def speed(kit, folder, case):
    import evaluate
    sides = {name: [] for name in (*RUNTIMES, "rembg")}
    files = {name: OUT / f"{CLIP}-{name.split()[0].lower()}.webm" for name in RUNTIMES}
    mattes = OUT / f"{CLIP}-rembg.gray"
    for _ in range(RUNS):
        for name, runtime in RUNTIMES.items():
            sides[name].append(timed(cut(runtime, folder / case["input"], files[name])))
        sides["rembg"].append(rembg(folder, case, mattes))
    files["rembg"] = as_matte(mattes, case, OUT / f"{CLIP}-rembg.mkv")
    mattes.unlink()
    wall, processor = ({name: statistics.median(run[at] for run in runs) for name, runs in sides.items()} for at in (0, 1))
    scores = {name: evaluate.evaluate(str(folder), str(file), "matte" if name == "rembg" else "auto", conn_every=1000)
              for name, file in files.items()}
    print(f"\n## {CLIP}, {WIDTH}×{HEIGHT}, {case['frames']} frames, U²-Net-p\n\n| | wall, s | frames/s | processor, s | × rembg (wall) | MAD | dtSSD "
          "| holes % |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, score in scores.items():
        print(f"| {name} | {wall[name]:.2f} | {case['frames'] / wall[name]:.1f} | {processor[name]:.1f} | {wall['rembg'] / wall[name]:.1f} "
              f"| {score['MAD']:.2f} | {score['dtSSD']:.2f} | {score['holes_pct']:.2f} |", flush=True)
    for name, goal in GOALS.items():
        rate = case["frames"] / wall[name]
        note(f"neural matte with {name} ≥ {goal} frames/s", CLIP, f"{rate:.1f} ({processor[name]:.1f} s of processor time)", rate >= goal)
    ratio = wall["rembg"] / wall["ONNX Runtime"]
    note("neural matte ≥ 4× faster than rembg", CLIP, f"{ratio:.1f}× ({wall['ONNX Runtime']:.1f} s beside {wall['rembg']:.1f}; processor "
         f"{processor['ONNX Runtime']:.1f} beside {processor['rembg']:.1f})", ratio >= 4)
    ours, theirs = scores["ONNX Runtime"]["MAD"], scores["rembg"]["MAD"]
    note("MAD × 1000 of alpha better than rembg's", CLIP, f"{ours:.2f} beside {theirs:.2f}", ours < theirs)


def memory(kit, folder, case):
    print("\n## Peak memory of all processes, MB\n\n| | webm, stacked-alpha | all five | clearcut itself |\n| --- | --- | --- | --- |")
    for name, runtime in RUNTIMES.items():
        out = OUT / "neural-memory"
        out.mkdir(exist_ok=True)
        found = {formats: peaks.watched(cut(runtime, folder / case["input"], out, formats=formats)) for formats in (TWO, FIVE)}
        print(f"| {name} | {found[TWO][0]:.0f} | {found[FIVE][0]:.0f} | {found[TWO][1]:.0f}, {found[FIVE][1]:.0f} |", flush=True)
        for formats, (tree, own) in found.items():
            note(f"neural matte with {name} ≤ 900 MB", f"{CLIP}, {len(formats.split(','))} formats", f"{tree:.0f} MB (clearcut itself {own:.0f})", tree <= 900)


def ladder(kit, folder, case):
    import evaluate
    print("\n## The ladder, ONNX Runtime\n\n| speed | wall, s | frames/s | processor, s | MAD | dtSSD | holes % |\n| --- | --- | --- | --- | --- | --- | --- |")
    for name in ("fast", "balanced", "best"):
        file = OUT / f"{CLIP}-{name}.webm"
        runs = [timed(cut(RUNTIMES["ONNX Runtime"], folder / case["input"], file, "--speed", name)) for _ in range(RUNS)]
        wall, processor = (statistics.median(column) for column in zip(*runs))
        score = evaluate.evaluate(str(folder), str(file), conn_every=1000)
        print(f"| {name} | {wall:.2f} | {case['frames'] / wall:.1f} | {processor:.1f} | {score['MAD']:.2f} | {score['dtSSD']:.2f} | {score['holes_pct']:.2f} |",
              flush=True)


PARTS = {part.__name__: part for part in (speed, memory, ladder)}


def main():
    chosen = sys.argv[2:] or list(PARTS)
    if len(sys.argv) < 2 or not (Path(sys.argv[1]) / "evaluate.py").is_file() or any(name not in PARTS for name in chosen):
        sys.exit(__doc__ + "\nThe evaluation kit was not found, or no such part: name its folder with EVAL=FOLDER.")
    kit = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(kit))
    OUT.mkdir(parents=True, exist_ok=True)
    folder, case = made(kit)
    for name in chosen:
        PARTS[name](kit, folder, case)


if __name__ == "__main__":
    main()
