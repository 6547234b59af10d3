package worker

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/sql/protocol"
)

// explain answers EXPLAIN: which files a statement reads of each of its tables, and by what the
// others were left out. The statement does not run.
func (s *session) explain(scans []*scan) (*protocol.Done, error) {
	var b strings.Builder
	b.WriteString("== Files ==")
	for _, sc := range scans {
		fmt.Fprintf(&b, "\n%s%s: reads %d of %d files", sc.table, sc.at.text(), sc.files, sc.files+sc.pruned)
		if len(sc.filter) > 0 {
			b.WriteString("\n  where " + sc.where())
		}
	}
	if len(scans) == 0 {
		b.WriteString("\nnone")
	}
	plan := b.String()
	return s.answerCells(columns("plan STRING"), [][]*string{{&plan}})
}

// where is the filter of a scan, for people.
func (s *scan) where() string {
	terms := make([]string, len(s.filter))
	for i, p := range s.filter {
		terms[i] = p.String()
	}
	return strings.Join(terms, " and ")
}
