#!/usr/bin/env bash
# The console in headless Chromium: see tests/README.md.
#
#   run.sh                                start bin/lakegate demo in a folder of its own, and judge it
#   BASE_URL=... API_KEY=... run.sh       judge a gateway that runs already (SIGN_IN_LINK=... is optional)
#
# LAKEGATE=... judges another binary than bin/lakegate. Screenshots go to tests/browser/out. FAST=1 leaves the screenshots of other sizes and themes out.
set -euo pipefail
cd "$(dirname "$0")"
root=../..

skip() {
  if [ "${CI:-}" = true ]; then
    echo "FAILED browser: cannot run ($1), and under CI=true nothing may be skipped"
    echo "browser: 0 passed, 1 failed"
    exit 1
  fi
  echo "SKIPPED browser: $1"
  echo "browser: 0 passed, 0 failed, 1 SKIPPED"
  exit 0
}

command -v node >/dev/null && command -v npm >/dev/null || skip "node and npm are not installed"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || skip "node is older than 20"

chromium=${CHROMIUM:-}
find_chromium() {
  for c in chromium chromium-browser google-chrome; do
    [ -n "$chromium" ] || chromium=$(command -v "$c" || true)
  done
}
find_chromium
if [ -z "$chromium" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing chromium"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null || true
  find_chromium
fi
[ -n "$chromium" ] || skip "chromium is not installed"

# The lock file says what is installed; a half-made folder has no stamp and is made again.
pins=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat node_modules/.made-from 2>/dev/null || true)" != "$pins" ]; then
  npm ci --no-update-notifier --loglevel=error >/dev/null
  echo "$pins" >node_modules/.made-from
fi

passed=0 failed=0
count() { # count NAME COMMAND...
  local name=$1; shift
  if "$@" >"$log" 2>&1; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $name:"; cat "$log"; fi
}

work=$(mktemp -d)
log=$work/step.log
demo=
finish() {
  if [ -n "$demo" ]; then kill "$demo" 2>/dev/null || true; wait "$demo" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT

rm -rf out && mkdir -p out
count "types of the console's sources" node node_modules/typescript/bin/tsc -p .
REPORTER=dot count "unit tests of the console" unit/run.sh

if [ -z "${BASE_URL:-}" ]; then
  lakegate=${LAKEGATE:-$root/bin/lakegate}
  [ -x "$lakegate" ] || { echo "$lakegate is not there (make build makes it)"; exit 1; }
  "$lakegate" demo --data "$work/data" --listen 127.0.0.1:0 >"$work/demo.log" 2>&1 &
  demo=$!
  until grep -qs '#sign-in=' "$work/demo.log"; do
    kill -0 "$demo" 2>/dev/null || { echo "the demo ended early:"; cat "$work/demo.log"; exit 1; }
    sleep 0.2
  done
  SIGN_IN_LINK=$(grep -o 'http[^ ]*#sign-in=[A-Za-z0-9_-]*' "$work/demo.log" | head -n1)
  BASE_URL=${SIGN_IN_LINK%%/ui/*}
  API_KEY=$(grep -o 'LAKEGATE_API_KEY=[^ ]*' "$work/demo.log" | head -n1 | cut -d= -f2)
fi

BASE_URL=$BASE_URL API_KEY=${API_KEY:-} SIGN_IN_LINK=${SIGN_IN_LINK:-} CHROMIUM=$chromium \
  PASSED=$passed FAILED=$failed node suite.mjs
