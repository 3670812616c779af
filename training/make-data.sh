#!/bin/sh
# make-data.sh DATA [LIBRARY]: installs what is needed into DATA, gathers the subjects and renders the composites.
set -e
here=$(cd "$(dirname "$0")" && pwd)
data=$1
mkdir -p "$data/npm"
python3 -m venv "$data/venv"
"$data/venv/bin/pip" install -q -r "$here/requirements.txt"
cp "$here/package.json" "$data/npm/"
(cd "$data/npm" && npm install --ignore-scripts --no-audit --no-fund)
"$data/venv/bin/python" "$here/assets.py" "$data" $2
"$data/venv/bin/python" "$here/render.py" "$data" train 0 50
"$data/venv/bin/python" "$here/render.py" "$data" wide 0 4 --wide
"$data/venv/bin/python" "$here/render.py" "$data" held 0 4 --held-out
