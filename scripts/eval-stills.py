#!/usr/bin/env python3
"""Cuts of still images beside the package rembg, on the same files in the same run: scripts/eval-stills.py KIT

KIT is the evaluation kit. Its stills are photographs with published mattes, and the middle frame of each case: those with a natural
background (n) and those with a plain one (c). Both sides use U²-Net-p (out/models) on the photographs and the frames of n; on the
frames of c, clearcut chooses its method. clearcut is one command over all files, from its start to the last PNG. rembg (in
out/rembg/venv, which runs this script) keeps its session and is timed without imports and loading: it reads, mattes and writes PNG.
Medians, by turns, of RUNS (3) runs. PSNR is that over a checkerboard, with the true foreground where the kit has it, else with the
photograph's own colors. What the kit ignores (a cast shadow) is not scored. For speed alone, the photographs are also scaled to 12
million pixels, as phones take them.
"""
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from goals import note
from programs import MODELS, RUNTIMES

CLEARCUT = os.environ.get("CLEARCUT", "target/release/clearcut")
RUNS = int(os.environ.get("RUNS", "3"))
OUT = Path("out/stills")
SQUARE = 16  # of the checkerboard


def frame(path, number, pixels, to):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", path, "-vf", f"select=eq(n\\,{number}),format={pixels}", "-frames:v",
                    "1", to], check=True)


def stills(kit):
    """The stills by kind: for each its file, its true alpha, its true colors, and what is ignored."""
    found = {"photographs": [], "frames, natural": [], "frames, plain": []}
    for alpha in sorted([*kit.glob("library/photo/*_alpha.png"), *kit.glob("sources/*_alpha.png")]):
        name = alpha.name.removesuffix("_alpha.png")
        image = next((alpha.with_name(name + end) for end in (".jpg", ".png") if alpha.with_name(name + end).exists()), None)
        if image and np.asarray(Image.open(image)).shape[:2] == np.asarray(Image.open(alpha)).shape[:2]:
            found["photographs"].append((image, alpha, image, None))
    for case in sorted(kit.glob("cases/[cn]*")):
        files = [OUT / "in" / f"{case.name}{end}.png" for end in ("", "_alpha", "_colors")]
        for source, pixels, to in zip(("input.mp4", "alpha.mkv", "fgr.mkv"), ("rgb24", "gray", "rgb24"), files):
            if not to.exists():
                frame(case / source, 12, pixels, to)
        ignored = OUT / "in" / f"{case.name}_ignored.png" if (case / "ignore.mkv").is_file() else None
        if ignored and not ignored.exists():
            frame(case / "ignore.mkv", 12, "gray", ignored)
        found["frames, natural" if case.name.startswith("n") else "frames, plain"].append((*files, ignored))
    return found


def large(photographs):
    """The photographs as JPEGs of 12 million pixels."""
    made = []
    for image, *_ in photographs:
        made.append(OUT / "in" / f"{image.stem}-12.jpg")
        if not made[-1].exists():
            source = Image.open(image).convert("RGB")
            scale = (12e6 / (source.width * source.height)) ** 0.5
            source.resize((round(source.width * scale), round(source.height * scale)), Image.Resampling.BICUBIC).save(made[-1], quality=92)
    return made


def with_clearcut(images, folder, method):
    began = time.monotonic()
    subprocess.run([CLEARCUT, "cut", *images, "-o", folder, "--method", method, "--model", "u2netp", "--models", MODELS, "--runtime",
                    RUNTIMES["ONNX Runtime"], "--force", "-q"], check=True)
    return time.monotonic() - began


def with_rembg(images, folder, session):
    from rembg import remove
    began = time.monotonic()
    for image in images:
        remove(Image.open(image).convert("RGB"), session=session).save(folder / f"{image.stem}-cut.png")
    return time.monotonic() - began


def score(cut, truth, colors, ignored):
    """MAD × 1000, and PSNR in dB over a checkerboard."""
    cut = np.asarray(Image.open(cut).convert("RGBA"), np.float64)
    alpha = np.asarray(Image.open(truth).convert("L"), np.float64)[..., None] / 255
    colors = np.asarray(Image.open(colors).convert("RGB"), np.float64)
    rows, columns = np.indices(alpha.shape[:2])
    board = np.where((columns // SQUARE + rows // SQUARE) % 2, 100.0, 200.0)[..., None]
    seen = np.ones_like(alpha) if ignored is None else (np.asarray(Image.open(ignored).convert("L")) < 128)[..., None] * 1.0
    shown = cut[..., :3] * cut[..., 3:] / 255 + board * (1 - cut[..., 3:] / 255)
    error = np.mean((seen * (shown - colors * alpha - board * (1 - alpha))) ** 2)
    return np.mean(seen * np.abs(cut[..., 3:] / 255 - alpha)) * 1000, 10 * np.log10(255**2 / max(error, 1e-9))


def timed(images, kind, session, method):
    """Images a second of both sides, whose cuts are then in the folders."""
    folders = {name: OUT / name / kind.replace(", ", "-") for name in ("clearcut", "rembg")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    times = {name: [] for name in folders}
    for _ in range(RUNS):
        times["clearcut"].append(with_clearcut(images, folders["clearcut"], method))
        times["rembg"].append(with_rembg(images, folders["rembg"], session))
    rates = {name: len(images) / statistics.median(runs) for name, runs in times.items()}
    ratio = rates["clearcut"] / rates["rembg"]
    note("stills ≥ 4× faster than rembg", kind, f"{ratio:.1f}× ({rates['clearcut']:.2f} beside {rates['rembg']:.2f} images/s)", ratio >= 4)
    return folders, rates


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    (OUT / "in").mkdir(parents=True, exist_ok=True)
    os.environ["U2NET_HOME"] = str(MODELS)
    from rembg import new_session
    session = new_session("u2netp", providers=["CPUExecutionProvider"])
    print("| stills | | MAD | PSNR, dB | images/s |\n| --- | --- | --- | --- | --- |")
    found = stills(Path(sys.argv[1]))
    for kind, files in found.items():
        images = [image for image, *_ in files]
        folders, rates = timed(images, kind, session, "auto" if "plain" in kind else "ai")
        scores = {name: [score(folder / f"{image.stem}-cut.png", *truth) for image, *truth in files] for name, folder in folders.items()}
        means = {name: np.mean(values, axis=0) for name, values in scores.items()}
        for name, (mad, psnr) in means.items():
            print(f"| {len(files)} {kind} | {name} | {mad:.2f} | {psnr:.2f} | {rates[name]:.2f} |", flush=True)
        for image, ours, theirs in zip(images, scores["clearcut"], scores["rembg"]):
            print(f"  {image.stem}: MAD {ours[0]:.2f} beside {theirs[0]:.2f}, PSNR {ours[1]:.2f} beside {theirs[1]:.2f}", file=sys.stderr)
        (ours, sharp), (theirs, other) = means["clearcut"], means["rembg"]
        note("MAD × 1000 of stills better than rembg's", kind, f"{ours:.2f} beside {theirs:.2f}", ours < theirs)
        note("PSNR of stills better than rembg's", kind, f"{sharp:.2f} beside {other:.2f} dB", sharp > other)
    _, rates = timed(large(found["photographs"]), "photographs of 12 million pixels", session, "ai")
    for name, rate in rates.items():
        print(f"| photographs of 12 million pixels | {name} | | | {rate:.2f} |", flush=True)


if __name__ == "__main__":
    main()
