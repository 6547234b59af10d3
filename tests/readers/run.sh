#!/usr/bin/env bash
# Other engines read our tables: see tests/README.md. Arguments go to the program.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec go run ./tests/readers "$@"
