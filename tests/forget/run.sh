#!/usr/bin/env bash
# Forget one person in a million rows: see tests/README.md. Arguments go to the program (-h lists them).
set -euo pipefail
cd "$(dirname "$0")/../.."
exec go run ./tests/forget "$@"
