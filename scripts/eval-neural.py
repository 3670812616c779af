#!/usr/bin/env python3
"""Scores the neural matte against exact alpha: scripts/eval-neural.py KIT OUT [MODEL...]

KIT is the evaluation kit. Every case before a natural background is cut with --method ai, as WebM, by each MODEL that is installed in
out/models (default: u2netp; others may come from a models.toml there) with ONNX Runtime and, where it can, with rten.
"""
import json
import subprocess
import sys
from pathlib import Path

from programs import CLEARCUT, MODELS, RUNTIMES

COLUMNS = ("MAD", "dtSSD", "holes_pct", "residue_pct", "fgr_mse", "comp_psnr")


def main():
    if len(sys.argv) < 3 or not (Path(sys.argv[1]) / "evaluate.py").is_file():
        sys.exit(__doc__ + "\nThe evaluation kit was not found: name its folder with EVAL=FOLDER.")
    kit, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    sys.path.insert(0, str(kit))
    import evaluate
    out.mkdir(parents=True, exist_ok=True)
    listed = json.loads(subprocess.run([CLEARCUT, "models", "list", "--json", "--models", MODELS], check=True,
                                       capture_output=True, text=True).stdout)
    known = {model["id"]: model for model in listed["models"]}
    lines = ["| model, runtime | case | MAD | dtSSD | holes % | residue % | fgr_mse | PSNR |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    print("\n".join(lines), flush=True)
    for model in sys.argv[3:] or ["u2netp"]:
        for name, runtime in RUNTIMES.items():
            if name == "rten" and "rten" not in known[model]["backends"]:
                continue
            rows = []
            for folder in sorted((kit / "cases").glob("n*")):
                cut = out / f"{folder.name}.ai.webm"
                subprocess.run([CLEARCUT, "cut", folder / "input.mp4", "-o", cut, "--force", "-q", "--method", "ai", "--model",
                                model, "--models", MODELS, "--runtime", runtime], check=True)
                rows.append((folder.name, evaluate.evaluate(str(folder), str(cut), conn_every=1000)))
            mean = {column: sum(row[column] for _, row in rows) / len(rows) for column in COLUMNS}
            for case, row in [*rows, ("**mean**", mean)]:
                lines.append(f"| {model}, {name} | {case} | " + " | ".join(f"{row[column]:.2f}" for column in COLUMNS) + " |")
                print(lines[-1], flush=True)
    (out / "neural.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
