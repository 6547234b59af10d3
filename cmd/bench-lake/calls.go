package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/demo"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tablewriter"

	inferencetables "github.com/lakegate/lakegate/inference_tables"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

const payloadTable = "main.ai.bench_payload"

// calls makes up calls: those of the demo's history, each with an id, a time and counts of its own.
type calls struct {
	pool       []*inference.Record
	rnd        *rand.Rand
	vocabulary []string
	frequency  *rand.Zipf
	text       []byte
}

const poolSize = 50_000

// newPool returns calls to make others of.
func newPool() []*inference.Record {
	cfg := demo.DefaultHistory(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	cfg.Records = poolSize
	cfg.Price = func(_, model string, _ time.Time, u inference.Usage) *inference.Cost {
		if u.Input == nil || u.Output == nil {
			return nil
		}
		each := int64(len(model)) * 100 // nano-dollars a token
		return &inference.Cost{NanoUSD: *u.Input*each + *u.Output*4*each, PriceVersion: "2026-11-01"}
	}
	cfg.IDs = func(endpoint, entity string) (string, string) {
		return uuid.NewSHA1(uuid.NameSpaceURL, []byte(endpoint)).String(), uuid.NewSHA1(uuid.NameSpaceURL, []byte(endpoint+"/"+entity)).String()
	}
	var pool []*inference.Record
	for r := range demo.History(cfg) {
		r.Generated = false
		pool = append(pool, r)
	}
	return pool
}

func newCalls(pool []*inference.Record, seed uint64) *calls {
	c := &calls{pool: pool, rnd: rand.New(rand.NewPCG(seed, 7))}
	// A vocabulary in which few words are frequent, as in any language.
	for range 4000 {
		word := make([]byte, 2+c.rnd.IntN(9))
		for i := range word {
			word[i] = "etaoinshrdlcumwfgypbvkjxqz"[min(c.rnd.IntN(26), c.rnd.IntN(26))]
		}
		c.vocabulary = append(c.vocabulary, string(word))
	}
	c.frequency = rand.NewZipf(c.rnd, 1.1, 3, uint64(len(c.vocabulary)-1))
	return c
}

// next makes up a call of a time. The record is good until the next call.
func (c *calls) next(rec *inference.Record, at time.Time) {
	*rec = *c.pool[c.rnd.IntN(len(c.pool))]
	rec.Time, rec.ID = at, c.id(at)
	if rec.ClientRequestID != "" {
		rec.ClientRequestID = fmt.Sprintf("%.12s-%08x", rec.ClientRequestID, c.rnd.Uint32())
	}
	// No two calls have the same counts.
	more := c.rnd.Int64N(200)
	if rec.Usage.Input != nil {
		n := *rec.Usage.Input + more
		rec.Usage.Input, rec.Usage.Total = &n, nil
	}
	if rec.Cost != nil {
		rec.Cost = &inference.Cost{NanoUSD: rec.Cost.NanoUSD + more*700, PriceVersion: rec.Cost.PriceVersion}
	}
	rec.Latency += time.Duration(c.rnd.Int64N(int64(200 * time.Millisecond)))
}

// withPayload gives the call a body and an answer of about 2 kB each.
func (c *calls) withPayload(rec *inference.Record) {
	rec.Payload = inference.Payload{
		Table: payloadTable, SamplingFraction: 1,
		Request:  []byte(`{"model":"` + rec.Target.Endpoint + `","messages":[{"role":"user","content":"` + c.words() + `"}]}`),
		Response: []byte(`{"id":"chatcmpl-` + rec.ID.String() + `","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"` + c.words() + `"}}]}`),
	}
}

// words is about 2 kB of text that was not there before.
func (c *calls) words() string {
	c.text = c.text[:0]
	for len(c.text) < 2000 {
		c.text = append(append(c.text, c.vocabulary[c.frequency.Uint64()]...), ' ')
	}
	return string(c.text)
}

// id is a UUIDv7 of a time.
func (c *calls) id(at time.Time) (id uuid.UUID) {
	ms, a, b := uint64(at.UnixMilli()), c.rnd.Uint64(), c.rnd.Uint64()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	for i := range 8 {
		id[8+i] = byte(b >> (8 * i))
	}
	id[6], id[7], id[8] = 0x70|byte(a&0x0f), byte(a>>8), 0x80|id[8]&0x3f
	return id
}

// feeds are those of the gateway.
func feeds() []tablewriter.Feed {
	return []tablewriter.Feed{
		systemtables.NewUsageFeed(systemtables.Config{AccountID: "bench", WorkspaceID: "bench"}),
		inferencetables.NewFeed(),
	}
}
