package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lakegate/lakegate/internal/fakellm"
)

// attempt is one request and what its client saw of the answer.
type attempt struct {
	id        string
	endpoint  string
	stream    bool
	usage     fakellm.Usage // the provider computes for it
	status    int           // 0: no answer began
	requestID string        // x-request-id
	completed bool          // the answer was read to its very end
}

// load sends requests until it is told to stop.
type load struct {
	url      string
	endpoint string
	round    int
	client   *http.Client
	stop     atomic.Bool
	serial   atomic.Int64
	wg       sync.WaitGroup
	mu       sync.Mutex
	all      []*attempt
}

// otherWorkers send requests that are not streams.
const otherWorkers = 8

func startLoad(ctx context.Context, url, endpoint string, round, streams int, seed uint64) *load {
	l := &load{url: url, endpoint: endpoint, round: round}
	l.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: streams + otherWorkers}}
	for i := range streams + otherWorkers {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		l.wg.Go(func() {
			for !l.stop.Load() && ctx.Err() == nil {
				if !l.send(ctx, rng, i < streams) {
					return // the gateway is gone
				}
			}
		})
	}
	return l
}

// end waits for all requests, which is soon once the gateway is dead, and returns them.
func (l *load) end() []*attempt {
	l.stop.Store(true)
	l.wg.Wait()
	l.client.CloseIdleConnections()
	return l.all
}

// send makes one request. It reports whether the gateway could be reached.
func (l *load) send(ctx context.Context, rng *rand.Rand, stream bool) bool {
	a := &attempt{id: fmt.Sprintf("r%d-%d", l.round, l.serial.Add(1)), endpoint: l.endpoint, stream: stream}
	body := a.body(rng)
	plan, err := fakellm.DefaultConfig().Plan(fakellm.Chat, body)
	if err != nil {
		panic(err) // our own body
	}
	a.usage = plan.Usage
	l.mu.Lock()
	l.all = append(l.all, a)
	l.mu.Unlock()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(body))
	if err != nil {
		panic(err) // our own URL
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := l.client.Do(r)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	a.status, a.requestID = resp.StatusCode, resp.Header.Get("X-Request-Id")
	text, err := io.ReadAll(resp.Body)
	a.completed = err == nil && (!stream || strings.HasSuffix(string(text), "data: [DONE]\n\n"))
	return err == nil
}

// body is a chat of random length and speed that takes its id to the provider.
func (a *attempt) body(rng *rand.Rand) []byte {
	script := fmt.Sprintf("id=%s latency=%dms tokens=%d cached=%d reasoning=%d", a.id, 5+rng.IntN(30), 1+rng.IntN(80), rng.IntN(8), rng.IntN(20))
	more := ""
	if a.stream {
		script += fmt.Sprintf(" chunks=%d gap=%dms", 2+rng.IntN(40), rng.IntN(12))
		more = `,"stream":true`
		if rng.IntN(2) == 0 {
			more += `,"stream_options":{"include_usage":true}`
		}
	}
	fill := strings.Repeat("lorem ipsum ", rng.IntN(400))
	return fmt.Appendf(nil, `{"model":%q,"client_request_id":%q,"usage_context":{"team":"crash"},`+
		`"messages":[{"role":"user","content":"%sx-fake: %s"}]%s}`, a.endpoint, a.id, fill, script, more)
}
