package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// outcomes counts what writers were answered.
type outcomes struct {
	mu        sync.Mutex
	won       []string
	conflicts int
	other     []string
}

func (o *outcomes) note(marker string, status int, answer []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch status {
	case http.StatusOK:
		o.won = append(o.won, marker)
	case http.StatusConflict:
		o.conflicts++
	default:
		o.other = append(o.other, fmt.Sprintf("%d %s", status, answer))
	}
}

func (o *outcomes) err() error {
	if len(o.other) > 0 {
		return fmt.Errorf("%d answers are neither done nor refused, such as %s", len(o.other), o.other[0])
	}
	if len(o.won) == 0 || o.conflicts == 0 {
		return fmt.Errorf("%d changes were made and %d refused: there was no conflict", len(o.won), o.conflicts)
	}
	return nil
}

// everywhere runs do from several goroutines for each gateway and waits for them.
func (s *stage) everywhere(each int, do func(*gateway)) {
	var wg sync.WaitGroup
	for _, g := range s.all {
		for range each {
			wg.Go(func() { do(g) })
		}
	}
	wg.Wait()
}

// creations has every gateway asked to make the same endpoint at the same time, with another model each.
func (s *stage) creations(ctx context.Context) error {
	for i := range s.o.rounds {
		var o outcomes
		name := fmt.Sprintf("raced-%d", i)
		s.everywhere(2, func(g *gateway) {
			status, answer := g.ask(ctx, admin, http.MethodPost, "/api/2.0/serving-endpoints", s.spec(name, "model-"+g.name))
			o.note(g.name, status, answer)
		})
		if err := o.err(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if len(o.won) != 1 {
			return fmt.Errorf("%s was made %d times, through %v", name, len(o.won), o.won)
		}
		maker := s.all[slices.IndexFunc(s.all, func(g *gateway) bool { return g.name == o.won[0] })]
		if err := s.live(ctx, maker, name, change{what: "the one that was made", key: admin, status: 200, has: `"model-` + o.won[0] + `"`}); err != nil {
			return err
		}
	}
	return nil
}

// conflicts has writers at every gateway change one endpoint as fast as they can. Each change that was
// acknowledged is a version of its own, each version was acknowledged, and all gateways end at the last.
func (s *stage) conflicts(ctx context.Context) error {
	const name = "contested"
	if err := s.all[0].must(ctx, http.MethodPost, "/api/2.0/serving-endpoints", s.spec(name, "gpt-4o"), nil); err != nil {
		return err
	}
	if err := s.live(ctx, s.all[0], name, change{what: "creation", key: admin, status: 200}); err != nil {
		return err
	}
	var o outcomes
	end := time.Now().Add(s.o.length)
	s.everywhere(3, func(g *gateway) {
		for time.Now().Before(end) && ctx.Err() == nil {
			marker, body := s.mark()
			status, answer := g.ask(ctx, admin, http.MethodPatch, "/api/2.0/serving-endpoints/"+name+"/tags", body)
			o.note(marker, status, answer)
		}
	})
	if err := o.err(); err != nil {
		return err
	}
	fmt.Printf("gateways: 9 writers in %v: %d changes made, %d refused as conflicts\n", s.o.length, len(o.won), o.conflicts)
	s.acked[name] = int64(len(o.won))
	last, err := s.agreed(ctx, name)
	if err != nil {
		return err
	}
	if last.Version != int64(len(o.won))+1 {
		return fmt.Errorf("%d changes were acknowledged, and the endpoint is at version %d", len(o.won), last.Version)
	}
	return s.everyVersionIsOne(ctx, name, last, o.won)
}

// everyVersionIsOne looks at each version's marker.
func (s *stage) everyVersionIsOne(ctx context.Context, name string, last newest, won []string) error {
	left := map[string]bool{}
	for _, m := range won {
		left[m] = true
	}
	for v := int64(2); v <= last.Version; v++ {
		var n newest
		if err := s.all[v%3].must(ctx, http.MethodGet, fmt.Sprintf("/api/2.0/lakegate/endpoints/%s/versions/%d", name, v), "", &n); err != nil {
			return err
		}
		if !left[n.marker()] {
			return fmt.Errorf("version %d has marker %q, which was not acknowledged, or is in an earlier version too", v, n.marker())
		}
		delete(left, n.marker())
	}
	if len(left) > 0 {
		return fmt.Errorf("%d acknowledged changes are in no version", len(left))
	}
	return nil
}

// agreed waits until all gateways serve the same version, and returns it.
func (s *stage) agreed(ctx context.Context, name string) (n newest, err error) {
	for end := time.Now().Add(liveWithin); ; time.Sleep(20 * time.Millisecond) { // between questions
		same := true
		for i, g := range s.all {
			at, err := g.newest(ctx, name)
			if err != nil {
				return n, err
			}
			if i == 0 {
				n = at
			}
			same = same && at.InForce && at.Version == n.Version && at.marker() == n.marker()
		}
		if same {
			return n, nil
		}
		if time.Now().After(end) {
			return n, fmt.Errorf("the gateways don't serve the same version of %s after %v", name, liveWithin)
		}
	}
}

// expectations has writers roll one endpoint back from the version they have seen: of those who have seen
// the same, one may win.
func (s *stage) expectations(ctx context.Context) error {
	const name = "expected"
	if err := s.all[0].must(ctx, http.MethodPost, "/api/2.0/serving-endpoints", s.spec(name, "gpt-4o"), nil); err != nil {
		return err
	}
	if err := s.all[0].must(ctx, http.MethodPut, "/api/2.0/serving-endpoints/"+name+"/config", `{"served_entities":[`+s.entity("gpt-4o-mini")+`]}`, nil); err != nil {
		return err
	}
	var o outcomes
	end := time.Now().Add(s.o.length / 2)
	s.everywhere(2, func(g *gateway) {
		for time.Now().Before(end) && ctx.Err() == nil {
			seen, err := g.newest(ctx, name)
			if err != nil {
				o.note("", 0, []byte(err.Error()))
				return
			}
			status, answer := g.ask(ctx, admin, http.MethodPost, "/api/2.0/lakegate/endpoints/"+name+"/rollback",
				fmt.Sprintf(`{"to":%d,"expected_version":%d}`, 1+seen.Version%2, seen.Version)) // the other one of the first two
			o.note(fmt.Sprint(seen.Version), status, answer)
		}
	})
	if err := o.err(); err != nil {
		return err
	}
	times := map[string]int{}
	for _, v := range o.won {
		if times[v]++; times[v] > 1 {
			return fmt.Errorf("version %s was replaced by two writers who had both seen it as the newest", v)
		}
	}
	fmt.Printf("gateways: of writers who expect the version they saw, %d won and %d were refused; no version was replaced twice\n", len(o.won), o.conflicts)
	return nil
}
