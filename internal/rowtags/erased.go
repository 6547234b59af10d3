package rowtags

import (
	"maps"
	"slices"
	"strings"
)

const (
	erasedPrefix = "lakegate.erased/"
	rowsSuffix   = "/rows"
	sumSuffix    = "/sum"
	// sumMask cuts sums to the 63 bits that a transaction's version has.
	sumMask = 1<<63 - 1
)

// Txn is a transaction to put in the commit that erases rows.
type Txn struct {
	AppID   string
	Version int64
	// After is the version that the table must have of it, 0 for none, so that two erasures at the
	// same time do not overwrite each other's count.
	After int64
}

// ErasedTxns returns the table's running counts of erased rows after erased is added to them, of a
// table whose transactions are prev. Rows that come back (a restored version) are erased with
// negative numbers: Counts{}.Sub.
func ErasedTxns(prev map[string]int64, erased Counts) []Txn {
	var txns []Txn
	add := func(app string, next func(int64) int64) {
		txns = append(txns, Txn{AppID: app, Version: next(prev[app]), After: prev[app]})
	}
	for _, log := range slices.Sorted(maps.Keys(erased)) {
		n := erased[log]
		if n == (Count{}) {
			continue
		}
		add(erasedPrefix+log+rowsSuffix, func(v int64) int64 { return v + n.N })
		add(erasedPrefix+log+sumSuffix, func(v int64) int64 { return int64((uint64(v) + n.Sum) & sumMask) })
	}
	return txns
}

// Erased returns what a table's transactions say was erased, by log. Of the sums the highest bit is
// not known: compare them with SumsEqual.
func Erased(txns map[string]int64) Counts {
	c := Counts{}
	for app, v := range txns {
		rest, ok := strings.CutPrefix(app, erasedPrefix)
		if !ok {
			continue
		}
		if log, ok := strings.CutSuffix(rest, rowsSuffix); ok {
			c[log] = Count{v, c[log].Sum}
		} else if log, ok := strings.CutSuffix(rest, sumSuffix); ok {
			c[log] = Count{c[log].N, uint64(v)}
		}
	}
	return c
}

// SumsEqual compares sums of which one came through a transaction.
func SumsEqual(a, b uint64) bool { return (a-b)&sumMask == 0 }

// Logs returns the ids of the logs that have landed rows in a table, by its transactions: every
// application with a UUID for a name. They are sorted.
func Logs(txns map[string]int64) []string {
	var logs []string
	for app := range txns {
		if len(app) == 36 && strings.Count(app, "-") == 4 {
			logs = append(logs, app)
		}
	}
	slices.Sort(logs)
	return logs
}

// LogOf returns which of the logs wrote a data file, by the mark in its name; "" when none did or
// several could have. It is for files of a lakegate that did not tag them yet.
func LogOf(path string, logs []string) string {
	found := ""
	for _, log := range logs {
		id := strings.ReplaceAll(log, "-", "")
		if len(id) < 8 || !strings.Contains(path, "-"+id[:8]+"-") {
			continue
		}
		if found != "" {
			return ""
		}
		found = log
	}
	return found
}
