package tablewriter

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/lakegate/lakegate/internal/factlog"
	"github.com/lakegate/lakegate/internal/wal"
)

// maxParked bounds the memory of parked records, in bytes.
const maxParked = 256 << 20

// parked holds the records that a full log refused, oldest first. While there are any, nothing new
// is admitted, so there are at most as many as requests were running.
type parked struct {
	mu      sync.Mutex
	records []parkedRecord
	bytes   int
	count   atomic.Int64 // len(records), for who must not wait
}

type parkedRecord struct {
	kind    factlog.Kind
	payload []byte
	pin     *pin
	admit   wal.Pos
}

// add keeps a copy of the record. It reports whether there was room for it.
func (p *parked) add(kind factlog.Kind, parts [][]byte, pin *pin, admit wal.Pos) bool {
	payload := bytes.Join(parts, nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bytes+len(payload) > maxParked {
		return false
	}
	p.records = append(p.records, parkedRecord{kind, payload, pin, admit})
	p.bytes += len(payload)
	p.count.Add(1)
	return true
}

func (p *parked) any() bool { return p.count.Load() > 0 }

// discard forgets all records and says how many there were.
func (p *parked) discard() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.records)
	p.records, p.bytes = nil, 0
	p.count.Store(0)
	return n
}

// logParked appends the parked records, as many as fit.
func (w *Writer) logParked() {
	p := &w.parked
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.records) > 0 {
		r := p.records[0]
		pos, err := w.log.Append(r.kind, r.payload)
		if err != nil {
			w.logger.Warn("records wait in memory for room in the log", "records", len(p.records), "bytes", p.bytes, "error", err)
			return
		}
		w.pins.close(r.pin, r.admit, pos)
		w.stats.accepted.Add(1)
		p.records, p.bytes = p.records[1:], p.bytes-len(r.payload)
		p.count.Add(-1)
	}
	p.records = nil
}
