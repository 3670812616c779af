#!/usr/bin/env python3
"""Scores cuts of random clips by the share that a person would accept: scripts/eval-random.py KIT OUT SEED [COUNT [CLASS,...]]

KIT is the evaluation kit (generate.py, score.py). COUNT cases of each class (default 5) are drawn by SEED into OUT/cases, unless they lie
there already, and cut blind with one setting for all, as MOV. A seed that was worked on proves nothing: take a new one.
Rows, all from one run:
  clearcut   target/release/clearcut
  before     the program named by BEFORE, an earlier release, if it is set
  ffmpeg     chromakey, told the color, the best of sixteen settings chosen with the truth in each case (by MAD, on every 6th frame)
Then, for clearcut, how many of the cases that are not accepted carry a warning, and how many of those accepted; and the worst three.
"""
import importlib
import itertools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from programs import CLEARCUT, ffmpeg

WORKERS = 2
SETTINGS = list(itertools.product((0.03, 0.08, 0.15, 0.25), (0.0, 0.05, 0.1, 0.2)))
SEARCHED_STEP = 6  # every so many-th frame while searching the settings


def draw(kit, out, seed, count, classes):
    chosen = ["--classes", classes] if classes else []
    subprocess.run([sys.executable, kit / "generate.py", out / "cases", "--seed", str(seed), "--count", str(count), *chosen], check=True)


def cases_in(folder):
    return [json.loads(path.read_text()) | {"folder": path.parent} for path in sorted(folder.glob("*/case.json"))]


def cut(program, case, out):
    """Cuts one case to OUT/ID.mov and keeps the report; a cut that fails leaves no output, which counts as not accepted."""
    target = out / f"{case['id']}.mov"
    done = subprocess.run([program, "cut", case["folder"] / case["input"], "-o", target, "--force", "--json"], capture_output=True, text=True)
    events = done.stdout.strip().splitlines()  # one JSON object a line, the report last
    (out / f"{case['id']}.report.json").write_text(events[-1] if events and not done.returncode else "{}")
    if done.returncode:
        print(f"{case['id']}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}", flush=True)


def chromakey(case, similarity, blend, target, step=1):
    matrix = "bt709" if case["encode"].get("matrix", "bt601") == "bt709" else "smpte170m"
    to_rgba = f"scale=in_color_matrix={matrix}:in_range=tv,format=rgba" if "matrix" in case["encode"] else "format=rgba"
    choose = f"select='not(mod(n,{step}))'," if step > 1 else ""
    chain = f"{choose}format=yuv444p,chromakey=0x{case['key_color'][1:]}:{similarity}:{blend},{to_rgba}"
    ffmpeg("-threads", "1", "-i", case["folder"] / case["input"], "-vf", chain, "-fps_mode", "passthrough", "-c:v", "ffv1", "-level", "3",
           "-g", "1", "-pix_fmt", "bgra", target)


def best_chromakey(kit, case, out):
    """The sixteen settings on every few frames against the truth; the best by MAD is run on all frames."""
    evaluate = importlib.import_module("evaluate")
    searched = out / f"search_{case['id']}.mkv"
    scores = []
    truth = evaluate.video_frames(str(case["folder"] / case["alpha"]), "gray")
    known = case.get("gt_frames") or range(case["frames"])
    wanted = {frame: alpha.astype(float) / 255 for frame, alpha in zip(known, truth) if frame % SEARCHED_STEP == 0}
    for setting in SETTINGS:
        chromakey(case, *setting, searched, SEARCHED_STEP)
        found = evaluate.video_frames(str(searched), "rgba")
        errors = [abs(frame[..., 3] / 255.0 - wanted[SEARCHED_STEP * at]).mean() for at, frame in enumerate(found) if SEARCHED_STEP * at in wanted]
        scores.append((sum(errors) / max(1, len(errors)), setting))
    searched.unlink()
    chromakey(case, *min(scores)[1], out / f"{case['id']}.mkv")


def warned(report):
    return bool(report.get("warnings"))


def main():
    kit, out, seed = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), int(sys.argv[3])
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    classes = sys.argv[5] if len(sys.argv) > 5 else None
    sys.path.insert(0, str(kit))
    scoring = importlib.import_module("score")
    out = out / f"seed{seed}"
    if not (out / "cases").is_dir():
        draw(kit, out, seed, count, classes)
    cases = cases_in(out / "cases")
    programs = {"clearcut": CLEARCUT} | ({"before": os.environ["BEFORE"]} if os.environ.get("BEFORE") else {})
    for name, program in programs.items():
        (out / name).mkdir(exist_ok=True)
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda case, program=program, name=name: cut(program, case, out / name), cases))
    (out / "ffmpeg").mkdir(exist_ok=True)
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda case: best_chromakey(kit, case, out / "ffmpeg"), cases))
    tables = {}
    for name in [*programs, "ffmpeg"]:
        results, groups = scoring.score(str(out / "cases"), str(out / name), WORKERS)
        tables[name] = results
        print(f"\n{name}\n{scoring.table(groups)}")
    (out / "results.json").write_text(json.dumps(tables, indent=1))
    reports = {case["id"]: json.loads((out / "clearcut" / f"{case['id']}.report.json").read_text()) for case in cases}
    for is_accepted, word in ((False, "not accepted"), (True, "accepted")):
        group = [result for result in tables["clearcut"] if result["accepted"] == is_accepted]
        print(f"{word}: {sum(warned(reports[result['case']]) or result['missing'] for result in group)} of {len(group)} with a warning")
    worst = sorted((r for r in tables["clearcut"] if not r["missing"]), key=lambda r: -r["MAD"])[:3]
    print("worst: " + ", ".join(f"{r['case']} (MAD {r['MAD']:.1f}, frame {r['worst_frame']})" for r in worst))


if __name__ == "__main__":
    main()
