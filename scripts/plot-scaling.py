#!/usr/bin/env python3
"""Draws docs/pictures/scaling.png from the figures of `make bench-cluster`: scripts/plot-scaling.py FIGURES PICTURE"""
import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plot  # noqa: E402: the backend is chosen first


def bars(pane, title, values, unit):
    drawn = pane.bar(list(values), list(values.values()), color="#4466aa", width=0.6)
    pane.bar_label(drawn, fmt="%.3g")
    pane.set_title(title, fontsize=10)
    pane.set_ylabel(unit)
    pane.spines[["top", "right"]].set_visible(False)


def main():
    figures = json.loads(Path(sys.argv[1]).read_text())
    figure, panes = plot.subplots(1, 3, figsize=(11, 3.2), constrained_layout=True)
    throughput, claims, requests = figures["throughput"], figures["claims"], figures["requests"]
    bars(panes[0], "small jobs, one core a worker", {name: throughput[name] for name in ("1 worker", "2 workers")}, "jobs / s")
    names = {"claims": "8 busy", "claims beside idle polls": "8 busy,\n500 idle"}
    bars(panes[1], f"claims from {claims['queued']:,} waiting jobs", {names[part]: claims[part]["per_second"] for part in names}, "claims / s")
    short = {"SQLite and a folder": "SQLite", "PostgreSQL and S3": "PostgreSQL, S3"}
    both = {f"{kind},\n{short[where]}": requests[where][kind]["p50_ms"] for kind in ("polls", "submits") for where in short}
    bars(panes[2], "64 connections, median", both, "ms")
    panes[2].tick_params(axis="x", labelsize=7)
    figure.savefig(sys.argv[2], dpi=110)


if __name__ == "__main__":
    main()
