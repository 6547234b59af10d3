package tablewriter

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/wal"
)

// Report says whether the tables have what the log promised. Counts are rows, over all tables.
type Report struct {
	Accepted   int64 // promised
	Landed     int64 // in data files that can be read
	Erased     int64 // deleted on purpose: retention, forget, a table restored to an older version
	Pending    int64 // still in the log; the next start lands them
	Losses     int64 // promised, but counted as lost when they were to be made
	Lost       int64 // promised and nowhere
	Unproved   int64 // promised, and another engine changed the table so that it cannot be told
	Duplicates int64 // there once too often
	Foreign    int64 // of other gateways and writers: compared with nothing

	Files           []FileFault // data files that are gone or not as the Delta log says
	MissingSegments []uint64    // log segments that are gone; nobody knows how many rows they had
	Problems        []string    // everything that is wrong, a sentence each
	Notes           []string    // what is worth knowing and not wrong
	Tables          []TableReport
}

// OK reports whether nothing is wrong. Losses are known and do not count; Pending is not wrong either.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// TableReport is the report of one table.
type TableReport struct {
	Table      string
	Version    int64 // of the Delta table; -1 when it cannot be read
	Files      int
	Accepted   int64
	Landed     int64
	Erased     int64
	Shared     int64 // of Landed up to so many are erased: they were in files of several gateways
	Pending    int64
	Losses     int64
	Lost       int64
	Unproved   int64
	Duplicates int64
	Foreign    int64
	LossIDs    []inference.ID // of the losses, as far as they were kept
}

// FileFault is a data file that is not as the Delta log says.
type FileFault struct {
	Table  string
	Path   string // relative to the table
	Rows   int64  // that it should have, -1 when that is not known
	Reason string
}

// Verify compares what the log of a stopped gateway promised, by its ledger and the records that are
// still there, with what the tables have and what was erased from them on purpose:
//
//	accepted = landed + erased + pending + losses   (+ lost, + unproved: these are problems)
//
// Which rows are this log's is on the files (package rowtags), through compaction and erasure, however
// many gateways write to the tables. It reads the id of every row. Feeds must be those of the gateway. What is wrong with the data is in the Report; an error says that it could not be found
// out. ErrLocked when a gateway has the folder open.
func Verify(ctx context.Context, cfg Config, feeds []Feed, logger *slog.Logger) (*Report, error) {
	r, err := OpenReader(ctx, cfg, feeds, logger)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	ledger, err := readLedger(cfg.fs(), cfg.logDir())
	if err != nil {
		return nil, err
	}
	v := &verifier{lake: r.lake, ledger: ledger, report: &Report{}, promised: map[string]*promise{}}
	v.checkLog(r.log, r.found)
	if err := v.count(ctx); err != nil {
		return nil, err
	}
	for _, name := range v.names() {
		if err := v.table(ctx, name); err != nil {
			return nil, err
		}
	}
	return v.report, nil
}

// verifier is one run of Verify.
type verifier struct {
	lake     *lake
	ledger   *ledger
	report   *Report
	promised map[string]*promise
}

// promise is the rows that one table should have.
type promise struct {
	ledgerTable                // of the ledger and of what the log has behind it
	pending     []inference.ID // rows among them that the table does not have yet
}

func (v *verifier) problem(format string, args ...any) {
	v.report.Problems = append(v.report.Problems, fmt.Sprintf(format, args...))
}

func (v *verifier) note(format string, args ...any) {
	v.report.Notes = append(v.report.Notes, fmt.Sprintf(format, args...))
}

// checkLog looks for parts of the log that are gone.
func (v *verifier) checkLog(log *stoppedLog, found *wal.Recovery) {
	if v.ledger.Log != "" && log.view != nil && v.ledger.Log != log.ID() {
		v.problem("the ledger is of log %s and the segments beside it are of log %s", v.ledger.Log, log.ID())
	}
	l := *v.ledger
	l.lacks(missingSegments(v.ledger, found)...)
	v.report.MissingSegments = l.Missing
	l.lacksRecords(missingRecords(v.ledger, found)...)
	for _, h := range l.Holes {
		v.note("the log lost %s: power was cut before they were on disk, or they were damaged and given up", wal.Hole{Epoch: h.Epoch, First: h.First, Last: h.Last, Open: h.Open})
	}
	for _, s := range l.Missing {
		v.problem("log segment %d is gone; the rows it had are lost and not in the numbers", s)
	}
}

func (v *verifier) promise(table string) *promise {
	p := v.promised[table]
	if p == nil {
		p = &promise{ledgerTable: v.ledger.Tables[table]}
		v.promised[table] = p
	}
	return p
}

// count adds the rows that are in the log and not in the ledger to what is promised.
func (v *verifier) count(ctx context.Context) error {
	for name := range v.ledger.Tables {
		v.promise(name)
	}
	g := v.lake.gatherer(true)
	defer g.close()
	take := func(f loggedFact) error {
		for _, feed := range v.lake.feeds.list {
			schema := v.lake.feeds.table(feed, f.Fact)
			if schema == nil {
				continue
			}
			p, c := v.promise(schema.Name.String()), &count{}
			c.row(idOf(f.Fact))
			if f.pos.Segment > v.lake.table(schema.Name).floor {
				p.pending = append(p.pending, idOf(f.Fact))
			} else if g.try(schema, feed, f) != nil {
				c.lose(f)
			}
			p.ledgerTable = p.plus(c)
		}
		return ctx.Err()
	}
	r := newFactReader(v.lake.log)
	defer r.close()
	for f, err := range r.rows(wal.Pos{Segment: v.ledger.Through + 1}, v.lake.log.End()) {
		if err == nil {
			err = take(f)
		}
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
	}
	for _, rec := range v.lake.crashed {
		if err := take(loggedFact{Fact: inference.Fact{Record: rec}, pos: v.lake.log.End()}); err != nil {
			return err
		}
	}
	return nil
}

// names returns every table that there is or should be.
func (v *verifier) names() []string {
	var names []string
	for _, t := range v.lake.all() {
		names = append(names, t.name.String())
	}
	for name := range v.promised {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
