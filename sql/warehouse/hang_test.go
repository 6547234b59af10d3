package warehouse_test

import (
	"context"
	"testing"
	"time"

	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// hanging is a source whose files do not come, as from a store that does not answer.
type hanging struct {
	source
	asked chan struct{}
}

func (h *hanging) Snapshot(ctx context.Context, _ []warehouse.Request) (warehouse.Snapshot, error) {
	h.asked <- struct{}{}
	<-ctx.Done()
	return warehouse.Snapshot{}, ctx.Err()
}

// A query whose files do not come ends when its time is over, and when the warehouse closes.
func TestFilesThatDoNotCome(t *testing.T) {
	src := &hanging{asked: make(chan struct{}, 2)}
	w := open(t, config(t), src, nil)
	if _, err := run(w, "need a.b.c", 50*time.Millisecond); warehouse.ClassOf(err) != protocol.Timeout {
		t.Errorf("out of time: %v", err)
	}
	ended := make(chan error)
	go func() {
		_, err := run(w, "need a.b.c", 0)
		ended <- err
	}()
	<-src.asked
	<-src.asked
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; warehouse.ClassOf(err) != protocol.Busy {
		t.Errorf("closed: %v", err)
	}
}
