package tablewriter

import (
	"testing"
	"time"
)

// What is not landed yet shows since when.
func TestStatsSayWhatIsNotLanded(t *testing.T) {
	w := mustOpen(t, manual(t.TempDir()))
	before := time.Now()
	call(t, w, "")
	s := w.Stats()
	if s.LogID != w.log.ID() || s.Unlanded.IsZero() || s.Unlanded.After(time.Now()) || s.Unlanded.Before(before.Add(-time.Minute)) {
		t.Errorf("with a row in the log: %+v", s)
	}
	must(t, w.Flush(t.Context()))
	was := s.LandedThrough
	if s = w.Stats(); !s.Unlanded.IsZero() || s.LandedThrough <= was || s.LandedThrough > uint64(time.Now().UnixMicro()) {
		t.Errorf("after landing: %+v, before it through %d", s, was)
	}
	mustClose(t, w)
}
