"""Pictures with alpha, for the scripts that compare files: decoded by ffmpeg or Pillow, over a checkerboard, and their PSNR."""
import subprocess

import numpy as np
from PIL import Image

CELL = 16
TO_RGBA = "scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp,format=rgba"


def size_of(path):
    """Width and height of a video."""
    line = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-of", "csv=p=0", "-show_entries", "stream=width,height", str(path)]
    said = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    return tuple(map(int, said.strip().strip(",").split(",")))


def decode(path, program="ffmpeg", size=None):
    """The frames of a video as straight R'G'B'A, an array of n×h×w×4. A WebM is decoded by libvpx, which reads its alpha."""
    decoder = ["-c:v", "libvpx-vp9"] if str(path).endswith(".webm") else []
    width, height = size or size_of(path)
    line = [str(program), "-v", "error", "-nostdin", *decoder, "-i", str(path), "-map", "0:v:0", "-vf", TO_RGBA, "-f", "rawvideo", "pipe:1"]
    raw = subprocess.run(line, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 4)


def decode_alpha(path, program="ffmpeg"):
    """The alpha of a video's frames, as its codec has it, an array of n×h×w."""
    width, height = size_of(path)
    line = [str(program), "-v", "error", "-nostdin", "-i", str(path), "-map", "0:v:0", "-vf", "alphaextract,format=gray"]
    raw = subprocess.run([*line, "-f", "rawvideo", "pipe:1"], check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width)


def decode_animation(path, count, frame_rate):
    """What is on screen in the middle of each of `count` frames of a GIF, WebP or APNG, as `decode` returns it."""
    picture = Image.open(path)
    shown, ends, end = [], [], 0
    for number in range(picture.n_frames):
        picture.seek(number)
        shown.append(np.asarray(picture.convert("RGBA")))
        end += picture.info["duration"]
        ends.append(end)
    middles = (np.arange(count) + 0.5) / frame_rate * 1000
    return np.stack([shown[min(int(np.searchsorted(ends, middle, side="right")), len(shown) - 1)] for middle in middles])


def over_checkerboard(frames):
    """Frames over gray squares of two tones, mixed as levels, as floats."""
    _, height, width, _ = frames.shape
    rows, columns = np.indices((height, width)) // CELL
    board = np.where((rows + columns) % 2, 204.0, 153.0)[..., None]
    alpha = frames[..., 3:] / 255.0
    return frames[..., :3] * alpha + board * (1 - alpha)


def psnr(found, truth):
    """PSNR in dB of levels of 255."""
    return 10 * np.log10(255**2 / max(np.mean((found - truth) ** 2), 1e-9))
