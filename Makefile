# lakegate: `make` shows what there is. Everything but the suites marked with a star needs only
# Go and a C compiler.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
BIN     := bin/lakegate
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
DATA    ?= data/demo
CONFIG  ?= lakegate.yaml

FUZZ_IN   ?= .
FUZZ_TIME ?= 5s

# What suites take as arguments, such as make test-outage ARGS="-for 1m".
ARGS    ?=

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

build: ## build bin/lakegate and bin/fakellm
	@mkdir -p bin
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/lakegate ./cmd/fakellm

demo: build ## the main job on your machine: gateway, scripted provider, traffic, report, dashboard
	$(BIN) demo --data $(DATA)

run: build ## serve CONFIG (lakegate.yaml)
	$(BIN) serve --config $(CONFIG)

test: ## the Go suite
	$(GO) test ./...

check: ## formatting, vet, staticcheck, imports, generated files; changes nothing
	@unformatted=$$($(GO) tool gofumpt -l cmd dashboards inference_tables internal serving sql system_tables tests); \
	  if [ -n "$$unformatted" ]; then echo "not gofumpt-formatted (make fmt):"; echo "$$unformatted"; exit 1; fi
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test ./internal/archtest

fmt: ## format the Go code
	$(GO) tool gofumpt -w cmd dashboards inference_tables internal serving sql system_tables tests

generate: ## rebuild generated files (the console's bundle)
	$(GO) generate ./...

bench: build ## speed beside a bare reverse proxy and nginx, in one run (about 4 minutes)
	$(GO) run ./cmd/bench

bench-quick: build ## the same in under a minute, noisier
	$(GO) run ./cmd/bench -quick

bench-lake: build ## the lake: rows/s, bytes and dollars per row, commits/s, 20M rows before and after compaction, recovery (about 8 minutes, 6 GB of disk)
	$(GO) run ./cmd/bench-lake $(ARGS)

bench-lake-quick: build ## the same with 2M rows in about two minutes, noisier
	$(GO) run ./cmd/bench-lake -quick $(ARGS)

bench-routing: build ## what strategies, racing and hedging do to latency and cost beside the plain split, on scripted latencies (about a minute)
	$(GO) run ./cmd/bench-routing $(ARGS)

fuzz: ## every fuzz test below FUZZ_IN (.) for FUZZ_TIME (5s) each
	@grep -rn --include='*_test.go' '^func Fuzz' $(FUZZ_IN) | sed -E 's|^(\./)?(.*)/[^/]+:[0-9]+:func (Fuzz[A-Za-z0-9]+).*|\2 \3|' | sort | while read -r pkg name; do \
	  echo "$$pkg $$name"; $(GO) test "./$$pkg" -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZ_TIME) >"$${TMPDIR:-/tmp}/fuzz.$$$$" 2>&1 || { cat "$${TMPDIR:-/tmp}/fuzz.$$$$"; exit 1; }; \
	  rm -f "$${TMPDIR:-/tmp}/fuzz.$$$$"; done

test-race: ## the Go suite under the race detector
	$(GO) test -race ./...

chaos: ## an hour of seeded chaos: gateways, disks and store that fail, compared with a model
	$(GO) test ./tests/chaos -run TestChaos -count=1 -v -timeout 2h -for 1h -steps 5000

test-clients: build ## * official SDKs of six vendors through a running gateway, on providers of every format
	tests/clients/run.sh

test-crash: build ## kill -9 twenty times under load; accepted equals landed each time
	tests/crash/run.sh

test-s3: build ## the lake on a real S3 server, built on the first run: conformance, four writers at once, crashes
	tests/s3/run.sh $(ARGS)

test-gateways: build ## three gateways on one lake: changes live on all within 5 s, conflicts, secrets, kill -9 during writes (ARGS=-s3: on a real S3 server, which is killed too)
	tests/gateways/run.sh $(ARGS)

test-routing: build ## providers die and freeze under 200 requests/s with another to fall back to: no error that need not be, circuits, rows
	tests/routing/run.sh $(ARGS)

test-forget: ## one of a hundred people is forgotten in a million rows, under traffic; prints the proof and the time
	tests/forget/run.sh $(ARGS)

test-outage: build ## the store is away for ten minutes under load: nothing lost; memory, log, latencies printed
	tests/outage/run.sh $(ARGS)

test-readers: build ## * delta-rs, Polars and Spark read our tables and write to them (about 6 minutes)
	tests/readers/run.sh $(ARGS)

test-docs: ## every command, request, query and file of README, docs/ and --help, as they stand, on a running gateway
	$(GO) test -count=1 ./cmd/lakegate -run 'Page|Block|YAML|Help'

test-prices: ## real answers priced with an imported list, compared with what the list's own project makes of them
	go test -count=1 -v ./tests/prices

test-browser: build ## * headless Chromium opens the bundled dashboard over demo data
	tests/browser/run.sh

clean: ## remove what was built and the demo's data
	rm -rf bin out $(DATA)

.PHONY: chaos help build demo run test check fmt generate bench bench-quick bench-lake bench-lake-quick bench-routing test-race test-clients test-crash test-s3 test-outage test-gateways test-routing test-forget test-readers test-docs test-prices test-browser clean
