#!/usr/bin/env bash
# The parts of the console that need no browser, run by Node: each test is bundled by the same esbuild that builds the page.
set -euo pipefail
cd "$(dirname "$0")"
out=../out/unit
mkdir -p "$out"
rm -f "$out"/*
go tool esbuild ./*.test.ts --bundle --platform=node --format=esm --target=node20 --jsx-factory=h --jsx-fragment=Fragment \
  --out-extension:.js=.mjs --outdir="$out" --log-level=warning
MODELS="$PWD/models.json" node --test --test-reporter="${REPORTER:-spec}" "$out"/*.mjs
