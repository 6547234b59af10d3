package endpoint

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/secret"
)

var (
	monday  = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	tuesday = monday.AddDate(0, 0, 1)
)

// one returns an endpoint whose entities have the given names and equal weights.
func one(name string, entities ...string) *Endpoint {
	e := &Endpoint{Name: name, Task: Chat}
	rest := 100
	for i, n := range entities {
		w := 100 / len(entities)
		if i == len(entities)-1 {
			w = rest
		}
		rest -= w
		e.Weights = append(e.Weights, w)
		e.Entities = append(e.Entities, &Entity{
			Name: n, Model: n + "-model", Task: Chat, Provider: "openai",
			BaseURL: &url.URL{Scheme: "https", Host: "llm.example", Path: "/v1"}, AuthValue: secret.New("Bearer 1"),
		})
	}
	return e
}

func next(t *testing.T, m Memory, now time.Time, endpoints ...*Endpoint) *Catalog {
	t.Helper()
	c, err := m.Next(endpoints, now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCatalog(t *testing.T) {
	c, err := NewCatalog([]*Endpoint{one("b", "x"), one("a", "x", "y")})
	if err != nil {
		t.Fatal(err)
	}
	a, ok := c.Lookup("a")
	if !ok || a.Name != "a" {
		t.Fatalf("Lookup(a) = %v, %v", a, ok)
	}
	if a.Timeout != DefaultTimeout || a.ConfigVersion != 1 {
		t.Errorf("what may not be zero: %+v", a)
	}
	for _, name := range []string{"", "A", "c"} {
		if e, ok := c.Lookup(name); ok {
			t.Errorf("Lookup(%q) = %v", name, e)
		}
	}
	if all := c.All(); len(all) != 2 || all[0].Name != "a" || all[1].Name != "b" {
		t.Errorf("All is not sorted: %v", all)
	}
}

// Rows of years are joined by these IDs: they may never change. They are told apart by endpoint
// and entity.
func TestIDsAreStable(t *testing.T) {
	c := next(t, Memory{}, monday, one("chat", "gpt", "llama"), one("chat-gpt", "gpt"))
	chat, _ := c.Lookup("chat")
	other, _ := c.Lookup("chat-gpt")
	if chat.ID != "20f1db64662c52b99d070c48e8c30c2c" || chat.Entities[0].ID != "5a426e541c6e58889c16eb8ccb275d1a" {
		t.Errorf("IDs changed: %s, %s", chat.ID, chat.Entities[0].ID)
	}
	seen := map[string]bool{}
	for _, id := range []string{chat.ID, other.ID, chat.Entities[0].ID, chat.Entities[1].ID, other.Entities[0].ID} {
		if len(id) != 32 || seen[id] {
			t.Errorf("ID %q is used twice or has the wrong length", id)
		}
		seen[id] = true
	}
}

func TestNewCatalogRefuses(t *testing.T) {
	for want, endpoints := range map[string][]*Endpoint{
		"there twice":            {one("a", "x"), one("a", "x")},
		"no name":                {one("", "x")},
		"no served entities":     {one("a")},
		"is empty or used twice": {one("a", "x", "x")},
		"2 weights for 1":        {{Name: "a", Entities: one("a", "x").Entities, Weights: []int{50, 50}}},
		"add up to 99":           {{Name: "a", Entities: one("a", "x").Entities, Weights: []int{99}}},
		"weight -1":              {{Name: "a", Entities: one("a", "x", "y").Entities, Weights: []int{-1, 101}}},
		"no base URL":            {{Name: "a", Entities: []*Entity{{Name: "x"}}, Weights: []int{100}}},
	} {
		if _, err := NewCatalog(endpoints); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// change is the part of a row that differs between the cases of TestDiff.
type change struct {
	Endpoint, Entity, Model string
	Version                 int32
	Deleted                 bool
}

func changes(rows []inference.EntityChange) []change {
	var out []change
	for _, r := range rows {
		out = append(out, change{r.EndpointName, r.ServedEntityName, r.EntityName, r.ConfigVersion, r.DeleteTime != nil})
	}
	return out
}

func TestDiff(t *testing.T) {
	weighted := one("a", "x", "y")
	weighted.Weights = []int{90, 10}
	moved := one("a", "x")
	moved.Entities[0].BaseURL = &url.URL{Scheme: "https", Host: "elsewhere.example"}
	rekeyed := one("a", "x")
	rekeyed.Entities[0].AuthValue = secret.New("Bearer 2")
	settings := one("a", "x")
	settings.Fallback, settings.Strict, settings.Timeout, settings.Description = true, true, time.Second, "new"

	for name, x := range map[string]struct {
		old, next []*Endpoint
		want      []change
	}{
		"nothing":             {nil, nil, nil},
		"created":             {nil, []*Endpoint{one("b", "x"), one("a", "x", "y")}, []change{{"a", "x", "x-model", 1, false}, {"a", "y", "y-model", 1, false}, {"b", "x", "x-model", 1, false}}},
		"the same":            {[]*Endpoint{one("a", "x")}, []*Endpoint{one("a", "x")}, nil},
		"an entity more":      {[]*Endpoint{one("a", "x")}, []*Endpoint{one("a", "x", "y")}, []change{{"a", "x", "x-model", 2, false}, {"a", "y", "y-model", 2, false}}},
		"an entity less":      {[]*Endpoint{one("a", "x", "y")}, []*Endpoint{one("a", "x")}, []change{{"a", "x", "x-model", 2, false}}},
		"other weights":       {[]*Endpoint{one("a", "x", "y")}, []*Endpoint{weighted}, []change{{"a", "x", "x-model", 2, false}, {"a", "y", "y-model", 2, false}}},
		"another address":     {[]*Endpoint{one("a", "x")}, []*Endpoint{moved}, []change{{"a", "x", "x-model", 2, false}}},
		"a new secret":        {[]*Endpoint{one("a", "x")}, []*Endpoint{rekeyed}, nil},
		"settings":            {[]*Endpoint{one("a", "x")}, []*Endpoint{settings}, nil},
		"removed":             {[]*Endpoint{one("a", "x", "y"), one("b", "x")}, []*Endpoint{one("b", "x")}, []change{{"a", "x", "x-model", 1, true}, {"a", "y", "y-model", 1, true}}},
		"renamed":             {[]*Endpoint{one("b", "x")}, []*Endpoint{one("a", "x")}, []change{{"a", "x", "x-model", 1, false}, {"b", "x", "x-model", 1, true}}},
		"everything at once":  {[]*Endpoint{one("a", "x"), one("b", "x"), one("c", "x")}, []*Endpoint{one("b", "y"), one("c", "x"), one("d", "x")}, []change{{"a", "x", "x-model", 1, true}, {"b", "y", "y-model", 2, false}, {"d", "x", "x-model", 1, false}}},
		"an entity swapped":   {[]*Endpoint{one("a", "x")}, []*Endpoint{one("a", "y")}, []change{{"a", "y", "y-model", 2, false}}},
		"only order differs":  {[]*Endpoint{one("a", "x"), one("b", "x")}, []*Endpoint{one("b", "x"), one("a", "x")}, nil},
		"order of entities":   {[]*Endpoint{one("a", "x", "y")}, []*Endpoint{one("a", "y", "x")}, []change{{"a", "y", "y-model", 2, false}, {"a", "x", "x-model", 2, false}}},
		"all of them removed": {[]*Endpoint{one("a", "x")}, nil, []change{{"a", "x", "x-model", 1, true}}},
	} {
		t.Run(name, func(t *testing.T) {
			old := next(t, Memory{}, monday, x.old...)
			after := next(t, old.Memory(), tuesday, x.next...)
			if diff := cmp.Diff(x.want, changes(Diff(old, after, tuesday))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if again := Diff(after, next(t, after.Memory(), tuesday, x.next...), tuesday); again != nil {
				t.Errorf("the same catalog once more: %v", again)
			}
		})
	}
}

func TestDiffRowsAreComplete(t *testing.T) {
	c := next(t, Memory{}, monday, one("chat", "gpt"))
	berlin := time.FixedZone("CET", 3600)
	want := []inference.EntityChange{{
		Time: monday, EndpointID: "20f1db64662c52b99d070c48e8c30c2c", EndpointName: "chat",
		ServedEntityID: "5a426e541c6e58889c16eb8ccb275d1a", ServedEntityName: "gpt",
		EntityType: "EXTERNAL_MODEL", EntityName: "gpt-model", ConfigVersion: 1, Task: Chat, Provider: "openai",
	}}
	if diff := cmp.Diff(want, Diff(nil, c, monday.In(berlin))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	want[0].Time, want[0].DeleteTime = tuesday, &tuesday
	if diff := cmp.Diff(want, Diff(c, next(t, c.Memory(), tuesday), tuesday)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A restart finds nothing but the stored Memory: dates and versions go on, nothing is reported
// twice, and an endpoint that comes back does not start again at version 1.
func TestMemorySurvivesARestart(t *testing.T) {
	stored := func(c *Catalog) Memory {
		b, err := json.Marshal(c.Memory())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "Bearer") || strings.Contains(string(b), "llm.example") {
			t.Errorf("memory holds a secret or an address: %s", b)
		}
		var m Memory
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	first := next(t, Memory{}, monday, one("a", "x"), one("b", "x"))

	m := stored(first)
	same := next(t, m, tuesday, one("a", "x"), one("b", "x"))
	if rows := m.Diff(same, tuesday); rows != nil {
		t.Errorf("nothing changed over the restart, but: %v", rows)
	}
	if a, _ := same.Lookup("a"); !a.Created.Equal(monday) || a.ConfigVersion != 1 {
		t.Errorf("a = created %v, version %d", a.Created, a.ConfigVersion)
	}

	m = stored(same)
	without := next(t, m, tuesday, one("a", "y"))
	if diff := cmp.Diff([]change{{"a", "y", "y-model", 2, false}, {"b", "x", "x-model", 1, true}}, changes(m.Diff(without, tuesday))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	m = stored(next(t, stored(without), tuesday, one("a", "y"))) // b stays remembered
	wednesday := tuesday.AddDate(0, 0, 1)
	back := next(t, m, wednesday, one("a", "y"), one("b", "x"))
	if diff := cmp.Diff([]change{{"b", "x", "x-model", 2, false}}, changes(m.Diff(back, wednesday))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if b, _ := back.Lookup("b"); !b.Created.Equal(wednesday) || b.ConfigVersion != 2 {
		t.Errorf("b = created %v, version %d", b.Created, b.ConfigVersion)
	}
	if n := len(back.Memory().Endpoints); n != 2 {
		t.Errorf("memory has %d endpoints", n)
	}
}
