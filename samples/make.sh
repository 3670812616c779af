#!/usr/bin/env bash
# Makes the sample clips of this folder from the cases of the evaluation kit: samples/make.sh FOLDER-OF-CASES
# Origins and licences are in NOTICE. The frames are copied as they are; the mascot gets a sound track of our own.
set -euo pipefail
cases=${1:?usage: samples/make.sh FOLDER-OF-CASES}
here=$(dirname "$0")
# Four plucked notes a second, so that lost or shifted sound is heard.
notes="0.3*sin(2*PI*(330+110*mod(floor(4*t)\,4))*t)*exp(-9*mod(t\,0.25))"
ffmpeg -v error -y -i "$cases/c01_chicken_magenta/input.mp4" -f lavfi -i "aevalsrc=$notes:s=48000:d=2.2" \
  -map 0:v -map 1:a -c:v copy -c:a aac -b:a 64k -map_metadata -1 -movflags +faststart "$here/mascot.mp4"
cp "$cases/c09_dancer_close_green/input.mp4" "$here/dancer.mp4"
cp "$cases/c07_wheel_studio_green/input.mp4" "$here/wheel.mp4"
cp "$cases/c05_ghost_black/input.mp4" "$here/ghost.mp4"
chmod u+w "$here"/*.mp4
