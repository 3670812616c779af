#!/usr/bin/env python3
"""Fits how likely a person accepts a matte to what a cut says of it: scripts/calibrate-report.py SVG OUT...

Each OUT is a folder that scripts/eval-random.py has left (OUT/seedN): its results.json says which cases a person would accept, and
clearcut/ID.report.json what the cut said. Prints the weights for MatteReport (crates/job/src/report.rs); and, for every seed by the
weights of the other seeds alone, how often cases were accepted beside what was predicted (SVG gets that as a plot), and how many of the
cases that are not accepted and of those accepted fall below an estimate.
"""
import json
import sys
from pathlib import Path

import numpy as np

# Percentages become ln(1 + percentage / unit).
UNITS = {"holesPercent": 1.0, "lookalikePercent": 1.0, "residuePercent": 0.5, "finePercent": 2.0, "softPercent": 10.0, "faintPercent": 5.0}
RIDGE = 0.3
BINS = [0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0]
LIMITS = [0.5, 0.6, 0.65, 0.7, 0.75, 0.78, 0.8, 0.85]


def read(folder):
    """Rows of features, and what was accepted, of one seed; cases without a file are no matter of a report."""
    results = json.loads((folder / "results.json").read_text())["clearcut"]
    rows = []
    for result in results:
        report = json.loads((folder / "clearcut" / f"{result['case']}.report.json").read_text())
        if "matte" in report:
            features = [np.log1p((report["matte"][name] or 0.0) / unit) for name, unit in UNITS.items()]
            rows.append(([1.0, *features], float(result["accepted"])))
    return rows


def fit(x, y):
    """Logistic regression with a ridge on all weights but the first, by Newton's method. No defect may raise the estimate: a feature
    that would is left out."""
    used = np.ones(x.shape[1], bool)
    while True:
        part = x[:, used]
        weights = np.zeros(part.shape[1])
        ridge = RIDGE * np.diag([0.0, *[1.0] * (part.shape[1] - 1)])
        for _ in range(50):
            p = predict(part, weights)
            hessian = part.T @ (part * (p * (1 - p))[:, None]) + ridge
            weights = weights + np.linalg.solve(hessian, part.T @ (y - p) - ridge @ weights)
        all_weights = np.zeros(x.shape[1])
        all_weights[used] = weights
        if (all_weights[1:] <= 0).all() or used.sum() == 1:
            return all_weights
        used[1:] &= all_weights[1:] < 0


def predict(x, weights):
    return 1 / (1 + np.exp(-x @ weights))


def plot(bins, path):
    """Predicted against real, a disc for each bin, as large as its cases are many."""
    at = lambda p, r: (60 + 300 * p, 340 - 300 * r)
    discs = "".join(f'<circle cx="{at(p, r)[0]:.1f}" cy="{at(p, r)[1]:.1f}" r="{3 + n ** 0.5:.1f}"/>'
                    f'<text x="{at(p, r)[0]:.1f}" y="{at(p, r)[1] - 8 - n ** 0.5:.1f}">{n}</text>' for p, r, n in bins)
    ticks = "".join(f'<text x="{at(v, 0)[0]}" y="358">{v}</text><text x="44" y="{at(0, v)[1] + 4}">{v}</text>' for v in (0, 0.5, 1))
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" font-family="sans-serif" font-size="12" text-anchor="middle">'
                    f'<rect width="400" height="400" fill="#fff"/><path d="M60 340H360M60 340V40M60 340 360 40" stroke="#999" fill="none"/>'
                    f'<g fill="#0f766e" fill-opacity=".55">{discs}</g>{ticks}<text x="210" y="385">predicted share accepted</text>'
                    f'<text transform="rotate(-90 18 190)" x="18" y="190">share accepted</text></svg>\n')


def main():
    svg, folders = Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]]
    seeds = [read(folder) for folder in folders]
    rows = [row for seed in seeds for row in seed]
    number = np.array([at for at, seed in enumerate(seeds) for _ in seed])
    x, y = (np.array([row[k] for row in rows]) for k in range(2))
    print("weights: " + ", ".join(f"{name} {weight:.2f}" for name, weight in zip(["best score", *UNITS], fit(x, y) * [1, *[-1] * len(UNITS)])))
    held_out = np.zeros(len(y))
    for seed in range(len(seeds)):
        held_out[number == seed] = predict(x[number == seed], fit(x[number != seed], y[number != seed]))
    pairs = held_out[y == 1][:, None] - held_out[y == 0][None, :]
    print(f"{len(y)} cases, {y.mean():.0%} accepted; of two, the accepted one has the higher estimate in {np.mean((pairs > 0) + 0.5 * (pairs == 0)):.0%}")
    bins = []
    for low, high in zip(BINS, BINS[1:]):
        chosen = (held_out >= low) & (held_out < high)
        if chosen.any():
            bins.append((held_out[chosen].mean(), y[chosen].mean(), int(chosen.sum())))
            print(f"estimate {low:.1f} to {high:.1f}: {chosen.sum()} cases, predicted {bins[-1][0]:.2f}, accepted {bins[-1][1]:.2f}")
    for limit in LIMITS:
        low = held_out < limit
        print(f"below {limit:.2f}: {low[y == 0].mean():.0%} of the {int((y == 0).sum())} not accepted, {low[y == 1].mean():.0%} of the {int(y.sum())} accepted")
    plot(bins, svg)


if __name__ == "__main__":
    main()
