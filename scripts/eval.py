#!/usr/bin/env python3
"""Scores the keyer against exact alpha, and against ffmpeg's keys chosen with the truth in hand: scripts/eval.py KIT OUT

KIT is the evaluation kit (cases and evaluate.py); results go to OUT. All from one run:
  clearcut   every plain-background case cut blind, one setting for all, as WebM
  plain      ffmpeg chromakey 0.15:0.08 and colorkey 0.30:0.10, told the nominal key color
  oracle     of a grid of chromakey and colorkey settings (with despill where the key is green or blue), told the key color, the one
             with the best MAD and the one with the best composite PSNR in each case. The grid is searched on every 6th frame; the
             winners are scored on all.
A second table sets what clearcut itself said of each matte, blind, beside the truth.
"""
import itertools
import json
import math
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from programs import CLEARCUT, ffmpeg

WORKERS = 2
GRID_STEP = 6  # every so many-th frame while searching the grid
CHROMAKEY = list(itertools.product((0.01, 0.03, 0.05, 0.07, 0.10, 0.14, 0.18, 0.24), (0.0, 0.05, 0.10, 0.20)))
COLORKEY = list(itertools.product((0.05, 0.10, 0.15, 0.20, 0.30, 0.40), (0.0, 0.10, 0.20)))
SEE_THROUGH = ("c15", "c16")  # glass and balloons: no key solves them by color alone
COLUMNS = ("MAD", "holes_pct", "residue_pct", "dtSSD", "fgr_mse", "comp_psnr")
# Goal of the mean over the cases that are not see-through, and of each case: (column, sign, mean, worst)
GOALS = (("MAD", 1, 3.0, 8.0), ("holes_pct", 1, 0.3, 1.0), ("residue_pct", 1, 0.1, 0.5), ("dtSSD", 1, 2.5, None),
         ("fgr_mse", 1, 1.5, None), ("comp_psnr", -1, 36.0, 30.0))


def to_rgba(case):
    matrix = "bt709" if case["encode"]["matrix"] == "bt709" else "smpte170m"
    return f"scale=in_color_matrix={matrix}:in_range=tv:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp,format=rgba"


def despill(case):
    r, g, b = (int(case["key_color"][i:i + 2], 16) for i in (1, 3, 5))
    screen = "green" if g > 1.3 * max(r, b) else "blue" if b > 1.3 * max(r, g) else None
    return f",despill=type={screen}:mix=0.5:expand=0" if screen else None


def settings(case):
    """Filter chains of the grid: name → chain."""
    key = "0x" + case["key_color"][1:]
    chains = {}
    for similarity, blend in CHROMAKEY:
        chains[f"chromakey {similarity}:{blend}"] = f"chromakey={key}:{similarity}:{blend},{to_rgba(case)}"
    for similarity, blend in COLORKEY:
        chains[f"colorkey {similarity}:{blend}"] = f"{to_rgba(case)},colorkey={key}:{similarity}:{blend}"
    tail = despill(case)
    if tail:
        chains |= {f"{name} + despill": chain + tail for name, chain in list(chains.items())}
    return chains


def key_with_ffmpeg(folder, case, chain, target):
    ffmpeg("-threads", "1", "-i", folder / case["input"], "-vf", chain + ",format=bgra", "-fps_mode", "passthrough", "-c:v", "ffv1",
           "-level", "3", "-g", "1", target)


def search(folder, case, kit):
    """The names of the settings with the best MAD and the best PSNR on every GRID_STEP-th frame."""
    import numpy as np
    width, height = case["width"], case["height"]

    def frames(path, chain, pixels, channels):
        raw = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i", path, "-vf",
                              f"select=not(mod(n\\,{GRID_STEP})),{chain}", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt",
                              pixels, "-"], check=True, capture_output=True).stdout
        return np.frombuffer(raw, np.uint8).reshape(-1, height, width, channels).astype(np.float32) / 255

    alpha = frames(folder / case["alpha"], "null", "gray", 1)
    foreground = frames(folder / case["foreground"], "null", "rgb24", 3)
    scored = np.ones_like(alpha, bool)
    if case.get("ignore"):
        scored = frames(folder / case["ignore"], "null", "gray", 1) < 0.5
    board = kit.checkerboard(height, width)
    truth = alpha * foreground + (1 - alpha) * board
    best = {}
    for name, chain in settings(case).items():
        keyed = frames(folder / case["input"], chain, "rgba", 4)
        own = np.where(scored, keyed[..., 3:], alpha)
        mad = float(np.abs(own - alpha).sum() / scored.sum())
        squared = (own * keyed[..., :3] + (1 - own) * board - truth) ** 2
        mse = float((squared.mean(axis=3, keepdims=True) * scored).sum() / scored.sum())
        for measure, value in (("MAD", mad), ("PSNR", mse)):
            if measure not in best or value < best[measure][0]:
                best[measure] = (value, name)
    return {measure: name for measure, (_, name) in best.items()}


