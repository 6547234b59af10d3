package tablewriter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/rowtags"
)

// tableRows is what the files of a table say and have, seen from one log.
type tableRows struct {
	withIDs bool
	pending map[inference.ID]bool // rows that should not be there yet

	mine    rowtags.Count // rows that the log landed, those under shared included
	shared  rowtags.Count // rows erased from files that have rows of this log and others: see rowtags.Shared
	unknown rowtags.Count // rows that nobody tagged and whose log cannot be told
	foreign int64         // rows of other logs
	broken  int64         // rows of this log in files that cannot be read

	double    int64  // rows of this log that are there once more
	doubleSum uint64 // of their ids
	twice     int64  // rows that are there once more, this log's or another's
	already   int64  // rows of pending that are there
}

// ofWhom says whose rows a file has.
type ofWhom byte

const (
	ofOthers ofWhom = iota
	mixed
	ofMine
)

// seen is the id of a row in a file.
type seen struct {
	id inference.ID
	of ofWhom
}

// read reads the ids of the table's rows, a partition at a time: copies of a row are in one.
func (v *verifier) read(ctx context.Context, table string, s *delta.Snapshot, rows *tableRows) error {
	schema, err := s.Schema()
	if err != nil {
		v.problem("table %s has columns of unknown types: %v", table, err)
		return nil
	}
	_, _, rows.withIDs = schema.Column(IDColumn)
	byPartition := map[string][]*delta.Add{}
	for a := range s.Files() {
		byPartition[fmt.Sprint(a.PartitionValues)] = append(byPartition[fmt.Sprint(a.PartitionValues)], a)
	}
	logs := rowtags.Logs(s.Txns)
	if !slices.Contains(logs, v.id()) {
		logs = append(logs, v.id())
	}
	for _, files := range byPartition {
		var ids []seen
		for _, a := range files {
			of, counts, tagged := v.whose(a, logs)
			got, n, err := v.file(ctx, table, a, rows.withIDs)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				v.fault(table, a, err)
				rows.broken += counts[v.id()].N
				continue
			}
			counts = v.checkTag(table, a, counts, tagged, countOf(got, n), rows)
			rows.count(v.id(), counts)
			for _, id := range got {
				ids = append(ids, seen{id, of})
			}
		}
		rows.repeated(ids)
	}
	return nil
}

// id is the id of the log that is verified.
func (v *verifier) id() string {
	if v.ledger.Log != "" {
		return v.ledger.Log
	}
	return v.lake.log.ID()
}

// whose says whose rows a file has: by its tag, or by the name that a lakegate which did not tag
// files gave it. counts of the latter has the one log, with no rows.
func (v *verifier) whose(a *delta.Add, logs []string) (of ofWhom, counts rowtags.Counts, tagged bool) {
	counts, tagged = rowtags.Parse(a.Tags)
	if !tagged {
		log := rowtags.LogOf(a.Path, logs)
		if log == "" {
			log = rowtags.Unknown
		}
		counts = rowtags.Counts{log: {N: max(a.Rows, 0)}}
	}
	_, mine := counts[v.id()]
	switch {
	case !mine:
		return ofOthers, counts, tagged
	case len(counts) > 1:
		return mixed, counts, tagged
	default:
		return ofMine, counts, tagged
	}
}

func countOf(ids []inference.ID, rows int64) rowtags.Count {
	c := rowtags.Count{N: rows}
	for _, id := range ids {
		c.Sum += rowtags.IDSum(id)
	}
	return c
}

// checkTag compares what is in a file with what its tag says, and returns what to count for it.
func (v *verifier) checkTag(table string, a *delta.Add, counts rowtags.Counts, tagged bool, has rowtags.Count, rows *tableRows) rowtags.Counts {
	want := counts.Rows()
	if tagged && want.N == has.N && (!rows.withIDs || want.Sum == has.Sum) {
		return counts
	}
	if tagged {
		v.fault(table, a, fmt.Errorf("it has other rows than it was written with: %d instead of %d", has.N, want.N))
	}
	if len(counts) == 1 {
		for log := range counts {
			return rowtags.Counts{log: has}
		}
	}
	rows.broken += max(0, want.N-has.N)
	return counts
}

// count adds the counts of a file.
func (r *tableRows) count(me string, counts rowtags.Counts) {
	_, mine := counts[me]
	for log, n := range counts {
		switch log {
		case me:
			r.mine = r.mine.Plus(n)
		case rowtags.Unknown:
			r.unknown = r.unknown.Plus(n)
		case rowtags.Shared:
			if mine {
				r.shared = r.shared.Plus(n)
			}
		default:
			r.foreign += n.N
		}
	}
}

// repeated counts the ids of one partition that are there more than once. Rows without id are left out.
func (r *tableRows) repeated(ids []seen) {
	slices.SortFunc(ids, func(a, b seen) int { return bytes.Compare(a.id[:], b.id[:]) })
	for i, s := range ids {
		if s.id == (inference.ID{}) {
			continue
		}
		if i > 0 && s.id == ids[i-1].id {
			switch before := ids[i-1].of; {
			case s.of == ofMine && before == ofMine:
				r.double++
				r.doubleSum += rowtags.IDSum(s.id)
			case s.of != ofOthers || before != ofOthers:
				r.twice++
			}
			continue
		}
		if r.pending[s.id] && s.of != ofOthers {
			r.already++
		}
	}
}

// file reads one data file: its ids, if the table has them, and its rows.
func (v *verifier) file(ctx context.Context, table string, a *delta.Add, withIDs bool) (ids []inference.ID, rows int64, err error) {
	key, path, err := v.lake.locator(v.lake.lookup(table)).locate(a.Path)
	if err != nil {
		return nil, 0, err
	}
	f, done, err := v.openFile(ctx, key, path, a.Size)
	if errors.Is(err, objstore.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return nil, 0, errors.New("it is gone")
	}
	if err != nil {
		return nil, 0, err
	}
	defer done()
	if rows, err = datafile.Rows(f); err != nil {
		return nil, 0, err
	}
	if a.Rows >= 0 && rows != a.Rows {
		return nil, 0, fmt.Errorf("it has %d rows and should have %d", rows, a.Rows)
	}
	if !withIDs {
		return nil, rows, nil
	}
	ids = make([]inference.ID, 0, rows)
	err = datafile.ReadStrings(ctx, f, IDColumn, func(s string, null bool) error {
		ids = append(ids, rowtags.ParseID(s, null))
		return nil
	})
	return ids, rows, err
}

// openFile opens a data file of any store; path is that of a store on this machine.
func (v *verifier) openFile(ctx context.Context, key, path string, size int64) (datafile.Source, func(), error) {
	if v.lake.local == nil {
		r, err := objstore.NewReader(ctx, v.lake.store, key, size)
		return r, func() {}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	done := func() { _ = f.Close() } // only read from
	info, err := f.Stat()
	if err == nil && info.Size() != size {
		err = fmt.Errorf("it has %d bytes and should have %d", info.Size(), size)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return f, done, nil
}
