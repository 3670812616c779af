#!/usr/bin/env bash
# Cuts every plain-backdrop case of the evaluation kit blind (one setting for all) and prints the kit's table:
# scripts/eval.sh KIT OUT
set -euo pipefail
kit=${1:?usage: scripts/eval.sh KIT OUT} out=${2:?usage: scripts/eval.sh KIT OUT}
[ -f "$kit/evaluate.py" ] || { echo "The evaluation kit is not at $kit; name it with EVAL=FOLDER." >&2; exit 1; }
mkdir -p "$out"
venv=$out/.venv
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" -q install numpy opencv-python-headless Pillow
fi
for case in "$kit"/cases/c*; do
  id=$(basename "$case")
  target/release/clearcut cut "$case/input.mp4" -o "$out/$id.webm" --force --quiet
done
"$venv/bin/python" "$kit/evaluate.py" --all "$kit/cases" "$out" --mode chroma
