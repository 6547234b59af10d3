package tablewriter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/lakegate/lakegate/internal/disk"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/rowtags"
	"github.com/lakegate/lakegate/internal/wal"
)

// ledger is what the log promised since it was made, for the segments up to Through. It outlives the
// segments, so that the tables can be compared with it. docs/format/ledger.md describes the file.
type ledger struct {
	Format  int                    `json:"format"`
	Log     string                 `json:"log"`               // the log's id
	Through uint64                 `json:"through"`           // segments up to this one are counted, and their rows landed
	Dropped uint64                 `json:"dropped,omitempty"` // segments up to this one are deleted, or about to be
	Missing []uint64               `json:"missing_segments,omitempty"`
	Holes   []hole                 `json:"holes,omitempty"` // records that a power cut took, or a repair
	Tables  map[string]ledgerTable `json:"tables"`
}

// ledgerTable counts the rows promised to one table. Sums are over rowtags.IDSum of the rows' ids.
type ledgerTable struct {
	Rows    int64          `json:"rows"`
	Sum     uint64         `json:"id_sum,string"`
	Lost    int64          `json:"lost_rows,omitempty"` // rows among them that no feed could build
	LostSum uint64         `json:"lost_id_sum,string,omitempty"`
	LostIDs []inference.ID `json:"lost_ids,omitempty"` // the first maxLostIDs of them
}

// hole is records that the log has lost, as a wal.Hole says it.
type hole struct {
	Epoch uint64 `json:"epoch"`
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	Open  bool   `json:"open,omitempty"` // there may have been more
}

const (
	ledgerFormat = 1
	maxLostIDs   = 1000
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func ledgerPath(logDir string) string { return filepath.Join(logDir, "ledger") }

// readLedger reads the ledger; an empty one when there is none yet.
func readLedger(fs disk.FS, logDir string) (*ledger, error) {
	path := ledgerPath(logDir)
	b, err := disk.ReadFile(fs, path)
	if errors.Is(err, os.ErrNotExist) {
		return &ledger{Format: ledgerFormat, Tables: map[string]ledgerTable{}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	damage := func(reason string) error {
		return &wal.DamageError{Path: path, Reason: reason, Hint: "restore the file from a copy; without it rows that were landed before cannot be proved complete"}
	}
	text, sum, ok := bytes.Cut(b, []byte("\n"))
	var want uint32
	if _, err := fmt.Sscanf(string(sum), "crc32c %x\n", &want); !ok || err != nil {
		return nil, damage("no checksum")
	}
	if crc32.Checksum(text, castagnoli) != want {
		return nil, damage("the checksum does not match")
	}
	l := &ledger{}
	if err := json.Unmarshal(text, l); err != nil {
		return nil, damage(err.Error())
	}
	if l.Format != ledgerFormat {
		return nil, fmt.Errorf("ledger %s has format %d and this program knows %d: use the newer lakegate that wrote it", path, l.Format, ledgerFormat)
	}
	if l.Tables == nil {
		l.Tables = map[string]ledgerTable{}
	}
	return l, nil
}

// write puts the ledger on disk, whole or not at all.
func (l *ledger) write(fs disk.FS, logDir string) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	b := fmt.Appendf(nil, "%s\ncrc32c %08x\n", text, crc32.Checksum(text, castagnoli))
	if err := disk.WriteFile(fs, ledgerPath(logDir), b); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

// counted returns the ledger with the tallies of segments added that end with through. The old one
// is not changed.
func (l *ledger) counted(through uint64, tallies ...tally) *ledger {
	n := *l
	n.Through = through
	n.Tables = maps.Clone(l.Tables)
	for _, t := range tallies {
		for name, c := range t {
			n.Tables[name] = n.Tables[name].plus(c)
		}
	}
	return &n
}

func (t ledgerTable) plus(c *count) ledgerTable {
	t.Rows += c.rows
	t.Sum += c.sum
	t.Lost += int64(len(c.lost))
	t.LostIDs = slices.Clone(t.LostIDs)
	for _, id := range c.lost {
		t.LostSum += rowtags.IDSum(id)
		if len(t.LostIDs) < maxLostIDs && id != (inference.ID{}) {
			t.LostIDs = append(t.LostIDs, id)
		}
	}
	return t
}

// lacks adds segments that are gone for good, and reports whether one was new.
func (l *ledger) lacks(segments ...uint64) (added bool) {
	for _, s := range segments {
		if !slices.Contains(l.Missing, s) {
			l.Missing = append(l.Missing, s)
			added = true
		}
	}
	return added
}

// lacksRecords adds records that are gone for good, and reports whether there was anything new.
func (l *ledger) lacksRecords(holes ...wal.Hole) (added bool) {
	for _, h := range holes {
		n := hole{h.Epoch, h.First, h.Last, h.Open}
		i := slices.IndexFunc(l.Holes, func(old hole) bool { return old.Epoch == n.Epoch && old.First == n.First })
		if i < 0 {
			l.Holes = append(l.Holes, n)
			added = true
		} else if old := l.Holes[i]; n.Last > old.Last {
			l.Holes[i].Last = n.Last
			added = true
		}
	}
	return added
}

// lostRecords is how many log records are gone at least.
func (l *ledger) lostRecords() (n int64) {
	for _, h := range l.Holes {
		n += int64(h.Last - h.First + 1)
	}
	return n
}
