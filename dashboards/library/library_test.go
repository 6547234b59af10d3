package library

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/dashboards/lvdash"
	"github.com/lakegate/lakegate/internal/state"
)

const file = "{ \"pages\": [],\r\n \"x\": \"<é>\" }\n"

func newLibrary() (*Library, *Memory) {
	m := &Memory{}
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	return New(m, func() time.Time { at = at.Add(time.Second); return at }), m
}

var (
	ann  = Actor{Name: "ann"}
	bob  = Actor{Name: "bob"}
	root = Actor{Name: "root", Admin: true}
)

func TestRoundTrip(t *testing.T) {
	ctx := context.Background()
	l, m := newLibrary()
	made, err := l.Create(ctx, ann, Draft{Name: "Mine", File: []byte(file), Values: map[string]string{"catalog": "main"}})
	if err != nil {
		t.Fatal(err)
	}
	// Another process reads what this one wrote.
	got, d, err := New(m, nil).Open(ctx, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.File != file || string(d.Original()) != file {
		t.Errorf("the file came back as %q", got.File)
	}
	if diff := cmp.Diff(made, got); diff != "" {
		t.Error(diff)
	}
	if got.Path() != "/Mine.lvdash.json" {
		t.Errorf("path %q", got.Path())
	}
}

func TestListHasBundledFirstAndNoTrash(t *testing.T) {
	ctx := context.Background()
	l, _ := newLibrary()
	a, _ := l.Create(ctx, ann, Draft{Name: "A"})
	b, _ := l.Create(ctx, ann, Draft{Name: "B"})
	yes := true
	if _, err := l.Update(ctx, ann, b.ID, Change{Trashed: &yes}); err != nil {
		t.Fatal(err)
	}
	ids := func(trashed bool) []string {
		es, err := l.List(ctx, trashed)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range es {
			out = append(out, e.ID)
		}
		return out
	}
	if diff := cmp.Diff([]string{"ai_gateway", "routing", a.ID}, ids(false)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{b.ID}, ids(true)); diff != "" {
		t.Error(diff)
	}
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	l, _ := newLibrary()
	e, err := l.Create(ctx, ann, Draft{Name: "A"})
	if err != nil {
		t.Fatal(err)
	}
	name := "B"
	slash := "a/b"
	for _, tc := range []struct {
		what string
		by   Actor
		id   string
		c    Change
		want error
	}{
		{"somebody else's", bob, e.ID, Change{Name: &name}, ErrForbidden},
		{"bundled", root, "ai_gateway", Change{Name: &name}, ErrReadOnly},
		{"unknown", ann, "0123456789abcdef0123456789abcdef", Change{}, ErrNotFound},
		{"a path", ann, "../keys/x", Change{}, ErrNotFound},
		{"old version", ann, e.ID, Change{Name: &name, Etag: "0"}, ErrChanged},
		{"bad name", ann, e.ID, Change{Name: &slash}, ErrName},
	} {
		if _, err := l.Update(ctx, tc.by, tc.id, tc.c); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.what, err, tc.want)
		}
	}
	var faults lvdash.Faults
	if _, err := l.Update(ctx, ann, e.ID, Change{File: []byte("{")}); !errors.As(err, &faults) {
		t.Errorf("broken file: got %v", err)
	}
	if _, err := l.Create(ctx, ann, Draft{Name: ""}); !errors.Is(err, ErrName) {
		t.Errorf("no name: got %v", err)
	}
	if got, err := l.Update(ctx, root, e.ID, Change{Name: &name, Etag: e.Etag}); err != nil || got.Name != "B" || got.Etag == e.Etag {
		t.Errorf("an administrator got %+v, %v", got, err)
	}
}

func TestLostRaceIsReported(t *testing.T) {
	ctx := context.Background()
	l, m := newLibrary()
	e, err := l.Create(ctx, ann, Draft{Name: "A"})
	if err != nil {
		t.Fatal(err)
	}
	racing := New(&racer{Memory: m, id: e.ID}, nil)
	name := "B"
	if _, err := racing.Update(ctx, ann, e.ID, Change{Name: &name}); !errors.Is(err, ErrChanged) {
		t.Fatalf("got %v, want ErrChanged", err)
	}
}

// racer changes the document between reading and replacing it.
type racer struct {
	*Memory
	id string
}

func (r *racer) Get(ctx context.Context, kind, id string) ([]byte, state.Version, error) {
	doc, v, err := r.Memory.Get(ctx, kind, id)
	if err == nil {
		_, err = r.Memory.Replace(ctx, kind, id, v, doc)
	}
	return doc, v, err
}
