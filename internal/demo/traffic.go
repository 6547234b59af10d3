package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// TrafficConfig says which requests to send, and where.
type TrafficConfig struct {
	BaseURL  string            // of the gateway, http://127.0.0.1:PORT
	Tokens   map[string]string // API token by the name of the team's key (Team.Key)
	Requests int
	Workers  int // requests under way at a time
	Seed     uint64
	Timeout  time.Duration // of one request
}

// DefaultTraffic is 300 requests, 16 at a time.
func DefaultTraffic(baseURL string, tokens map[string]string) TrafficConfig {
	return TrafficConfig{BaseURL: baseURL, Tokens: tokens, Requests: 300, Workers: 16, Seed: 1, Timeout: time.Minute}
}

// Validate reports the first setting that makes no sense.
func (c TrafficConfig) Validate() error {
	for _, t := range Teams() {
		if c.Tokens[t.Key] == "" {
			return fmt.Errorf("traffic: no token for key %q", t.Key)
		}
	}
	switch {
	case c.BaseURL == "":
		return errors.New("traffic: the gateway's base URL is missing")
	case c.Requests < 0 || c.Workers < 1 || c.Timeout <= 0:
		return errors.New("traffic: requests, workers and timeout must be positive")
	}
	return nil
}

// Shot is what the sender saw of one request.
type Shot struct {
	ClientRequestID string // the request carries it, where its API has a place for it and its body can be read
	RequestID       string // x-request-id of the answer; "" when the client left before there was one
	Team            string
	Endpoint        string
	Kind            string // what was tried: chat, stream, embeddings, leaves, provider-500, ...
	Status          int    // 0: no answer was seen
	Stream          bool
	Left            bool  // the client left on purpose
	Err             error // why the answer was not read to its end, when the client did not leave
}

// Sent is what Traffic sent. Each shot is one request the gateway has accepted, and must be one
// row: found by RequestID, or by ClientRequestID where there is no RequestID.
type Sent struct {
	Shots []Shot
	// Unsent are requests that never reached the gateway: no connection.
	Unsent []Shot
}

// ByKind counts the shots by what was tried.
func (s *Sent) ByKind() map[string]int {
	n := map[string]int{}
	for _, x := range s.Shots {
		n[x.Kind]++
	}
	return n
}

// Traffic sends requests of all teams through a gateway: streamed and not, tagged in the body, in
// metadata and in the header, some of which fail at the provider, are refused by the gateway, or
// are left by their client before the end. It returns what was sent also when the context ends
// before all of it was. All of its connections are closed when it returns.
func Traffic(ctx context.Context, c TrafficConfig) (*Sent, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: c.Workers}
	defer transport.CloseIdleConnections()
	t := &traffic{cfg: c, client: &http.Client{Transport: transport}}
	plans := make(chan plan)
	var wg sync.WaitGroup
	for range c.Workers {
		wg.Go(func() {
			for p := range plans {
				t.keep(t.fire(ctx, p))
			}
		})
	}
	for _, p := range plansOf(c) {
		if ctx.Err() != nil {
			break
		}
		plans <- p
	}
	close(plans)
	wg.Wait()
	return &t.sent, ctx.Err()
}

type traffic struct {
	cfg    TrafficConfig
	client *http.Client
	mu     sync.Mutex
	sent   Sent
}

func (t *traffic) keep(s Shot, reached bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if reached {
		t.sent.Shots = append(t.sent.Shots, s)
	} else {
		t.sent.Unsent = append(t.sent.Unsent, s)
	}
}

// plansOf decides all requests of a run: every kind in its share, in an order of the seed's.
func plansOf(c TrafficConfig) []plan {
	rng := rand.New(rand.NewPCG(c.Seed, 0x74726166))
	var all []plan
	offset := rng.Float64()
	for i := range c.Requests {
		all = append(all, newPlan(rng, i, kinds[kindAt((float64(i)+offset)/float64(c.Requests))]))
	}
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// kindAt returns the kind at a point from 0 to 1 when every kind has its share of the way.
func kindAt(x float64) int {
	total := 0
	for _, k := range kinds {
		total += k.share
	}
	at := x * float64(total)
	return max(0, slices.IndexFunc(kinds, func(k kind) bool {
		at -= float64(k.share)
		return at < 0
	}))
}

// drain reads an answer to its end.
func drain(r io.ReadCloser) error {
	_, err := io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}
