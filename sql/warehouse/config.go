package warehouse

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Config is a warehouse's limits.
type Config struct {
	// Command starts a worker: the path of a program and its arguments. The program must call
	// worker.Main on its standard input and output.
	Command []string
	// Dirs are the folders with the tables' files. Nothing else can be read. They must be there
	// before New and must not be replaced: the kernel's rules are for the folders, not their names.
	Dirs []string
	// ScratchDir is where the workers' empty working folder is made; "" for the system's.
	ScratchDir string

	Workers      int           // processes, and so queries at a time
	MaxWaiting   int           // queries that may wait for a worker
	Timeout      time.Duration // of a query, and of the wait for a worker
	AITimeout    time.Duration // of a query that calls ai_query
	Grace        time.Duration // between a query's end by its own clock and the kill
	MemoryBytes  int64         // DuckDB's memory limit
	AddressSpace int64         // of a worker process, in bytes; 0 for none
	Threads      int           // of a worker
	RecycleBytes int64         // a worker that holds more after a query is replaced
	RecycleAfter int           // so is one that answered this many queries

	MaxTextBytes int // of a statement
	MaxRows      int // of an answer
	MaxBytes     int // of an answer
	AIWidth      int // ai_query calls in flight, per query
	AICalls      int // distinct ai_query calls of a query

	Catalog, Schema string // for names without them
}

// DefaultConfig returns the limits for a machine with a few cores. Command and Dirs are left to
// the caller.
func DefaultConfig() Config {
	return Config{
		Workers: 2, MaxWaiting: 64, Timeout: 30 * time.Second, AITimeout: 10 * time.Minute, Grace: time.Second,
		MemoryBytes: 1 << 30, AddressSpace: 4 << 30, Threads: 2, RecycleBytes: 1 << 30, RecycleAfter: 1000,
		MaxTextBytes: 64 << 10, MaxRows: 100_000, MaxBytes: 25 << 20, AIWidth: 32, AICalls: 10_000,
		Catalog: "system", Schema: "serving",
	}
}

// Validate reports every fault of the configuration.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(len(c.Command) > 0, "sql: no command to start workers with")
	check(len(c.Dirs) > 0, "sql: no folder to read")
	for _, d := range c.Dirs {
		check(!strings.ContainsAny(d, "*?["), "sql: folder %q has one of * ? [ in its name, which DuckDB takes for a pattern", d)
	}
	check(c.Workers >= 1 && c.Workers <= 256, "sql: workers is %d, want 1 to 256", c.Workers)
	check(c.MaxWaiting >= 1, "sql: max waiting is %d, want at least 1", c.MaxWaiting)
	check(c.Timeout > 0 && c.AITimeout > 0 && c.Grace > 0, "sql: timeouts must be above zero")
	check(c.MemoryBytes >= 64<<20, "sql: memory is %d bytes, want at least 64 MiB", c.MemoryBytes)
	check(c.AddressSpace == 0 || c.AddressSpace >= 3<<30, "sql: address space is %d bytes, want at least 3 GiB: DuckDB does not start with less", c.AddressSpace)
	check(c.Threads >= 1, "sql: threads is %d, want at least 1", c.Threads)
	check(c.RecycleAfter >= 1 && c.RecycleBytes > 0, "sql: recycling limits must be above zero")
	check(c.MaxTextBytes >= 1024 && c.MaxTextBytes <= 64<<10, "sql: max text is %d bytes, want 1 KiB to 64 KiB", c.MaxTextBytes)
	check(c.MaxRows >= 1 && c.MaxBytes >= 1024, "sql: the limits of an answer are too small")
	check(c.AIWidth >= 1 && c.AICalls >= 1, "sql: the limits of ai_query must be at least 1")
	check(c.Catalog != "" && c.Schema != "", "sql: no default catalog or schema")
	return errors.Join(errs...)
}
