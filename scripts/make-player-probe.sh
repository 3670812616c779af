#!/usr/bin/env bash
# Prints the clip that <clearcut-video> finds out with whether a browser shows the alpha of HEVC, as a data URL: one frame of
# 64×64 pixels whose left half is clear. player/src/sources.js holds it as PROBE. scripts/make-player-probe.sh [FFMPEG]
set -euo pipefail
ffmpeg=${1:-${CLEARCUT_MODELS:-out/models}/ffmpeg/ffmpeg}
clip=$(mktemp --suffix .mov)
trap 'rm -f "$clip"' EXIT
python3 -c 'import sys; sys.stdout.buffer.write(bytes([128]) * (64 * 96) + (bytes(32) + bytes([255]) * 32) * 64)' |
  "$ffmpeg" -v error -y -f rawvideo -pixel_format yuva420p -video_size 64x64 -framerate 25 -color_range tv -i pipe:0 \
    -c:v libx265 -pix_fmt yuva420p -preset veryslow -crf 28 -threads 1 \
    -x265-params alpha=1:info=0:log-level=none:pools=1 -color_primaries bt709 -color_trc bt709 -colorspace bt709 \
    -tag:v hvc1 -f mov -movflags +faststart -map_metadata -1 -fflags +bitexact "$clip"
printf 'data:video/quicktime;base64,%s\n' "$(base64 -w0 "$clip")"
