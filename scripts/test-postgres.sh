#!/usr/bin/env bash
# A PostgreSQL server for tests in the folder FOLDER: scripts/test-postgres.sh start|stop FOLDER. It listens on
# a Unix socket in that folder alone, at port 5432; PgBouncer in transaction mode listens beside it at port 6432, if it is installed.
# It trusts everybody but the user guarded, whose password is "open sesame".
# Neither runs as root; root starts them as the user postgres. What is committed is lost with the machine, unless POSTGRES_SYNC=on.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: scripts/test-postgres.sh start|stop FOLDER" >&2; exit 2; }
folder=$(realpath -m "$2")
bin=$(dirname "$(command -v pg_ctl || ls -d /usr/lib/postgresql/*/bin/pg_ctl | sort -V | tail -n 1)")
bouncer=$(PATH=$PATH:/usr/sbin command -v pgbouncer || true)
sync=${POSTGRES_SYNC:-off}
as_owner=()
[ "$(id -u)" -ne 0 ] || as_owner=(setpriv --reuid postgres --regid postgres --clear-groups --)

bouncer_lives() { [ -e "$folder/bouncer.pid" ] && kill -0 "$(cat "$folder/bouncer.pid")" 2>/dev/null; }

add_guarded_user() {
  local rule="local all guarded scram-sha-256"
  if ! grep -qx "$rule" "$folder/data/pg_hba.conf"; then
    psql -q -h "$folder" -U postgres -c "CREATE ROLE guarded LOGIN PASSWORD 'open sesame'"
    "${as_owner[@]}" sed -i "1i $rule" "$folder/data/pg_hba.conf"
    "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" reload >/dev/null
  fi
}

start_bouncer() {
  cat >"$folder/bouncer.ini" <<SETTINGS
[databases]
* = host=$folder port=5432 user=postgres
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = $folder
auth_type = any
pool_mode = transaction
max_client_conn = 500
default_pool_size = 20
logfile = $folder/bouncer.log
pidfile = $folder/bouncer.pid
SETTINGS
  "${as_owner[@]}" "$bouncer" -d -q "$folder/bouncer.ini"
}

case $1 in
start)
  mkdir -p "$folder"
  [ "$(id -u)" -ne 0 ] || chown postgres: "$folder"
  if ! "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" status >/dev/null 2>&1; then
    [ -e "$folder/data/PG_VERSION" ] ||
      "${as_owner[@]}" "$bin/initdb" -D "$folder/data" -U postgres --auth trust --encoding UTF8 --locale C.UTF-8 --no-sync >/dev/null
    "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w start \
      -o "-k $folder -c listen_addresses= -c fsync=$sync -c synchronous_commit=$sync -c full_page_writes=$sync -c max_connections=200" >/dev/null
  fi
  add_guarded_user
  [ -z "$bouncer" ] || bouncer_lives || start_bouncer
  ;;
stop)
  if bouncer_lives; then kill "$(cat "$folder/bouncer.pid")"; fi
  "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  ;;
*)
  echo "usage: scripts/test-postgres.sh start|stop FOLDER" >&2
  exit 2
  ;;
esac
