#!/usr/bin/env bash
# Official SDKs through a running gateway: see tests/README.md. Arguments go to the program.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec go run ./tests/clients "$@"
