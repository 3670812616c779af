#!/usr/bin/env python3
"""Cuts every kind of clip and compares with what is right: scripts/input-matrix.py CLEARCUT FOLDER [DOCUMENT].

Draws the clips of inputs/ in FOLDER with the system's ffmpeg, runs `probe` and `cut` on each, measures the cut, and
prints a table. With DOCUMENT, the table is also written there, between its marks. Exits with 1 if a row is wrong.
`make matrix` runs it; KINDS chooses the rows whose file or group contains this text, WORKERS how many are cut side by side.
"""

import array
import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from inputs import DISC, KINDS, SCENES

START, END = "<!-- rows: made by `make matrix` -->", "<!-- end of rows -->"
FLAGS = "flags=accurate_rnd+full_chroma_int+full_chroma_inp"
# The middle of the disc, and half of the rows that are looked at for combing.
MIDDLE, NEAR = 60, 15
SOUND_RATE = 48_000
# How many kinds are cut side by side.
WORKERS = int(os.environ.get("WORKERS", "2"))


def ffmpeg(folder, line):
    """Standard output of ffmpeg with a line of arguments, none of which contains a space."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *line.split()]
    return subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout


def draw_scenes(folder):
    """Draws a disc that moves over green, without loss, once for each scene, and a beep at half a second."""
    for name, scene in SCENES.items():
        alpha = f"clip({DISC['radius']}.5-hypot(X-{DISC['start']}-{scene['step']}*N\\,Y-{MIDDLE})\\,0\\,1)"
        sides = zip("rgb", DISC["color"], (30, 200, 60))
        mixed = ":".join(f"{side}={behind}+{front - behind}*{alpha}" for side, front, behind in sides)
        size, rate, frames = f"{scene['width']}x120", scene["rate"], scene["frames"]
        source = f"-f lavfi -i color=black:s={size}:r={rate},trim=end_frame={frames},format=gbrp"
        ffmpeg(folder, f"{source},geq={mixed} -c:v ffv1 {name}.mkv")
        orange = ":".join(f"{side}={front}" for side, front in zip("rgb", DISC["color"]))
        ffmpeg(folder, f"{source},format=gbrap,geq={orange}:a=255*{alpha} -c:v ffv1 {name}-alpha.mkv")
    for at, secs in [(0.5, 1), (3, 4)]:
        beep = f"aevalsrc=between(t\\,{at}\\,{at}+0.1)*0.5*sin(2000*PI*t):s={SOUND_RATE}:d={secs}"
        ffmpeg(folder, f"-f lavfi -i {beep} beep{secs}.wav")


def draw(kind, folder):
    """Draws the clip of a kind in a folder of its own, and returns its path."""
    clip = folder / kind["file"].replace(".", "-") / kind["file"]
    clip.parent.mkdir(exist_ok=True)
    for step in kind["steps"]:
        if callable(step):
            step(clip)
        else:
            ffmpeg(clip.parent, step)
    return clip


def clearcut(program, command, clip, *options):
    """The last event of a command in JSON, with its notes as a set of codes."""
    environment = {**os.environ, "CLEARCUT_MODELS": str(clip.parent / "no-models")}
    done = subprocess.run(
        [program, command, "--json", clip.name, *options],
        cwd=clip.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    event = json.loads(done.stdout.strip().splitlines()[-1])
    event["notes"] = {note["code"] for note in event.get("notes", [])}
    return event


def beep_of(path):
    """Start of the beep in seconds from the start of the file; None without one."""
    entries = ["-select_streams", "a", "-show_entries", "stream=index", "-of", "csv=p=0"]
    command = ["ffprobe", "-v", "error", *entries, path.name]
    if not subprocess.run(command, cwd=path.parent, capture_output=True, check=True).stdout.strip():
        return None
    raw = ffmpeg(path.parent, f"-i {path.name} -vn -af aresample=async=1:first_pts=0 -f s16le -ac 1 -ar {SOUND_RATE} -")
    samples = array.array("h", raw)
    loud = (at for at, sample in enumerate(samples) if abs(sample) > 3000)
    at = next(loud, None)
    return None if at is None else at / SOUND_RATE


def disc_alpha(width, center):
    """The alpha of the disc in a frame, row by row."""
    edge = DISC["radius"] + 0.5
    rows = ((math.hypot(x - center, y - MIDDLE) for x in range(width)) for y in range(120))
    return [bytes(round(255 * min(max(edge - distance, 0), 1)) for distance in row) for row in rows]


def mean_difference(rows, others):
    """Mean difference of two images of one byte a pixel."""
    total = sum(sum(abs(a - b) for a, b in zip(*pair)) for pair in zip(rows, others))
    return total / (len(rows) * len(rows[0]))


def pictures_of(path, scene, view):
    """What the frames of a cut show: the number of the scene's frame, and the largest errors of all frames."""
    width, step = scene["width"], scene["step"]
    filters = f"{view},scale=out_range=pc:{FLAGS},format=rgba"
    raw = ffmpeg(path.parent, f"-i {path.name} -vf {filters} -fps_mode passthrough -f rawvideo -")
    shown, alpha_error, color_error, comb = [], 0, 0, 0
    frame_bytes = width * 120 * 4
    known = {}
    for start in range(0, len(raw), frame_bytes):
        frame = raw[start : start + frame_bytes]
        rows = [frame[y * width * 4 : (y + 1) * width * 4] for y in range(120)]
        alpha = [row[3::4] for row in rows]
        sums = [sum(row) for row in alpha]
        if not sums[MIDDLE]:
            shown.append(None)
            continue
        center = sum(x * value for x, value in enumerate(alpha[MIDDLE])) / sums[MIDDLE]
        number = (center - DISC["start"]) / step
        shown.append(number)
        index = round(number)
        if index not in known:
            known[index] = disc_alpha(width, DISC["start"] + step * index)
        alpha_error = max(alpha_error, mean_difference(alpha, known[index]))
        middle = rows[MIDDLE][(round(center) - 4) * 4 : (round(center) + 5) * 4]
        means = [sum(middle[side::4]) / 9 for side in range(3)]
        color_error = max(color_error, *(abs(found - right) for found, right in zip(means, DISC["color"])))
        edges = [sum(row[: round(center)]) / 255 for row in alpha[MIDDLE - NEAR : MIDDLE + NEAR]]
        symmetric = [(above - 2 * edge + below) / 2 for above, edge, below in zip(edges, edges[1:], edges[2:])]
        comb = max(comb, sum(map(abs, symmetric)) / len(symmetric))
    return {"shown": shown, "alpha error": alpha_error, "color error": color_error, "comb": comb}


