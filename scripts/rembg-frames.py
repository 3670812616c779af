#!/usr/bin/env python3
"""Mattes raw frames with the package rembg, one by one, as its documentation does: rembg-frames.py WIDTH HEIGHT < in.rgb24 > out.gray

One session for all frames, on as many threads as it takes by itself. Wall and processor seconds of the frames alone, without
imports and loading, go to standard error.
"""
import sys
import time

import numpy as np
from PIL import Image
from rembg import new_session, remove


def main():
    width, height = map(int, sys.argv[1:3])
    session = new_session("u2netp", providers=["CPUExecutionProvider"])
    frames = iter(lambda: sys.stdin.buffer.read(3 * width * height), b"")
    count, wall, processor = 0, 0.0, 0.0
    for raw in frames:
        frame = Image.frombytes("RGB", (width, height), raw)
        began, used = time.monotonic(), time.process_time()
        cut = remove(frame, session=session)
        wall, processor = wall + time.monotonic() - began, processor + time.process_time() - used
        count += 1
        sys.stdout.buffer.write(np.asarray(cut)[..., 3].tobytes())
    print(f"{count} {wall:.3f} {processor:.3f}", file=sys.stderr)


if __name__ == "__main__":
    main()
