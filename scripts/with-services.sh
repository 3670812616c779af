#!/usr/bin/env bash
# Runs a command beside a PostgreSQL and an S3-compatible server for tests: scripts/with-services.sh COMMAND... They are started for
# it and ended after it, whatever it returns. CLEARCUT_TEST_POSTGRES names the folder of the sockets, CLEARCUT_TEST_S3 the address;
# one that is set already is taken as it is.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
# A short path: the name of a Unix socket has at most 107 bytes.
folder=$(mktemp -d /tmp/clearcut-test-XXXXXX)
chmod 755 "$folder"
finish() {
  "$scripts/test-postgres.sh" stop "$folder/pg"
  "$scripts/test-s3.sh" stop "$folder/s3"
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM
if [ -z "${CLEARCUT_TEST_POSTGRES-}" ]; then
  "$scripts/test-postgres.sh" start "$folder/pg"
  export CLEARCUT_TEST_POSTGRES=$folder/pg
fi
if [ -z "${CLEARCUT_TEST_S3-}" ]; then
  CLEARCUT_TEST_S3=$("$scripts/test-s3.sh" start "$folder/s3")
  export CLEARCUT_TEST_S3
fi
"$@"
