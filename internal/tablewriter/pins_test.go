package tablewriter

import (
	"errors"
	"testing"

	"github.com/lakegate/lakegate/internal/wal"
)

func TestPins(t *testing.T) {
	p := newPins(10)
	at := func(segment uint64) wal.Pos { return wal.Pos{Segment: segment, Offset: 48} }
	free := func(step string, segment, through uint64, want bool) {
		t.Helper()
		if got := p.free(segment, through); got != want {
			t.Errorf("%s: segment %d is free: %v", step, segment, got)
		}
	}
	free("nothing is open", 10, 10, true)
	a := p.open()
	free("a is being admitted", 10, 10, false)
	a.admitted(at(10), []byte("q"))
	p.rotated(11)
	b := p.open()
	b.admitted(at(11), nil)
	free("a is open", 9, 11, true)
	free("a is open", 10, 11, false)
	admit, body, err := a.finish()
	if err != nil || admit != at(10) || string(body) != "q" {
		t.Fatalf("finish: %v %q %v", admit, body, err)
	}
	if _, _, err := a.finish(); !errors.Is(err, ErrTicketUsed) {
		t.Errorf("second finish: %v", err)
	}
	free("the outcome is not logged yet", 10, 11, false)
	p.close(a, admit, at(12))
	free("the outcome is not landed yet", 10, 11, false)
	free("the outcome is landed", 10, 12, true)
	free("b is open", 11, 12, false)
	if n := len(p.through(11)); n != 1 || p.len() != 1 {
		t.Errorf("%d requests pin segment 11, %d are open", n, p.len())
	}
	p.rotated(13)
	pos, err := b.relocate(func(old wal.Pos) (wal.Pos, error) {
		if old != at(11) {
			t.Errorf("relocated from %v", old)
		}
		return at(13), nil
	})
	p.move(b, pos.Segment)
	free("b was carried", 12, 12, true)
	free("b was carried", 13, 13, false)
	if admit, _, _ := b.finish(); err != nil || admit != at(13) {
		t.Errorf("finish after it was carried: %v, %v", admit, err)
	}
	if pos, err := b.relocate(nil); err != nil || pos != (wal.Pos{}) {
		t.Errorf("relocated after finish: %v, %v", pos, err)
	}
	p.close(b, wal.Pos{}, at(13))
	p.close(b, wal.Pos{}, at(13)) // a second time changes nothing
	free("all are finished", 13, 13, true)
	if p.len() != 0 {
		t.Errorf("%d are open", p.len())
	}
}
