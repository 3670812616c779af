#!/usr/bin/env python3
"""The goals of speed and what was measured: `note` adds a line, run as a program it prints all of them as one table.

Lines are kept in out/bench/goals.tsv, one for each goal and clip; a goal that is measured again replaces its line.
"""
import sys
from pathlib import Path

KEPT = Path("out/bench/goals.tsv")


def lines():
    return [line.split("\t") for line in KEPT.read_text().splitlines()] if KEPT.exists() else []


def note(goal, clip, measured, holds):
    """`goal` and `measured` are for people: the figure that was promised, the one that came out, size and quality beside a time."""
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    kept = [line for line in lines() if line[:2] != [goal, clip]]
    kept.append([goal, clip, measured, "holds" if holds else "**misses**"])
    KEPT.write_text("".join("\t".join(line) + "\n" for line in kept))


def main():
    if not KEPT.exists():
        sys.exit("nothing was measured yet: make bench")
    print("\n## Goals\n\n| goal | clip | measured | |\n| --- | --- | --- | --- |")
    for line in lines():
        print("| " + " | ".join(line) + " |")


if __name__ == "__main__":
    main()
