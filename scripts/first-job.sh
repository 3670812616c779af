#!/usr/bin/env bash
# Starts a server on this machine, submits a clip to it as its first job, shows how it gets on and where the results are, and keeps
# serving until Ctrl-C: scripts/first-job.sh CLIP [DATA] [HOST:PORT]
set -euo pipefail
clip=${1:?usage: scripts/first-job.sh CLIP [DATA] [HOST:PORT]}
data=${2:-clearcut-data} listen=${3:-127.0.0.1:8787}
server=target/release/clearcut
url=http://$listen

mkdir -p "$data"
# It is ready as soon as it says that it listens.
coproc serving { exec "$server" serve --data "$data" --listen "$listen" --log warn; }
pid=${serving_PID-}
[ -n "$pid" ] || exit 1
exec {output}<&"${serving[0]}"
trap 'kill -TERM $pid 2>/dev/null; wait $pid' EXIT
until [[ ${line-} == *"listens on"* ]]; do
  IFS= read -r -u "$output" line || exit 1
  echo "$line"
done
cat <&"$output" &

# The value of a key in one line of JSON: value KEY <<< JSON
value() { sed -nE "s/.*\"$1\":(\"([^\"]*)\"|([^,}]*)).*/\2\3/p"; }

key=$("$server" keys create --data "$data" --name make-run | grep -oE 'hc_[A-Za-z0-9]{32}' | head -1)
auth="Authorization: Bearer $key"
submitted=$(curl -sS -H "$auth" -F "file=@$clip" -F 'formats=["webm","stacked-alpha","webp","apng","gif","mov","png-sequence","sprite-sheet","matte","foreground","poster"]' \
  "$url/api/v1/jobs/video/remove-background")
job=$(value jobId <<<"$submitted")
[ -n "$job" ] || { echo "$submitted"; exit 1; }
echo "Submitted $clip as job $job"

last=
while read -r field reply; do
  [ "$field" = data: ] || continue
  line="$(value progress <<<"$reply") % $(value stage <<<"$reply" | sed 's/^null$/ended/')"
  [ "$line" = "$last" ] || echo "  $line"
  last=$line
done < <(curl -sSN -H "$auth" "$url/api/v1/jobs/$job/events")
reply=$(curl -sS -H "$auth" "$url/api/v1/jobs/$job")
status=$(value status <<<"$reply")
[ "$status" = completed ] || { echo "$reply"; exit 1; }
echo "Done. The results, for an hour:"
grep -oE '"format":"[a-z-]+","url":"[^"]+"' <<<"$reply" | sed -E 's/"format":"([^"]+)","url":"([^"]+)"/  \1  \2/'
echo "Your key for this server: $key"
echo "It goes on serving at $url: open that in a browser and sign in with the key (documentation: $url/docs). Ctrl-C ends it."
wait $pid
