package endpoints_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/state"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func document(name string, version int64, note string) *endpoints.Document {
	spec, _ := json.Marshal(map[string]string{"name": name, "description": note})
	return &endpoints.Document{Name: name, Version: version, Spec: spec, RequestID: note}
}

func TestVersionsAndHistory(t *testing.T) {
	store := endpoints.New(state.New(memstore.New()))
	ctx := t.Context()
	set, changed, err := store.Newest(ctx, nil)
	if err != nil || changed || len(set) != 0 {
		t.Fatalf("of an empty store: %v, %v, %v", set, changed, err)
	}
	must(t, store.Put(ctx, document("Chat", 1, "one")))
	must(t, store.Put(ctx, document("chat", 2, "two")))
	must(t, store.Put(ctx, document("chat-b", 1, "other")))
	if err := store.Put(ctx, document("CHAT", 2, "late")); !errors.Is(err, endpoints.ErrChanged) {
		t.Errorf("a second version 2: %v", err)
	}
	set, changed, err = store.Newest(ctx, set)
	must(t, err)
	if d := set.Lookup("cHat"); !changed || len(set) != 2 || d == nil || d.Version != 2 || d.RequestID != "two" {
		t.Errorf("newest: %v, %v", changed, set)
	}
	again, changed, err := store.Newest(ctx, set)
	if err != nil || changed || len(again) != 2 {
		t.Errorf("nothing changed: %v, %v, %v", again, changed, err)
	}
	gone := document("chat", 3, "gone")
	gone.Deleted = true
	must(t, store.Put(ctx, gone))
	set, changed, err = store.Newest(ctx, set)
	must(t, err)
	if live := set.Live(); !changed || len(live) != 1 || live[0].Name != "chat-b" {
		t.Errorf("after the deletion: %v", live)
	}
	var notes []string
	history, err := store.History(ctx, "chat", 10)
	must(t, err)
	for _, d := range history {
		notes = append(notes, d.RequestID)
	}
	if !slices.Equal(notes, []string{"one", "two", "gone"}) {
		t.Errorf("history: %q", notes)
	}
	if _, err := store.Get(ctx, "chat", 9); !errors.Is(err, endpoints.ErrNotFound) {
		t.Errorf("a version that never was: %v", err)
	}
}

// Of writers who start from one version, exactly one wins each round.
func TestConflictingWritesNeverBothWin(t *testing.T) {
	const writers, rounds = 8, 20
	store := endpoints.New(state.New(memstore.New()))
	for v := int64(1); v <= rounds; v++ {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var won []string
		for w := range writers {
			wg.Go(func() {
				note := fmt.Sprintf("%d by %d", v, w)
				switch err := store.Put(t.Context(), document("chat", v, note)); {
				case err == nil:
					mu.Lock()
					won = append(won, note)
					mu.Unlock()
				case !errors.Is(err, endpoints.ErrChanged):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		d, err := store.Get(t.Context(), "chat", v)
		must(t, err)
		if len(won) != 1 || d.RequestID != won[0] {
			t.Fatalf("version %d: won %q, stored %q", v, won, d.RequestID)
		}
	}
}

const killFolder = "LAKEGATE_TEST_ENDPOINT_FOLDER"

// TestKilledWriter is the process that TestKillLeavesOldOrNew kills: it writes versions as fast
// as it can.
func TestKilledWriter(t *testing.T) {
	dir := os.Getenv(killFolder)
	if dir == "" {
		return // it is only the child of the test below
	}
	s, err := fsstore.Open(dir)
	must(t, err)
	store := endpoints.New(state.New(s))
	set, _, err := store.Newest(context.Background(), nil)
	must(t, err)
	v := int64(0)
	if d := set.Lookup("chat"); d != nil {
		v = d.Version
	}
	for {
		v++
		must(t, store.Put(context.Background(), document("chat", v, strings.Repeat("x", 1<<16))))
		fmt.Printf("wrote %d\n", v)
	}
}

// A writer is killed in the middle; what is there then is whole, and everything it had said it wrote
// is among it.
func TestKillLeavesOldOrNew(t *testing.T) {
	dir := t.TempDir()
	s, err := fsstore.Open(dir)
	must(t, err)
	store := endpoints.New(state.New(s))
	var said int64
	for round := range 5 {
		c := exec.Command(os.Args[0], "-test.run", "^TestKilledWriter$")
		c.Env = append(os.Environ(), killFolder+"="+dir)
		out, err := c.StdoutPipe()
		must(t, err)
		must(t, c.Start())
		for range 10 + 7*round {
			if _, err := fmt.Fscanf(out, "wrote %d\n", &said); err != nil {
				t.Fatal(err)
			}
		}
		must(t, c.Process.Kill())
		_ = c.Wait() // it was killed
		set, _, err := store.Newest(t.Context(), nil)
		must(t, err)
		d := set.Lookup("chat")
		if d == nil || d.Version < said {
			t.Fatalf("it said it wrote %d, the newest is %+v", said, d)
		}
		history, err := store.History(t.Context(), "chat", 1000)
		must(t, err)
		if int64(len(history)) != d.Version {
			t.Fatalf("%d versions are there, the newest is %d", len(history), d.Version)
		}
	}
}
