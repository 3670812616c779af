#!/usr/bin/env bash
# Makes docs/pictures/hero.webp, the first picture of README.md: scripts/hero.sh. The sample clip with the ghost, and its cut over a page.
set -euo pipefail
work=out/hero
mkdir -p "$work"
chromium --headless --no-sandbox --hide-scrollbars --window-size=800,400 --screenshot="$work/page.png" scripts/hero.html 2>/dev/null
"${CLEARCUT_BIN:-target/release/clearcut}" cut samples/ghost.mp4 -o "$work" -f mov --fps 12 --force --quiet
ffmpeg -v error -y -loop 1 -framerate 12 -i "$work/page.png" -i samples/ghost.mp4 -i "$work/ghost-cut.mov" -filter_complex \
  "[1]fps=12,scale=288:288:flags=lanczos[clip];[2]format=rgba,scale=380:380:flags=lanczos[cut];[0][clip]overlay=32:56[page];[page][cut]overlay=420:10:shortest=1" \
  -c:v libwebp_anim -quality 70 -loop 0 docs/pictures/hero.webp
