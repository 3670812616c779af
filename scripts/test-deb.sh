#!/usr/bin/env bash
# Installs the .deb of a release in a fresh Debian and lives with it: scripts/test-deb.sh FOLDER-OF-DIST. As root; needs debootstrap and
# the mirror that apt of this machine uses. There is no systemd in there: the server is started as the unit's command line says.
set -euo pipefail
dist=$(cd "$1" && pwd) scripts=$(cd "$(dirname "$0")" && pwd)
deb=$(ls "$dist"/clearcut_*.deb)
version=$(dpkg-deb -f "$deb" Version)
root=$(mktemp -d /tmp/clearcut-deb-XXXXXX)
chmod 755 "$root"
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  umount --lazy "$root/proc" 2>/dev/null || true
  umount --lazy --recursive "$root/dev" 2>/dev/null || true
  # Never what is still mounted there.
  rm -rf --one-file-system "$root"
}
trap finish EXIT

suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(SUITE) $(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
  awk -v suite="$suite" '($1 == suite || $2 == suite) && $3 == "main" { print $4; exit }')
echo "a fresh $suite"
debootstrap --variant=minbase --include=ca-certificates,curl "$suite" "$root" "$mirror" >/dev/null
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
mount -t proc proc "$root/proc"
mount --rbind --make-rslave /dev "$root/dev"
cp "$deb" "$root/root/clearcut.deb"
cp "$scripts/../samples/mascot.mp4" "$root/root/"
inside() { chroot "$root" env LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }

echo "install"
inside apt-get -qq update
inside apt-get -qq install -y --no-install-recommends /root/clearcut.deb >/dev/null
inside clearcut --version | grep "${version%-*}" >/dev/null
inside sh -c 'getent passwd clearcut >/dev/null'
inside test -s /usr/share/man/man1/clearcut.1.gz
inside test -s /etc/clearcut/clearcut.toml

echo "cut"
inside clearcut cut /root/mascot.mp4 -o /root/mascot.webm --size 128 --trim ,0.5 --quiet
inside ffprobe -v error -show_entries stream_tags=alpha_mode -of csv=p=0 /root/mascot.webm | grep 1 >/dev/null

# The command line of the unit, as its user.
serve() {
  mkdir -p "$root/var/lib/clearcut"
  inside chown clearcut:clearcut /var/lib/clearcut
  command=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/clearcut.service")
  # shellcheck disable=SC2086 # The words of a command line.
  chroot --userspec=clearcut:clearcut "$root" env HOME=/var/lib/clearcut $command --listen 127.0.0.1:8797 >"$root/root/serve.log" 2>&1 &
  server=$!
  curl -fsS --retry 60 --retry-all-errors --retry-delay 1 -o /dev/null http://127.0.0.1:8797/readyz
}
stop() {
  kill "$server"
  wait "$server" || true
  server=
}

echo "serve, and cut as a job"
serve
key=$(grep -ohE 'hc_[A-Za-z0-9]{32}' "$root/root/serve.log" | head -1)
job=$(curl -fsS -H "Authorization: Bearer $key" -H "Prefer: wait=60" -F "file=@$root/root/mascot.mp4" -F format=webm -F size=64 -F fps=5 \
  http://127.0.0.1:8797/api/v1/jobs/video/remove-background)
grep -q '"completed"' <<<"$job"
id=$(grep -oP '"jobId":"\K[^"]+' <<<"$job" | head -1)
stop

echo "upgrade: data and changed configuration stay"
echo "# changed by the administrator" >> "$root/etc/clearcut/clearcut.toml"
# The same files under a later version.
work=$(mktemp -d)
dpkg-deb -R "$deb" "$work"
sed -i "s/^Version: .*/Version: ${version%-*}+next-1/" "$work/DEBIAN/control"
dpkg-deb --root-owner-group -b "$work" "$root/root/next.deb" >/dev/null
rm -rf "$work"
inside apt-get -qq install -y --no-install-recommends -o Dpkg::Options::=--force-confold /root/next.deb >/dev/null
grep -q "changed by the administrator" "$root/etc/clearcut/clearcut.toml"
serve
curl -fsS -H "Authorization: Bearer $key" "http://127.0.0.1:8797/api/v1/jobs/$id" | grep '"completed"' >/dev/null
stop

echo "remove: data stays"
inside apt-get -qq remove -y clearcut >/dev/null
test ! -e "$root/usr/bin/clearcut"
test -s "$root/var/lib/clearcut/clearcut.db" || [ -n "$(ls -A "$root/var/lib/clearcut")" ]

echo "purge: nothing stays"
inside apt-get -qq purge -y clearcut >/dev/null
test ! -e "$root/var/lib/clearcut"
test ! -e "$root/etc/clearcut/clearcut.toml"
! inside getent passwd clearcut >/dev/null
echo "installed, cut, served, upgraded, removed and purged: $(basename "$deb")"
