#!/bin/sh
# The polling loop of the published documentation, with only the host changed: BASE, API_KEY and CLIP come from the caller.
set -eu
JOB_ID=$(curl -s -X POST "$BASE/api/v1/jobs/video/remove-background" \
  -H "Authorization: Bearer $API_KEY" \
  -F "file=@$CLIP" \
  -F "format=webm" | sed -n 's/.*"jobId":"\([^"]*\)".*/\1/p')
while true; do
  RESPONSE=$(curl -s "$BASE/api/v1/jobs/$JOB_ID" -H "Authorization: Bearer $API_KEY")
  STATUS=$(echo "$RESPONSE" | sed -n 's/.*"status":"\([^"]*\)".*/\1/p')
  case "$STATUS" in
    completed) break ;;
    failed) echo "$RESPONSE"; exit 1 ;;
  esac
  sleep 1
done
URL=$(echo "$RESPONSE" | sed -n 's/.*"outputUrl":"\([^"]*\)".*/\1/p')
curl -sf "$URL" -o "$OUT"
