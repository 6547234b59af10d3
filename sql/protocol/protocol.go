// Package protocol is what the SQL warehouse and its worker processes say to each other over a
// pair of pipes: length-prefixed JSON messages, one query at a time.
//
//	parent                          worker
//	Init                    ->
//	                        <-      Ready
//	Query                   ->
//	                        <-      Need      (columns of tables, then files; each at most once)
//	Tables | Failure        ->
//	                        <-      Ask       (any number, at any time until the end)
//	Answer                  ->
//	                        <-      Columns, Rows…, Done | Failure
//
// Neither side trusts the other's sizes: a frame above MaxFrame is an error, and after any error
// the parent kills the worker. A Conn's Send may be called concurrently; Receive may not.
package protocol

import (
	"encoding/json"
	"time"

	"github.com/lakegate/lakegate/internal/prune"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// Message is one frame. Exactly one field is set.
type Message struct {
	Init    *Init    `json:",omitempty"`
	Ready   *Ready   `json:",omitempty"`
	Query   *Query   `json:",omitempty"`
	Need    *Need    `json:",omitempty"`
	Tables  *Tables  `json:",omitempty"`
	Ask     *Ask     `json:",omitempty"`
	Answer  *Answer  `json:",omitempty"`
	Columns *Columns `json:",omitempty"`
	Rows    *Rows    `json:",omitempty"`
	Done    *Done    `json:",omitempty"`
	Failure *Failure `json:",omitempty"`
}

// Init is the worker's configuration.
type Init struct {
	Dirs         []string // folders whose files queries may read
	MemoryBytes  int64    // DuckDB's own limit
	AddressSpace int64    // limit of the process, in bytes; 0 for none
	Threads      int
}

// Ready says that the worker waits for queries, and how tightly it is shut in.
type Ready struct {
	Engine   string // DuckDB's version
	Landlock bool   // the kernel keeps it from opening files outside Dirs
	Seccomp  bool   // the kernel keeps it from writing files, opening sockets and starting programs
	Notes    []string
}

// Param is a value for a :name marker. Type is a Databricks type name, STRING when empty. A nil
// Value is NULL. When Multi is set the parameter is the array Values.
type Param struct {
	Name   string
	Type   string   `json:",omitempty"`
	Value  *string  `json:",omitempty"`
	Multi  bool     `json:",omitempty"`
	Values []string `json:",omitempty"`
}

// Query is one statement and its bounds.
type Query struct {
	SQL             string
	Params          []Param
	Catalog, Schema string   // defaults for names of one or two parts
	Readable        []string // full names of the tables and views the caller may read
	User            string   // current_user()
	Groups          []string
	RowLimit        int
	ByteLimit       int
	TimeoutMillis   int64
	AITimeoutMillis int64 // of a query that asks models
	AICalls         int   // bound on distinct ai_query calls, 0 when there is no model to ask
	AIWidth         int   // calls in flight
}

// Need asks for what a query reads. The columns come first, so that the query can be planned before
// its files are asked for; both may be in one message. AI says that models will be asked, which
// takes longer.
type Need struct {
	Shapes  []string `json:",omitempty"` // full names of tables whose columns are wanted
	All     bool     `json:",omitempty"` // the columns of every readable table and view, for DESCRIBE and information_schema
	Scans   []Scan   `json:",omitempty"` // tables whose files are wanted, all at one moment
	History *History `json:",omitempty"`
	Detail  string   `json:",omitempty"` // full name of a table to describe
	AI      bool     `json:",omitempty"`
}

// Scan is a table as one place of a query reads it: the rows that Filter lets through, now or as of
// a version or a time.
type Scan struct {
	Name      string
	Filter    prune.Filter `json:",omitempty"`
	Version   *int64       `json:",omitempty"`
	Timestamp *time.Time   `json:",omitempty"`
	Corrected bool         `json:",omitempty"` // of Ledger: with Corrections' files
}

// The ledger, and the table of differences to its costs. A query that reads costs of the first gets
// them with those of the second added up, but for one that asks for a version of the ledger.
const (
	Ledger      = "system.serving.endpoint_usage"
	Corrections = "system.serving.cost_corrections"
)

// History asks for the newest commits of a table, Limit of them, all for 0.
type History struct {
	Name  string
	Limit int
}

// Tables answers Need.
type Tables struct {
	Shapes  []Table  `json:",omitempty"` // answers Shapes and All
	Scans   []Table  `json:",omitempty"` // parallel to Need.Scans: one consistent snapshot
	Commits []Commit `json:",omitempty"` // answers History
	Detail  *Detail  `json:",omitempty"`
}

// Commit is a version of a table.
type Commit struct {
	Version             int64
	Timestamp           time.Time
	Operation           string
	Parameters, Metrics map[string]string
	Engine              string
	UserMetadata        string
	ReadVersion         *int64 // nil when it is not known
	IsBlindAppend       bool
}

// Detail is a table as it is stored.
type Detail struct {
	ID                string
	Description       string
	Location          string // below the lake's root
	Created, Modified time.Time
	PartitionColumns  []string
	Files             int64
	Bytes             int64
	Properties        map[string]string
	Reader, Writer    int // the protocol's versions
}

// Table is a table's shape, and its files when they were asked for.
type Table struct {
	Schema *tableschema.Table
	Files  []File `json:",omitempty"`
	Pruned int    `json:",omitempty"` // files that were left out, because the filter matches none of their rows
	View   bool   `json:",omitempty"` // answers All: a view, without files
	// Corrections answers Scan.Corrected; nil when there are none.
	Corrections *Table `json:",omitempty"`
}

// File is one Parquet file of a table.
type File struct {
	Path      string
	Partition *string // value of the partition column, nil for NULL
}

// Ask is one model call on behalf of the person who runs the query.
type Ask struct {
	ID       uint64
	Endpoint string
	Prompt   string
	Params   json.RawMessage `json:",omitempty"` // model parameters and response format, an object
}

// Answer answers the Ask of the same ID; Error is text for the caller.
type Answer struct {
	ID    uint64
	Text  string
	Error string `json:",omitempty"`
}

// Column is a column of the result in Databricks' words.
type Column struct {
	Name     string
	TypeName string // LONG, STRING, …
	TypeText string // BIGINT, MAP<STRING,STRING>, …
}

// Columns comes before the first row.
type Columns struct{ Columns []Column }

// Rows is a batch of rows; a nil cell is NULL.
type Rows struct{ Rows [][]*string }

// Done ends a query that succeeded.
type Done struct {
	Rows       int64
	Truncated  bool // a limit cut the result short
	AICalls    int64
	RewriteMic int64 // microseconds spent before the query ran, for diagnosis
}

// Class says what kind of failure it was.
type Class string

// The classes of failure.
const (
	Syntax      Class = "syntax"      // the text does not parse
	Refused     Class = "refused"     // it parses, and is not allowed: statement, function, setting
	NotFound    Class = "not_found"   // a table that is not there or not readable
	Unsupported Class = "unsupported" // Databricks has it, lakegate does not yet
	Invalid     Class = "invalid"     // names or types do not fit, a value cannot be converted
	TooLarge    Class = "too_large"   // text, tree or constant above its bound
	Memory      Class = "memory"      // the query needs more memory than allowed
	Timeout     Class = "timeout"     // the query took too long
	Cancelled   Class = "cancelled"   // the caller went away
	Model       Class = "model"       // a model call failed
	Busy        Class = "busy"        // no worker came free in time
	Internal    Class = "internal"    // a fault of ours
)

// Failure ends a query, or answers Need when the snapshot could not be taken. Message is text
// for the caller.
type Failure struct {
	Class   Class
	Message string
	// Unreadable says that a data file could not be read. The copy on this machine may be damaged:
	// the query may be run again after it was repaired.
	Unreadable bool `json:",omitempty"`
	Line       int  `json:",omitempty"` // place of a syntax error in the caller's text, from 1
	Column     int  `json:",omitempty"`
}

// Error implements error.
func (f *Failure) Error() string { return f.Message }
