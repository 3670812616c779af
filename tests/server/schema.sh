#!/bin/sh
# Schemathesis against a server of its own: no 5xx, no status that is not documented, no reply outside its schema.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=${SCHEMATHESIS_VENV:-$root/.venv}
binary=${CLEARCUT_BIN:-$root/target/release/clearcut}
if [ ! -x "$venv/bin/schemathesis" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q -r "$here/requirements.txt"
fi
port=${PORT:-$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')}
data=$(mktemp -d)
"$binary" serve --data "$data" --listen 127.0.0.1:$port --log warn --sync-wait-secs 1 > "$data.out" &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$data" "$data.out"' EXIT
until grep -q 'listens on' "$data.out"; do
  kill -0 $server || exit 1
  sleep 0.1
done
key=$(grep -o 'hc_[A-Za-z0-9]*' "$data.out" | head -1)
cd "$data"
export PYTHONPATH="$here" SCHEMATHESIS_HOOKS=schema_hooks
"$venv/bin/schemathesis" run http://127.0.0.1:$port/docs.json \
  --header "Authorization: Bearer $key" \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method \
  --max-examples "${EXAMPLES:-50}" --request-timeout 30 --seed "${SEED:-1}" "$@"
