#!/bin/sh
# make-model.sh DATA: trains the network, writes DATA/opacity.onnx and measures it on held-out subjects.
set -e
here=$(cd "$(dirname "$0")" && pwd)
data=$1
python=$data/venv/bin/python
"$python" "$here/train.py" "$data" "$data/opacity.npz" --steps 12000 | tee "$data/train.log"
"$python" "$here/export.py" "$data/opacity.npz" "$data/opacity.onnx"
"$python" "$here/evaluate.py" "$data/opacity.onnx" shards "$data" held
