#!/usr/bin/env bash
# Makes the images in docs/pictures from the sample clips: each clip before, and after over a checkerboard, black and white.
set -euo pipefail
out=docs/pictures work=out/gallery
mkdir -p "$out" "$work"
board="geq=lum='if(mod(floor(X/16)+floor(Y/16)\\,2)\\,100\\,200)':cb=128:cr=128"

# over FILE FRAME BACKDROP OUT: one frame of a transparent file over a backdrop.
over() {
  local decoder=() size backdrop="color=$3"
  case $1 in *.webm) decoder=(-c:v libvpx-vp9) ;; esac
  size=$(ffprobe -v error -select_streams v:0 -show_entries stream=width,height -of csv=p=0:s=x "$1")
  [ "$3" = board ] && backdrop="color=gray:s=$size:d=1:r=1,format=yuv444p,$board" || backdrop="$backdrop:s=$size:d=1:r=1"
  ffmpeg -v error -y -f lavfi -i "$backdrop" "${decoder[@]}" -i "$1" -filter_complex \
    "[0]format=rgba[b];[1]select=eq(n\\,$2),setpts=0,format=rgba[f];[b][f]overlay=format=rgb" -frames:v 1 "$4"
}

for clip in mascot dancer wheel ghost; do
  frame=30
  target/release/clearcut cut samples/$clip.mp4 -o "$work" -f webm,stacked-alpha,webp,apng,mov --force --quiet
  ffmpeg -v error -y -i samples/$clip.mp4 -vf "select=eq(n\\,$frame)" -frames:v 1 "$work/before.png"
  for backdrop in board black white; do over "$work/$clip-cut.webm" $frame $backdrop "$work/$backdrop.png"; done
  ffmpeg -v error -y -i "$work/before.png" -i "$work/board.png" -i "$work/black.png" -i "$work/white.png" \
    -filter_complex "[0][1][2][3]hstack=4,scale=1440:-2:flags=lanczos" -frames:v 1 "$out/$clip.png"
  for format in webm apng mov; do over "$work/$clip-cut.$format" $frame board "$work/$format.png"; done
  ffmpeg -v error -y -i "$work/$clip-cut.mp4" -vf "select=eq(n\\,$frame)" -frames:v 1 "$work/stacked.png"
  ffmpeg -v error -y -i "$work/webm.png" -i "$work/apng.png" -i "$work/mov.png" -i "$work/stacked.png" \
    -filter_complex "[0]scale=-2:320[a];[1]scale=-2:320[b];[2]scale=-2:320[c];[3]scale=-2:320[d];[a][b][c][d]hstack=4" \
    -frames:v 1 "$work/$clip-formats.png"
done
echo "Images: $out; each format: $work/*-formats.png"
