package inference

import (
	"bytes"
	"testing"
)

func TestIDsSortByTime(t *testing.T) {
	last := NewID()
	for range 1000 {
		id := NewID()
		if bytes.Compare(id[:], last[:]) <= 0 {
			t.Fatalf("%s does not sort after %s", id, last)
		}
		last = id
	}
}

func TestAnswered(t *testing.T) {
	for want, list := range map[string][]Attempt{
		"":  nil,
		"a": {{Model: "a"}},
		"b": {{Model: "a", Error: "500"}, {Model: "b"}},
		"c": {{Model: "a", Error: Outrun}, {Model: "c"}, {Model: "b", Error: Outrun}},
		"d": {{Model: "a", Error: "500"}, {Model: "d", Error: "it broke off"}, {Model: "b", Error: Outrun}},
	} {
		got := ""
		if a := (&Record{Attempts: list}).Answered(); a != nil {
			got = a.Model
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	told := &Record{Target: Target{ServedEntity: "x"}, Attempts: []Attempt{
		{ServedEntity: "x", Model: "x", Error: Outrun}, {ServedEntity: "x", Model: "x", Error: "503"}, {ServedEntity: "y", Model: "y", Error: "it can't be told"},
	}}
	if a := told.Answered(); a != &told.Attempts[1] {
		t.Errorf("the client was told of %+v", a)
	}
}
