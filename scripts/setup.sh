#!/usr/bin/env bash
# Installs what is missing: scripts/setup.sh run|test|validate|inputs. Debian and Ubuntu; elsewhere it says what to install.
set -euo pipefail
wanted=()
need() { # need COMMAND PACKAGE...
  command -v "$1" >/dev/null 2>&1 || wanted+=("${@:2}")
}
need ffmpeg ffmpeg
need bwrap bubblewrap
need curl curl
need cc build-essential
need python3 python3
python3 -m pip --version >/dev/null 2>&1 || wanted+=(python3-pip)
if [ "${1:-run}" = test ]; then
  need chromium chromium
  need node nodejs npm
  python3 -c 'import ensurepip' >/dev/null 2>&1 || wanted+=(python3-venv)
  need unshare util-linux
  ls /usr/lib/postgresql/*/bin/pg_ctl >/dev/null 2>&1 || need pg_ctl postgresql
  PATH=$PATH:/usr/sbin need pgbouncer pgbouncer
fi
if [ "${1:-run}" = inputs ]; then
  need img2webp webp
fi
if [ "${1:-run}" = validate ]; then
  need chromium chromium
  need node nodejs npm
  python3 -c 'import ensurepip' >/dev/null 2>&1 || wanted+=(python3-venv)
  need mediaconch mediaconch
  need mkvmerge mkvtoolnix
  need mediainfo mediainfo
  need webpinfo webp
  need pngcheck pngcheck
  need apngdis apngdis
  need gifsicle gifsicle
fi
[ ${#wanted[@]} -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
  echo "Please install: ${wanted[*]}" >&2
  exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
  sudo=sudo
  # A person is asked first; a machine that runs unattended has said yes by running this.
  if [ -t 0 ]; then
    read -rp "Install ${wanted[*]} with sudo apt-get? [Y/n] " answer
    case $answer in [Nn]*) echo "Please install: ${wanted[*]}" >&2; exit 1 ;; esac
  fi
fi
echo "Installing ${wanted[*]}"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get -qq update
$sudo apt-get -qq install -y --no-install-recommends "${wanted[@]}" >/dev/null
