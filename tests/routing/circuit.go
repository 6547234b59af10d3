package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// circuit is what the metrics said of the first provider's circuit, in order.
type circuit struct {
	states  []string
	entered map[string]float64 // how often each state was entered, by the counter
	opened  map[string]float64 // how often it was opened, by what opened it
}

func (c circuit) err() error {
	share, row, probe := c.opened["failure_share"], c.opened["consecutive_failures"], c.opened["probe"]
	fmt.Printf("routing: the circuit was %s; opened %.0f (%.0f by failures one after another, %.0f by their share, %.0f by a probe), half open %.0f, closed %.0f times\n",
		strings.Join(c.states, ", "), c.entered["open"], row, share, probe, c.entered["half_open"], c.entered["closed"])
	for _, state := range []string{"open", "half_open", "closed"} {
		if c.entered[state] < 1 {
			return fmt.Errorf("%s: %w (%v)", state, errNever, c.states)
		}
	}
	if share+row < 1 || share+row+probe != c.entered["open"] {
		return fmt.Errorf("it was opened %.0f times, but lakegate_circuit_opened_total says %v", c.entered["open"], c.opened)
	}
	if !slices.Contains(c.states, "open") {
		return fmt.Errorf("lakegate_circuit_state never said open: %v", c.states)
	}
	return nil
}

// watch reads the metrics until ctx ends, and then sends what they said.
func (s *stage) watch(ctx context.Context) <-chan circuit {
	result := make(chan circuit, 1)
	before, openedBefore := s.changes(context.WithoutCancel(ctx)), s.opened(context.WithoutCancel(ctx))
	go func() { // ends with ctx
		var c circuit
		for tick := time.NewTicker(50 * time.Millisecond); ; {
			if state := s.state(ctx); state != "" && (len(c.states) == 0 || c.states[len(c.states)-1] != state) {
				c.states = append(c.states, state)
			}
			select {
			case <-tick.C:
				continue
			case <-ctx.Done():
			}
			c.entered = s.changes(context.WithoutCancel(ctx))
			for state, n := range before {
				c.entered[state] -= n
			}
			c.opened = s.opened(context.WithoutCancel(ctx))
			for by, n := range openedBefore {
				c.opened[by] -= n
			}
			result <- c
			return
		}
	}()
	return result
}

// until waits for a state of the first provider's circuit. Calls go on, because it is calls that probe.
func (s *stage) until(ctx context.Context, state string) error {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if s.state(ctx) == state {
			return nil
		}
		if _, err := s.load(ctx, time.Second, 10, false); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: %w", state, errNever)
}

func (s *stage) state(ctx context.Context) string {
	for state, v := range s.metric(ctx, "lakegate_circuit_state", "state") {
		if v == 1 {
			return state
		}
	}
	return ""
}

func (s *stage) changes(ctx context.Context) map[string]float64 {
	return s.metric(ctx, "lakegate_circuit_changes_total", "state")
}

func (s *stage) opened(ctx context.Context) map[string]float64 {
	return s.metric(ctx, "lakegate_circuit_opened_total", "by")
}

// metric reads a metric of the first provider, by a label.
func (s *stage) metric(ctx context.Context, name, label string) map[string]float64 {
	all := map[string]float64{}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/metrics"), nil)
	if err != nil {
		return all
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return all
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		labels, value, _ := strings.Cut(lines.Text(), "} ")
		if !strings.HasPrefix(labels, name+"{") || !strings.Contains(labels, `served_entity="first"`) {
			continue
		}
		_, is, _ := strings.Cut(labels, label+`="`)
		is, _, _ = strings.Cut(is, `"`)
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			all[is] = v
		}
	}
	return all
}
