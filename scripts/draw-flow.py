#!/usr/bin/env python3
"""Draws docs/design/flow.svg, the diagram of ARCHITECTURE.md: scripts/draw-flow.py [FILE].

The text and position of every box and arrow are in the lists below. The same lists always give the
same bytes.
"""

import sys
from html import escape

WIDTH, HEIGHT = 1060, 560
BOX_WIDTH, BOX_HEIGHT = 122, 54

# Sections: heading, y of the heading.
HEADINGS = [
    ("A cut (pipeline)", 26),
    ("A server (api, queue, store, worker, notify)", 306),
]

# Boxes: left, top, title, subtitle.
BOXES = [
    (20, 50, "clip", "untrusted file"),
    (170, 50, "probe", "headers, packets"),
    (320, 50, "survey", "24 sampled frames"),
    (470, 50, "method", "color or model"),
    (620, 50, "hints", "followed ahead"),
    (170, 170, "decode", "raw frames"),
    (470, 170, "matte", "keyer or model"),
    (620, 170, "finish", "time, clean color"),
    (770, 130, "encode webm", "color and matte"),
    (770, 210, "encode …", "all formats at once"),
    (920, 170, "check", "read back"),
    (920, 50, "file", "gets its name"),
    (20, 420, "client", "page, SDK, curl"),
    (190, 420, "api", "never decodes"),
    (410, 340, "queue", "SQLite, leases"),
    (410, 490, "store", "clips, outputs"),
    (660, 420, "worker", "heartbeats"),
    (860, 420, "cut", "as above"),
    (660, 330, "notify", "signs, retries"),
    (860, 330, "receiver", "webhook endpoint"),
]

# Arrows: points from start to end, label, position of the label.
ARROWS = [
    ([(142, 77), (170, 77)], "", None),
    ([(292, 77), (320, 77)], "", None),
    ([(442, 77), (470, 77)], "", None),
    ([(620, 77), (592, 77)], "", None),
    ([(231, 104), (231, 170)], "", None),
    ([(531, 104), (531, 170)], "", None),
    ([(292, 197), (470, 197)], "bounded queue", (380, 189)),
    ([(592, 197), (620, 197)], "", None),
    ([(742, 190), (756, 190), (756, 157), (770, 157)], "", None),
    ([(742, 204), (756, 204), (756, 237), (770, 237)], "", None),
    ([(892, 157), (906, 157), (906, 190), (920, 190)], "", None),
    ([(892, 237), (906, 237), (906, 204), (920, 204)], "", None),
    ([(981, 170), (981, 104)], "", None),
    ([(142, 438), (190, 438)], "", None),
    ([(190, 456), (142, 456)], "signed link", (166, 492)),
    ([(312, 438), (361, 438), (361, 367), (410, 367)], "job", (386, 360)),
    ([(312, 456), (361, 456), (361, 517), (410, 517)], "clip", (386, 510)),
    ([(532, 357), (660, 357)], "outbox", (596, 350)),
    ([(532, 380), (620, 380), (620, 438), (660, 438)], "claim", (576, 373)),
    ([(660, 447), (471, 447), (471, 394)], "heartbeat, finish", (560, 440)),
    ([(660, 464), (620, 464), (620, 517), (532, 517)], "outputs", (576, 510)),
    ([(782, 438), (860, 438)], "", None),
    ([(860, 456), (782, 456)], "", None),
    ([(782, 357), (860, 357)], "", None),
]

STYLE = """
    .box { fill: #f3f6fa; stroke: #6e7781; stroke-width: 1.2 }
    .title { fill: #1f2328; font: 600 14px sans-serif; text-anchor: middle }
    .subtitle { fill: #57606a; font: 11px sans-serif; text-anchor: middle }
    .heading { fill: #6e7781; font: 600 15px sans-serif }
    .label { fill: #6e7781; font: 11px sans-serif; text-anchor: middle }
    .arrow { fill: none; stroke: #6e7781; stroke-width: 1.5 }
    .head { fill: #6e7781 }
    @media (prefers-color-scheme: dark) {
      .box { fill: #21262d; stroke: #8b949e }
      .title { fill: #e6edf3 }
      .subtitle { fill: #9aa4af }
      .heading, .label { fill: #9aa4af }
      .arrow { stroke: #8b949e }
      .head { fill: #8b949e }
    }
"""


def text(x, y, kind, content):
    return f'  <text class="{kind}" x="{x}" y="{y}">{escape(content)}</text>'


def box(left, top, title, subtitle):
    middle = left + BOX_WIDTH // 2
    yield f'  <rect class="box" x="{left}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
    yield text(middle, top + 24, "title", title)
    yield text(middle, top + 41, "subtitle", subtitle)


def arrow(points, label, place):
    path = " ".join(f"{x},{y}" for x, y in points)
    yield f'  <polyline class="arrow" points="{path}" marker-end="url(#head)"/>'
    if label:
        yield text(*place, "label", label)


def drawing():
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    yield '  role="img" aria-label="The flow of a cut, and of a job through a server">'
    yield f"  <style>{STYLE}  </style>"
    yield '  <marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    yield '    <path class="head" d="M0,0 L8,4 L0,8 z"/>'
    yield "  </marker>"
    for heading, y in HEADINGS:
        yield text(20, y, "heading", heading)
    for points, label, place in ARROWS:
        yield from arrow(points, label, place)
    for left, top, title, subtitle in BOXES:
        yield from box(left, top, title, subtitle)
    yield "</svg>"


if __name__ == "__main__":
    target = sys.argv[1] if len(sys.argv) > 1 else "docs/design/flow.svg"
    with open(target, "w", encoding="utf-8") as file:
        file.write("\n".join(drawing()) + "\n")