def score(kit_folder, out, folder):
    """All rows of one case."""
    sys.path.insert(0, str(kit_folder))
    import evaluate as kit
    case = json.loads((folder / "case.json").read_text())
    cut = out / f"{folder.name}.webm"
    said = subprocess.run([CLEARCUT, "cut", folder / "input.mp4", "-o", cut, "--force", "--json"], check=True,
                          capture_output=True, text=True).stdout.splitlines()
    report = json.loads(said[-1])
    rows = {"clearcut": kit.evaluate(str(folder), str(cut), conn_every=1000)}
    chains = settings(case)
    plain = {"chromakey 0.15:0.08": f"chromakey=0x{case['key_color'][1:]}:0.15:0.08,{to_rgba(case)}",
             "colorkey 0.30:0.10": f"{to_rgba(case)},colorkey=0x{case['key_color'][1:]}:0.30:0.10"}
    best = search(folder, case, kit)
    wanted = {**plain, **{f"best {measure}": chains[name] for measure, name in best.items()}}
    for name, chain in wanted.items():
        target = out / f"{folder.name}.ffmpeg.mkv"
        key_with_ffmpeg(folder, case, chain, target)
        rows[name] = kit.evaluate(str(folder), str(target), conn_every=1000)
        target.unlink()
    return folder.name, rows, best, report


def mean(rows, column):
    values = [row[column] for row in rows if not math.isnan(row[column])]
    return sum(values) / len(values)


def table(results):
    lines = ["| case | MAD | holes % | residue % | dtSSD | fgr_mse | PSNR | best ffmpeg MAD | best ffmpeg PSNR |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    number = lambda value: "–" if math.isnan(value) else f"{value:.2f}"
    for case, (rows, best) in results.items():
        own = " | ".join(number(rows["clearcut"][column]) for column in COLUMNS)
        mad, psnr = rows["best MAD"]["MAD"], rows["best PSNR"]["comp_psnr"]
        lines.append(f"| {case} | {own} | {mad:.2f} ({best['MAD']}) | {psnr:.2f} ({best['PSNR']}) |")
    solid = [case for case in results if not case.startswith(SEE_THROUGH)]
    for name, cases in (("mean without see-through", solid), ("mean of all", list(results))):
        for method in results[cases[0]][0]:
            values = " | ".join(number(mean([results[case][0][method] for case in cases], column)) for column in COLUMNS)
            lines.append(f"| {name}: {method} | {values} | | |")
    return "\n".join(lines)


def reports(results, said):
    """What the report of each cut said, beside the truth where the truth is the same measure."""
    number = lambda value: "–" if math.isnan(value) else f"{value:.2f}"
    lines = ["| case | confidence | holes % said | true | residue % said | true | lookalike % said | flicker said | dtSSD | MAD | warnings |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for case, (rows, _) in results.items():
        matte, true = said[case]["matte"], rows["clearcut"]
        warnings = ", ".join(warning["code"] if isinstance(warning, dict) else warning for warning in said[case]["warnings"]) or "–"
        lines.append(f"| {case} | {matte['confidence']:.2f} | {matte['holesPercent']:.2f} | {number(true['holes_pct'])} | "
                     f"{matte['residuePercent']:.2f} | {true['residue_pct']:.2f} | {matte['lookalikePercent']:.2f} | "
                     f"{matte['flicker']:.2f} | {true['dtSSD']:.2f} | {true['MAD']:.2f} | {warnings} |")
    return "\n".join(lines)


def verdicts(results):
    solid = {case: rows["clearcut"] for case, (rows, _) in results.items() if not case.startswith(SEE_THROUGH)}
    for column, sign, goal, worst in GOALS:
        value = mean(solid.values(), column)
        case = max((case for case in solid if not (column == "holes_pct" and case.startswith("c06"))),
                   key=lambda case: sign * solid[case][column])
        holds = sign * value <= sign * goal and (worst is None or sign * solid[case][column] <= sign * worst)
        yield f"{column}: mean {value:.2f} (goal {goal}), worst {solid[case][column]:.2f} in {case} (goal {worst}): {'holds' if holds else 'MISSED'}"
    for case, (rows, _) in results.items():
        if case.startswith(SEE_THROUGH):
            value = rows["clearcut"]["MAD"]
            yield f"MAD of {case}: {value:.1f} (goal 25): {'holds' if value <= 25 else 'MISSED'}"
    behind = [case for case, (rows, _) in results.items() if rows["clearcut"]["MAD"] >= rows["best MAD"]["MAD"]
              or rows["clearcut"]["comp_psnr"] <= rows["best PSNR"]["comp_psnr"]]
    yield f"better than the best ffmpeg key in MAD and PSNR: {len(results) - len(behind)} of {len(results)}" + \
        (f", not in {', '.join(behind)}" if behind else "")


def main():
    if len(sys.argv) != 3 or not (Path(sys.argv[1]) / "evaluate.py").is_file():
        sys.exit(__doc__ + "\nThe evaluation kit was not found: name its folder with EVAL=FOLDER.")
    kit_folder, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    folders = sorted(folder for folder in (kit_folder / "cases").glob("c*"))
    with ProcessPoolExecutor(WORKERS) as pool:
        done = pool.map(score, itertools.repeat(kit_folder), itertools.repeat(out), folders)
        results, said = {}, {}
        for case, rows, best, report in done:
            results[case], said[case] = (rows, best), report
    text = table(results) + "\n\n" + reports(results, said)
    print(text)
    print()
    lines = list(verdicts(results))
    print("\n".join(lines))
    (out / "table.md").write_text(text + "\n\n" + "\n".join(f"- {line}" for line in lines) + "\n")


if __name__ == "__main__":
    main()
