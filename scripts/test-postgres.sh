#!/usr/bin/env bash
# A PostgreSQL server for tests, without durability, in the folder FOLDER: scripts/test-postgres.sh start|stop FOLDER. It listens on
# a Unix socket in that folder alone. PostgreSQL refuses to run as root; root starts it as the user postgres.
set -euo pipefail
folder=$(realpath -m "$2")
bin=$(dirname "$(command -v pg_ctl || ls -d /usr/lib/postgresql/*/bin/pg_ctl | sort -V | tail -n 1)")
as_owner=()
[ "$(id -u)" -ne 0 ] || as_owner=(setpriv --reuid postgres --regid postgres --clear-groups --)
case $1 in
start)
  mkdir -p "$folder"
  [ "$(id -u)" -ne 0 ] || chown postgres: "$folder"
  "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" status >/dev/null 2>&1 && exit 0
  [ -e "$folder/data/PG_VERSION" ] ||
    "${as_owner[@]}" "$bin/initdb" -D "$folder/data" -U postgres --auth trust --encoding UTF8 --locale C.UTF-8 --no-sync >/dev/null
  "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w start \
    -o "-k $folder -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200" >/dev/null
  ;;
stop)
  "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  ;;
*)
  echo "usage: scripts/test-postgres.sh start|stop FOLDER" >&2
  exit 2
  ;;
esac
