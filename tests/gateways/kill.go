package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/lakegate/lakegate/internal/launch"
)

// killDuringWrite kills a gateway while it changes an endpoint without a pause. The others, and the killed
// one when it is back, have the last change that was acknowledged or the one that was under way.
func (s *stage) killDuringWrite(ctx context.Context, rng *rand.Rand) error {
	const name = "contested"
	victim := s.all[rng.IntN(3)]
	before, err := s.agreed(ctx, name)
	if err != nil {
		return err
	}
	acked, open := before.marker(), ""
	version, ended := before.Version, make(chan struct{})
	go func() { // ends with the victim
		defer close(ended)
		for {
			marker, body := s.mark()
			open = marker
			if status, _ := victim.ask(ctx, admin, http.MethodPatch, "/api/2.0/serving-endpoints/"+name+"/tags", body); status != http.StatusOK {
				return
			}
			acked, version = marker, version+1
		}
	}()
	time.Sleep(time.Duration(20+rng.IntN(300)) * time.Millisecond) // the moment is the seed's
	victim.process.Kill()
	<-ended
	client.CloseIdleConnections()
	if err := victim.start(ctx); err != nil {
		return err
	}
	after, err := s.agreed(ctx, name)
	if err != nil {
		return err
	}
	switch {
	case after.Version == version && after.marker() == acked:
	case after.Version == version+1 && after.marker() == open:
	default:
		return fmt.Errorf("version %d with marker %q; acknowledged was %d with %q, under way %q", after.Version, after.marker(), version, acked, open)
	}
	s.acked[name] += version - before.Version
	return s.live(ctx, victim, name, change{what: "after the kill", key: admin, status: 200})
}

// later starts a fourth gateway: it has every endpoint as soon as it is ready.
func (s *stage) later(ctx context.Context) error {
	type list struct {
		Endpoints []struct {
			Name    string `json:"name"`
			Version int64  `json:"version"`
			InForce bool   `json:"in_force"`
		} `json:"endpoints"`
	}
	if err := s.add(ctx, "d"); err != nil {
		return err
	}
	var theirs, its list
	if err := s.all[3].must(ctx, http.MethodGet, "/api/2.0/lakegate/endpoints", "", &its); err != nil {
		return err
	}
	if err := s.all[0].must(ctx, http.MethodGet, "/api/2.0/lakegate/endpoints", "", &theirs); err != nil {
		return err
	}
	if fmt.Sprint(its) != fmt.Sprint(theirs) || len(its.Endpoints) == 0 {
		return fmt.Errorf("it has\n%v\nand the others\n%v", its, theirs)
	}
	for _, e := range its.Endpoints {
		if !e.InForce {
			return fmt.Errorf("%s is not in force", e.Name)
		}
	}
	return s.live(ctx, s.all[3], "contested", change{what: "a call", key: admin, status: 200})
}

// audited compares the rows of system.access.audit with what was acknowledged, when all have landed. A
// change that was done and not acknowledged, because of a kill, may be a row too.
func (s *stage) audited(ctx context.Context) error {
	db := launch.SQL{URL: "http://" + s.all[0].addr, Token: admin}
	want, got := s.acked["contested"], int64(0)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) { // between questions
		rows, err := db.Query(ctx, `SELECT count(*) FROM system.access.audit
			WHERE request_params['name'] = 'contested' AND action_name = 'patchServingEndpointTags' AND response.status_code = 200`)
		if err != nil {
			return err
		}
		if got, err = strconv.ParseInt(rows[0].Text(0), 10, 64); err != nil {
			return err
		}
		if got >= want && got <= want+int64(s.o.rounds) {
			fmt.Printf("gateways: %d changes of one endpoint were acknowledged, %d are rows of system.access.audit\n", want, got)
			return nil
		}
	}
	return fmt.Errorf("%d changes were acknowledged, and %d are rows of system.access.audit", want, got)
}
