#!/usr/bin/env bash
# An S3-compatible server for tests (SeaweedFS) in the folder FOLDER: scripts/test-s3.sh start|stop FOLDER. `start` prints its
# address. It has the bucket clearcut, and the key test with the secret test. A server that was stopped starts again at the same
# address, with the same objects. `stop` kills it.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: scripts/test-s3.sh start|stop FOLDER" >&2; exit 2; }
folder=$(realpath -m "$2")
weed=${WEED:-$(cd "$(dirname "$0")/.." && pwd)/.venv/bin/weed}
[ -x "$weed" ] || weed=weed

lives() { [ -e "$folder/pid" ] && kill -0 "$(cat "$folder/pid")" 2>/dev/null; }

case $1 in
start)
  mkdir -p "$folder/data"
  # Ports for S3, master, volume and filer, each with one for gRPC.
  [ -e "$folder/ports" ] || python3 - >"$folder/ports" <<'PORTS'
import socket

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(8)]
print(*(each.getsockname()[1] for each in sockets))
PORTS
  read -r s3 s3_grpc master master_grpc volume volume_grpc filer filer_grpc <"$folder/ports"
  if ! lives; then
    cat >"$folder/s3.json" <<'IDENTITIES'
{"identities": [{"name": "test", "credentials": [{"accessKey": "test", "secretKey": "test"}], "actions": ["Admin"]}]}
IDENTITIES
    # SeaweedFS writes more than it says to the current folder.
    cd "$folder"
    setsid "$weed" server -dir="$folder/data" -ip=127.0.0.1 -volume.max=50 -master.volumeSizeLimitMB=64 \
      -s3 -s3.config="$folder/s3.json" -s3.port="$s3" -s3.port.grpc="$s3_grpc" -s3.port.iceberg=0 -s3.port.lance=0 \
      -master.port="$master" -master.port.grpc="$master_grpc" -volume.port="$volume" -volume.port.grpc="$volume_grpc" \
      -filer.port="$filer" -filer.port.grpc="$filer_grpc" >"$folder/log" 2>&1 </dev/null &
    echo $! >"$folder/pid"
  fi
  address=http://127.0.0.1:$s3
  # Ready when an object can be written.
  # Older versions of curl need to be told the hash of what they send.
  request() { curl -sf --max-time 5 --aws-sigv4 aws:amz:us-east-1:s3 --user test:test -X "$@" -o "$folder/reply"; }
  hash=$(printf x | sha256sum | cut -d' ' -f1)
  for _ in $(seq 300); do
    request PUT "$address/clearcut" || true
    if request PUT "$address/clearcut/ready" -d x -H "Content-Type: text/plain" -H "X-Amz-Content-Sha256: $hash"; then
      request DELETE "$address/clearcut/ready"
      echo "$address"
      exit 0
    fi
    lives || break
    sleep 0.2
  done
  tail -n 20 "$folder/log" >&2
  exit 1
  ;;
stop)
  if lives; then kill -9 "$(cat "$folder/pid")"; fi
  rm -f "$folder/pid"
  ;;
*)
  echo "usage: scripts/test-s3.sh start|stop FOLDER" >&2
  exit 2
  ;;
esac
