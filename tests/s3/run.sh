#!/usr/bin/env bash
# The lake on a real S3 server: see tests/README.md. Arguments go to the program (-h lists them).
set -euo pipefail
cd "$(dirname "$0")/../.."
exec go run ./tests/s3 "$@"
