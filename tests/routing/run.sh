#!/usr/bin/env bash
# An upstream dies and freezes under load: see tests/README.md. Arguments go to the program (-h lists them).
set -euo pipefail
cd "$(dirname "$0")/../.."
exec go run ./tests/routing "$@"
