package chaos

import (
	"fmt"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tablewriter"
)

// fate is what the model knows of a fact's row.
type fate int

const (
	must fate = iota // exactly one row
	may              // one or none: nobody was told, or a power cut took it
	gone             // none: erased, or dropped
)

// fact is one request as its client knows it.
type fact struct {
	n       int
	rec     *inference.Record
	gateway int
	ticket  tablewriter.Ticket
	open    bool // admitted, not finished
	payload bool
	fate    fate
	ok      bool // an outcome was acknowledged, so the row is not a crashed one
	synced  bool // what was acknowledged is on disk
	okSync  bool // the outcome is
	parked  bool // the outcome is in memory
	limbo   bool // admitted, and the outcome could not be logged: a crashed row after the next start
}

func (f *fact) id() string  { return f.rec.ID.String() }
func (f *fact) who() string { return f.rec.Principal.Name }
func (f *fact) String() string {
	return fmt.Sprintf("request %d (%s) of gateway %d: open %v, outcome %v, synced %v/%v, fate %d", f.n, f.id(), f.gateway, f.open, f.ok, f.synced, f.okSync, f.fate)
}

func (f *fact) day() time.Time { return f.rec.Time.Truncate(24 * time.Hour) }

// model is what should be.
type model struct {
	facts   []*fact
	byID    map[string]*fact
	foreign map[string]bool // rows of another engine in the usage table
}

func newModel() model { return model{byID: map[string]*fact{}, foreign: map[string]bool{}} }

func (m *model) add(f *fact) {
	m.facts = append(m.facts, f)
	m.byID[f.id()] = f
}

// of yields the facts of a gateway.
func (m *model) of(gateway int, do func(*fact)) {
	for _, f := range m.facts {
		if f.gateway == gateway {
			do(f)
		}
	}
}

// erased notes that rows of ended requests went on purpose, or maybe went.
func (m *model) erased(which func(*fact) bool, certain bool) (n int) {
	for _, f := range m.facts {
		if f.open || f.limbo || f.fate == gone || !which(f) {
			continue
		}
		n++
		f.fate = may
		if certain {
			f.fate = gone
		}
	}
	return n
}
