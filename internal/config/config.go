// Package config reads lakegate's YAML file.
//
// Load and Parse either return a Config that is complete and consistent, or Faults: everything
// that is wrong with the file at once, each with its line. Nothing in the file is ignored: a key
// that is not known, or known but not built yet, is a fault. ${NAME} in a value is replaced by
// what the env function says; a {{secrets/scope/key}} reference is replaced from the file's own
// section secrets, or by what a Vault finds. The package itself reads neither environment nor flags.
//
// Secrets are secret.String from the moment they are decoded. Faults quote values as they stand
// in the file, never what a reference stood for, and never the value of a secret key.
//
// The structs are the file's shape; endpoints have the shape of Databricks' serving endpoints.
// A Config does not change after Parse and may be shared. Everything here is safe for concurrent
// use. docs/configuration.md describes each key.
package config

import (
	"time"

	"github.com/lakegate/lakegate/internal/pricing"
	"github.com/lakegate/lakegate/internal/secret"
)

// Config is the whole file, with defaults filled in and references replaced.
type Config struct {
	Listen      string `yaml:"listen"` // host:port
	Data        string `yaml:"data"`   // folder of the log, of what is local, and of the lake where it is no bucket
	AccountID   string `yaml:"account_id"`
	WorkspaceID string `yaml:"workspace_id"`

	Lake        Lake        `yaml:"lake"`
	Log         Log         `yaml:"log"`
	Flush       Flush       `yaml:"flush"`
	Maintenance Maintenance `yaml:"maintenance"`
	Retention   Retention   `yaml:"retention"`
	HTTP        HTTP        `yaml:"http"`
	SQL         SQL         `yaml:"sql"`
	Telemetry   Telemetry   `yaml:"telemetry"`

	// PriceList is what calls are priced by; the built-in list without one. Prices are the
	// installation's own, on top of it.
	PriceList PriceList          `yaml:"price_list,omitempty"`
	Prices    []pricing.Override `yaml:"prices,omitempty"`

	// Secrets says where {{secrets/scope/key}} is found. Parse has resolved every reference.
	Secrets   Secrets    `yaml:"secrets"`
	Keys      []Key      `yaml:"keys"`
	Endpoints []Endpoint `yaml:"endpoints"`

	inline   map[string]map[string]secret.String // what Secrets.Inline was, for ParseEndpoint
	lakeOnly bool                                // from LoadLake
}

// PriceList names a price file. Its hash is checked when it is read, so that no other prices than
// those which were looked at come into force.
type PriceList struct {
	File   string `yaml:"file,omitempty"`   // path
	SHA256 string `yaml:"sha256,omitempty"` // 64 hexadecimal digits
}

// Durability says when an answer may end: after its row reached the operating system, or the
// disk.
type Durability string

// The durabilities.
const (
	Relaxed Durability = "relaxed"
	Strict  Durability = "strict"
)

// Log configures the write-ahead log.
type Log struct {
	Durability   Durability    `yaml:"durability"`    // of endpoints that don't say
	SyncInterval time.Duration `yaml:"sync_interval"` // how long a relaxed row may stay off the disk
	MaxBacklog   Bytes         `yaml:"max_backlog"`   // rows not landed in tables; above it the gateway is not ready
	WhenFull     WhenFull      `yaml:"when_full"`     // of tables whose endpoint doesn't say
}

// Flush says when rows move from the log to the tables: at whichever comes first.
type Flush struct {
	Interval time.Duration `yaml:"interval"`
	Bytes    Bytes         `yaml:"bytes"`
}

// HTTP bounds what a connection may take.
type HTTP struct {
	MaxBody           Bytes         `yaml:"max_body"` // of a request
	ReadHeaderTimeout time.Duration `yaml:"read_header_timeout"`
	ShutdownTimeout   time.Duration `yaml:"shutdown_timeout"` // for calls in flight after SIGTERM
	DrainTimeout      time.Duration `yaml:"drain_timeout"`    // for reading a provider's answer on after the client left
	DrainBytes        Bytes         `yaml:"drain_bytes"`      // the same, in bytes
}

// SQL bounds what a query may take.
type SQL struct {
	Memory             Bytes         `yaml:"memory"` // of one worker
	Timeout            time.Duration `yaml:"timeout"`
	MaxRows            int           `yaml:"max_rows"`
	MaxBytes           Bytes         `yaml:"max_bytes"` // of a result
	Workers            int           `yaml:"workers"`   // processes, and so queries at a time
	AIQueryConcurrency int           `yaml:"ai_query_concurrency"`
}

// Telemetry says which OpenTelemetry collector is told of calls.
type Telemetry struct {
	OTLPEndpoint string                   `yaml:"otlp_endpoint"` // base URL of OTLP over HTTP; "" for none
	Headers      map[string]secret.String `yaml:"headers"`       // of requests to it
	Sample       float64                  `yaml:"sample"`        // share of the calls that get a span, 0 to 1
}

// DefaultConfig returns what holds where the file says nothing.
func DefaultConfig() Config {
	return Config{
		Listen:      "127.0.0.1:8080",
		Data:        "./data",
		AccountID:   "lakegate",
		WorkspaceID: "0",
		Lake:        defaultLake(),
		Log:         Log{Durability: Relaxed, SyncInterval: 10 * time.Millisecond, MaxBacklog: 4 * GiB, WhenFull: Block},
		Flush:       Flush{Interval: 10 * time.Second, Bytes: 64 * MiB},
		Maintenance: defaultMaintenance(),
		HTTP: HTTP{
			MaxBody:           64 * MiB,
			ReadHeaderTimeout: 10 * time.Second,
			ShutdownTimeout:   30 * time.Second,
			DrainTimeout:      60 * time.Second,
			DrainBytes:        64 * MiB,
		},
		SQL: SQL{
			Memory:             1 * GiB,
			Timeout:            30 * time.Second,
			MaxRows:            100_000,
			MaxBytes:           25 * MiB,
			Workers:            2,
			AIQueryConcurrency: 32,
		},
		Telemetry: Telemetry{Sample: 1},
	}
}

// PrincipalKind tells people from programs.
type PrincipalKind string

// The kinds of principal.
const (
	User             PrincipalKind = "user"
	ServicePrincipal PrincipalKind = "service_principal"
)

// Key is an API key.
type Key struct {
	Name string `yaml:"name"`
	// Hash is sha256:<64 hexadecimal digits>. Parse fills it in for a key given as Token.
	Hash string `yaml:"hash"`
	// Token is empty in a parsed Config: only its hash is kept.
	Token     secret.String     `yaml:"token"`
	Principal string            `yaml:"principal"`
	Kind      PrincipalKind     `yaml:"kind"`
	Groups    []string          `yaml:"groups"`
	Endpoints []string          `yaml:"endpoints"` // names, or patterns with *
	Tables    []string          `yaml:"tables"`    // full names, or patterns with *
	Tags      map[string]string `yaml:"tags"`
	Admin     bool              `yaml:"admin"`
}