def faults_of(kind, probed, cut, seen, beep):
    """What differs from what is right, as texts."""
    found = {
        "size": (cut["width"], cut["height"]),
        "rate": cut["fps"],
        "frames": len(seen["shown"]),
        "notes": cut["notes"],
    }
    right = {"size": kind["size"], "rate": kind["rate"], "frames": len(kind["shown"]), "notes": kind["notes"]}
    faults = [f"{name} {found[name]}, not {right[name]}" for name in found if found[name] != right[name]]
    if found["frames"] != cut["frames"]:
        faults.append(f"reports {cut['frames']} frames")
    if (probed["width"], probed["height"]) != kind["size"]:
        faults.append(f"the probe says {probed['width']}×{probed['height']}")
    if not probed["notes"] <= cut["notes"]:
        faults.append(f"the probe says {probed['notes']}")
    pairs = enumerate(zip(seen["shown"], kind["shown"]))
    wrong = [at for at, (number, right) in pairs if number is None or abs(number - right) > kind["early"]]
    if wrong:
        faults.append(f"frame {wrong[0]} shows {seen['shown'][wrong[0]]}, not {kind['shown'][wrong[0]]}")
    for name in ("alpha error", "color error", "comb"):
        if seen[name] > kind[name]:
            faults.append(f"{name} {seen[name]:.1f}")
    if (beep is None) != (kind["beep"] is None):
        faults.append("no beep" if beep is None else "a beep")
    elif beep is not None and abs(beep - kind["beep"]) > kind["beep error"]:
        faults.append(f"beep at {beep:.3f} s, not {kind['beep']} s")
    return faults


def check(program, kind, folder):
    """Draws, cuts and measures one kind: the result in words, the notes, and the faults."""
    try:
        clip = draw(kind, folder)
    except subprocess.CalledProcessError as failed:
        return "", "", [f"not drawn: {failed.stderr.decode(errors='replace').strip()[-200:]}"]
    probed = clearcut(program, "probe", clip)
    output = clip.with_name("cut.mov")
    cut = clearcut(program, "cut", clip, "-o", output.name, "--force")
    refusal = kind["refused"]
    if cut["event"] == "error":
        is_right = refusal is not None and refusal[0] == cut["code"] and refusal[1] in cut["message"]
        faults = [] if is_right else [f"refused instead of {refusal or 'cut'}"]
        # What a cut measures, a probe does not know.
        if "message" in probed and probed["message"] != cut["message"]:
            faults.append(f"the probe says: {probed['message']}")
        return f"`{cut['code']}`: {cut['message']}", "", faults
    beep = beep_of(output) if kind["has sound"] else None
    seen = pictures_of(output, SCENES[kind["scene"]], kind["view"])
    width, height = cut["width"], cut["height"]
    words = [
        f"{width}×{height}, {cut['fps'].removesuffix('/1')} fps, {cut['frames']} frame{'' if cut['frames'] == 1 else 's'}"
    ]
    if beep is not None:
        words.append(f"beep {(beep - (kind['beep'] or 0)) * 1000:+.1f} ms")
    words += [f"alpha {seen['alpha error']:.1f}", f"color {seen['color error']:.0f}"]
    if kind["comb"] < math.inf:
        words.append(f"comb {seen['comb']:.2f} px")
    faults = faults_of(kind, probed, cut, seen, beep) if refusal is None else [f"cut instead of {refusal}"]
    return ", ".join(words), ", ".join(f"`{code}`" for code in sorted(cut["notes"])), faults


def main():
    """Runs all kinds, prints the table, and returns the exit code."""
    program, folder = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    draw_scenes(folder)
    chosen = os.environ.get("KINDS", "")
    kinds = [kind for kind in KINDS if chosen in kind["file"] or chosen in kind["group"]]
    lines, wrong, group = [], 0, None
    with ThreadPoolExecutor(WORKERS) as workers:
        results = workers.map(lambda kind: check(program, kind, folder), kinds)
        for kind, (result, notes, faults) in zip(kinds, results):
            if kind["group"] != group:
                group = kind["group"]
                lines += [f"\n### {group}\n", "| input | result | notes | verdict |", "|---|---|---|---|"]
                print("\n".join(lines[-3:]), flush=True)
            wrong += bool(faults)
            lines.append(f"| {kind['name']} | {result} | {notes} | {'; '.join(faults) or 'right'} |")
            print(lines[-1], flush=True)
    print(f"\n{len(kinds) - wrong} of {len(kinds)} are right.")
    if len(sys.argv) > 3 and not chosen:
        document = Path(sys.argv[3])
        before, rest = document.read_text().split(START)
        after = rest.split(END)[1]
        document.write_text("\n".join([before + START, *lines, END + after]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
