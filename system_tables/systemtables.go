// Package systemtables holds lakegate's system tables: their columns, and how a fact becomes a row.
//
// A feed says which table a fact's row belongs to and appends exactly one row for it. What is not
// known is NULL, never zero and never an empty string; text is always valid UTF-8; map keys are
// unique and sorted, so that one fact always gives the same row. Append is atomic: it checks the
// fact and the builder first, and after an error the builder is as it was.
//
// The columns of Databricks' tables come first in their order, under their names and types; ours
// follow. The tables system.ai_gateway.* and system.billing.* are views over these and have no
// feed.
//
// Schemas are immutable and safe for concurrent use. A feed keeps scratch memory and is for one
// goroutine at a time. The package does no I/O; its fake is an array.RecordBuilder.
package systemtables

import "github.com/lakegate/lakegate/internal/tableschema"

// Config is what every row says about the installation.
type Config struct {
	AccountID   string // account_id, "" for NULL
	WorkspaceID string // workspace_id, "" for NULL
}

// DefaultConfig names the installation so that queries that join on account_id and workspace_id
// find their rows.
func DefaultConfig() Config { return Config{AccountID: "local", WorkspaceID: "0"} }

// Validate reports nothing: every Config is valid.
func (c Config) Validate() error { return nil }

// Tables returns the system tables that have rows of their own.
func Tables() []*tableschema.Table {
	return []*tableschema.Table{endpointUsage, servedEntities, losses, costCorrections, audit, comparisons}
}
