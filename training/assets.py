"""Gathers the subjects: RGBA stills from the npm packages of package.json, from a local library of
subjects (optional) and from the fonts of this machine. Writes DATA/sprites.npy and DATA/sprites.json.

    python assets.py DATA [LIBRARY]
"""

import io
import json
import sys
import unicodedata
import zlib
from pathlib import Path

import cv2
import numpy as np
import resvg_py
from PIL import Image

SIDE = 384
# set -> (how many, how it is used)
SETS = {
    "fluent-emoji": (420, "figure"),
    "fluent-emoji-flat": (300, "figure"),
    "noto": (380, "figure"),
    "twemoji": (320, "figure"),
    "fxemoji": (160, "figure"),
    "emojione": (200, "figure"),
    "streamline-emojis": (120, "figure"),
    "flat-color-icons": (60, "figure"),
    "meteocons": (30, "figure"),
    "logos": (120, "figure"),
    "vscode-icons": (60, "figure"),
    "game-icons": (220, "shape"),
    "mdi": (120, "shape"),
    "tabler": (200, "line"),
    "line-md": (60, "line"),
}
STILLS = 450  # of the 3D set


def held_out(name, percent):
    """The same name is held out in every set."""
    return zlib.crc32(name.encode()) % 100 < percent


def squared(image):
    """The picture, scaled into a SIDE x SIDE square; None if next to nothing is in it."""
    image = image.convert("RGBA")
    box = image.getchannel("A").getbbox()
    if not box:
        return None
    image = image.crop(box)
    factor = SIDE / max(image.size)
    size = [max(1, round(side * factor)) for side in image.size]
    pixels = np.asarray(image).astype(np.float32)
    alpha = pixels[..., 3:] / 255
    mode = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    premultiplied = cv2.resize(np.dstack([pixels[..., :3] * alpha, pixels[..., 3]]), size, interpolation=mode)
    alpha = np.clip(premultiplied[..., 3:], 0, 255)
    color = np.clip(premultiplied[..., :3] / np.maximum(alpha / 255, 1e-3), 0, 255)
    result = np.zeros((SIDE, SIDE, 4), np.uint8)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    result[top:top + size[1], left:left + size[0]] = np.dstack([color, alpha]) + 0.5
    return result if (result[..., 3] > 128).mean() > 0.01 else None


def rasterised(body, width, height):
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
           f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">{body}</svg>')
    svg = svg.replace("currentColor", "#404040")
    size = {"width": SIDE} if width >= height else {"height": SIDE}
    return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, **size))))


def icon_sets(packages, rng):
    for name, (count, use) in SETS.items():
        data = json.loads((packages / "@iconify-json" / name / "icons.json").read_text())
        names = [n for n in sorted(data["icons"]) if "skin-tone" not in n and not n.startswith("flag")]
        for icon in rng.permutation(names)[:count]:
            entry = data["icons"][icon]
            width = entry.get("width", data.get("width", 16))
            height = entry.get("height", data.get("height", 16))
            try:
                sprite = squared(rasterised(entry["body"], width, height))
            except ValueError:
                continue
            if sprite is not None:
                yield {"name": str(icon), "set": name, "use": use}, sprite


def code_name(code):
    """fluent 3D files are named by code points: turn them into the other sets' kind of name."""
    try:
        return unicodedata.name(chr(int(code.split("-")[0], 16))).lower().replace(" ", "-")
    except ValueError:
        return code


def stills(packages, rng):
    folder = packages / "@lobehub" / "fluent-emoji-3d" / "assets"
    files = [f for f in sorted(folder.glob("*.webp")) if "1f3f" not in f.stem.split("-", 1)[-1]]
    for at in rng.permutation(len(files))[:STILLS]:
        sprite = squared(Image.open(files[at]))
        if sprite is not None:
            yield {"name": code_name(files[at].stem), "set": "fluent-emoji-3d", "use": "figure"}, sprite


def frames_of(entry, folder):
    path = folder / entry["file"]
    if entry["kind"] == "image":
        image = Image.open(path)
        count = getattr(image, "n_frames", 1)
        for at in {count // 8, count // 2, count * 7 // 8}:
            image.seek(at)
            yield image.copy()
    elif entry["kind"] == "lottie":
        from rlottie_python import LottieAnimation
        with LottieAnimation.from_file(str(path)) as animation:
            count = animation.lottie_animation_get_totalframe()
            for part in (0.25, 0.5, 0.75):
                yield animation.render_pillow_frame(frame_num=int(count * part), width=SIDE, height=SIDE)
    elif entry["kind"] == "photo":
        image = Image.open(path).convert("RGB")
        image.putalpha(Image.open(path.with_name(path.stem + "_alpha.png")).convert("L").resize(image.size))
        yield image


def library(folder):
    """A library of subjects with library.json; 30 % of its subjects are held out by name."""
    for entry in json.loads((folder / "library.json").read_text()):
        if entry["file"].startswith("..") or entry["kind"] not in ("image", "lottie", "photo"):
            continue
        use = {"thin": "line", "hair": "photo", "person": "photo", "foliage": "photo", "translucent": None,
               "particles": "figure"}.get(entry["tags"][0], "figure")
        if use is None:
            continue
        code = entry["origin"].split()[-1] if "fluent" in entry["origin"] else ""
        for frame in frames_of(entry, folder):
            sprite = squared(frame)
            if sprite is not None:
                yield {"name": code_name(code) if code else entry["id"], "id": entry["id"], "set": "library", "use": use}, sprite


def gather(data, subjects=None):
    packages = data / "npm" / "node_modules"
    rng = np.random.default_rng(1)
    entries, sprites = [], []
    sources = [icon_sets(packages, rng), stills(packages, rng)]
    if subjects:
        sources.append(library(subjects))
    for source in sources:
        for entry, sprite in source:
            entries.append(entry)
            sprites.append(sprite)
    out = {e["name"] for e in entries if e["set"] == "library" and held_out(e["id"], 30)}
    for entry in entries:
        kept = held_out(entry["id"], 30) if entry["set"] == "library" else held_out(entry["name"], 10)
        entry["held_out"] = bool(kept or entry["name"] in out)
    np.save(data / "sprites.npy", np.stack(sprites))
    (data / "sprites.json").write_text(json.dumps(entries))
    print(len(entries), "sprites,", sum(e["held_out"] for e in entries), "held out")


if __name__ == "__main__":
    gather(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
