"""The recipe of a kind of input: the scenes, the codecs, and what is right unless a kind says otherwise.

A step of a recipe is a line of arguments for ffmpeg, or a function that gets the path of the clip. `SCENE` is the scene as
input; its disc moves by a step each frame, so its place says which frame of the scene is shown.
"""

import math

DISC = {"radius": 25, "start": 40, "color": (240, 130, 40)}
SCENES = {
    "scene": {"width": 160, "step": 3, "rate": 25, "frames": 25},
    "fields": {"width": 320, "step": 4, "rate": 50, "frames": 50},
}

SCENE, FIELDS, ALPHA = "-i ../scene.mkv", "-i ../fields.mkv", "-i ../scene-alpha.mkv"
BEEP, BEEP4 = "-i ../beep1.wav", "-i ../beep4.wav"
H264 = "-c:v libx264 -preset veryfast -crf 12 -pix_fmt yuv420p"
HEVC = "-c:v libx265 -preset ultrafast -crf 8 -x265-params log-level=none -pix_fmt yuv420p"
VP8 = "-c:v libvpx -b:v 2M -crf 4 -deadline realtime"
VP9 = "-c:v libvpx-vp9 -b:v 2M -deadline realtime -cpu-used 8"
MPEG2 = "-c:v mpeg2video -q:v 2 -bf 2 -pix_fmt yuv420p"
MPEG4 = "-c:v mpeg4 -q:v 2"
PALETTE = "split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none"
EVERY = list(range(25))

KINDS = []
GROUP = ""


def group(name):
    """The kinds that follow are of this group."""
    global GROUP
    GROUP = name


def kind(name, file, *steps, **right):
    """Adds a kind, drawn by `steps`; a single line of ffmpeg needs no name of the file.

    `view` is a filter that brings a frame of the cut into the scene's size. `shown` has the frames of the scene that the
    cut shows, give or take `early`; `beep` is in seconds, errors of alpha and color in levels of 255, `comb` in pixels.
    `refused` is the code and a part of the message.
    """
    defaults = {
        "scene": "scene",
        "view": "null",
        "size": (160, 120),
        "rate": "25/1",
        "shown": EVERY,
        "early": 0.35,
        "notes": set(),
        "beep": None,
        "beep error": 0.01,
        "has sound": "beep" in right,
        "alpha error": 2,
        "color error": 10,
        "comb": math.inf,
        "refused": None,
    }
    right = {key.replace("_", " "): value for key, value in right.items()}
    assert right.keys() <= defaults.keys(), right
    if len(steps) == 1 and isinstance(steps[0], str):
        steps = (f"{steps[0]} {file}",)
    KINDS.append({**defaults, **right, "group": GROUP, "name": name, "file": file, "steps": steps})
