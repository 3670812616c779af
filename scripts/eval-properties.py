#!/usr/bin/env python3
"""Whether what a person would accept stays so when the clip is changed: scripts/eval-properties.py KIT OUT [EVERY]

OUT is a folder that scripts/eval-random.py has left (OUT/seedN): of its cases that clearcut's cut was accepted in, every EVERY-th (default 1)
is cut again played backwards, at half and double the size, with every second frame, and encoded again at crf 30, and scored against the
truth changed in the same way. The program is target/release/clearcut, or PROGRAM.
"""
import importlib
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from programs import CLEARCUT, ffmpeg

WORKERS = 2
# Filter of the frames, factor of the sides, factor of the rate, crf of the clip.
CHANGES = {
    "backwards": ("reverse", 1, 1, 16),
    "half size": ("scale=trunc(iw/4)*2:trunc(ih/4)*2:flags=area", 0.5, 1, 16),
    "double size": ("scale=iw*2:ih*2:flags=bicubic", 2, 1, 16),
    "half rate": ("select='not(mod(n,2))'", 1, 0.5, 16),
    "crf 30": ("null", 1, 1, 30),
}


def encode(source, chain, rate, *encoder):
    ffmpeg("-i", source, "-vf", f"{chain},setpts=N/({rate}*TB)", "-r", rate, *encoder)


def change(case, how, target):
    """The case with clip and truth changed, as a folder of the kit."""
    chain, scale, slower, crf = CHANGES[how]
    rate = case["fps"] * slower
    matrix = "bt709" if case["encode"].get("matrix") == "bt709" else "smpte170m"
    clip = ["-c:v", "libx264", "-crf", str(crf), "-pix_fmt", "yuv420p", "-colorspace", matrix, target / "input.mp4"]
    to_matrix = f"{chain},scale=out_color_matrix={'bt709' if matrix == 'bt709' else 'bt601'}:out_range=tv"
    encode(case["folder"] / case["input"], to_matrix if case["input"].endswith(".gif") else chain, rate, *clip)
    for name in ("alpha.mkv", "fgr.mkv", "ignore.mkv"):
        if (case["folder"] / name).exists():
            encode(case["folder"] / name, chain, rate, "-c:v", "ffv1", target / name)
    side = lambda length: length if scale == 1 else int(length / 4) * 2 if scale < 1 else 2 * length
    told = {k: v for k, v in case.items() if k != "folder"} | {
        "width": side(case["width"]), "height": side(case["height"]), "fps": rate, "input": "input.mp4",
        "frames": -(-case["frames"] // 2) if slower < 1 else case["frames"],
        "encode": case["encode"] | {"matrix": "bt709" if matrix == "bt709" else "bt601", "tagged": True}}
    (target / "case.json").write_text(json.dumps(told))


def stays(scoring, program, case, how):
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / case["id"]
        target.mkdir()
        change(case, how, target)
        cut = Path(folder) / f"{case['id']}.mov"
        subprocess.run([program, "cut", target / "input.mp4", "-o", cut, "--force", "-q"], capture_output=True)
        result = scoring.score_case((str(target), str(cut) if cut.exists() else None, case["class"]))
        return how, case["id"], result


def main():
    kit, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    every = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    sys.path.insert(0, str(kit))
    scoring = importlib.import_module("score")
    program = Path(os.environ.get("PROGRAM", CLEARCUT)).resolve()
    accepted = [r["case"] for r in json.loads((out / "results.json").read_text())["clearcut"] if r["accepted"]][::every]
    cases = [json.loads((out / "cases" / name / "case.json").read_text()) | {"folder": out / "cases" / name} for name in accepted]
    # Frames that the truth skips have no counterpart in a changed clip.
    cases = [case for case in cases if "gt_frames" not in case]
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(stays, scoring, program, case, how) for how in CHANGES for case in cases]
        done = [job.result() for job in jobs]
    for how in CHANGES:
        group = [(name, result) for changed, name, result in done if changed == how]
        lost = [f"{name} ({', '.join(result.get('fails', ['no file']))})" for name, result in group if not result["accepted"]]
        print(f"{how}: {len(group) - len(lost)} of {len(group)} stay accepted{'; not ' + ', '.join(lost) if lost else ''}", flush=True)


if __name__ == "__main__":
    main()
