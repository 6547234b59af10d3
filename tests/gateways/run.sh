#!/usr/bin/env bash
# Three gateways on one lake: see tests/README.md. Arguments go to the program (-h lists them).
set -euo pipefail
cd "$(dirname "$0")/../.."
exec go run ./tests/gateways "$@"
