package inferencetables

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/inference"
)

// randomIDs returns a source of version 7 UUIDs of the last weeks.
func randomIDs(t *testing.T) func() inference.ID {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	return func() (id inference.ID) {
		binary.BigEndian.PutUint64(id[:8], (1_790_000_000_000+rng.Uint64N(1e10))<<16|7<<12|rng.Uint64N(1<<12))
		binary.BigEndian.PutUint64(id[8:], 1<<63|rng.Uint64()>>2)
		return id
	}
}

func TestSampledShare(t *testing.T) {
	const n = 100_000
	ids := randomIDs(t)
	for _, fraction := range []float64{0.01, 0.1, 0.5, 0.9} {
		kept := 0
		for range n {
			if Sampled(ids(), fraction) {
				kept++
			}
		}
		// Six standard deviations: chance alone gets there once in half a billion runs.
		if slack := 6 * math.Sqrt(n*fraction*(1-fraction)); math.Abs(float64(kept)-n*fraction) > slack {
			t.Errorf("of %d with fraction %g %d are kept", n, fraction, kept)
		}
	}
}

func TestSampledIsStable(t *testing.T) {
	ids := randomIDs(t)
	for range 1000 {
		id := ids()
		if Sampled(id, 0.3) && !Sampled(id, 0.6) {
			t.Fatalf("%s is kept of 0.3 and not of 0.6", id)
		}
	}
	// The choice is part of the format: another hash would split tables in the middle.
	for id, want := range map[string]bool{
		"0193490a-1b2c-7def-8123-456789abcdef": true,
		"0193490a-1b2c-7def-8123-456789abcdee": false,
		"0193490a-1b2c-7def-8123-456789abcde0": true,
	} {
		if got := Sampled(uuid.MustParse(id), 0.5); got != want {
			t.Errorf("%s at 0.5: %v, want %v", id, got, want)
		}
	}
}

func TestSampledEdges(t *testing.T) {
	for _, c := range []struct {
		fraction float64
		want     bool
	}{{1, true}, {2, true}, {math.Inf(1), true}, {0, false}, {-1, false}, {math.NaN(), false}, {math.SmallestNonzeroFloat64, false}} {
		if got := Sampled(uuid.MustParse("0193490a-1b2c-7def-8123-456789abcdef"), c.fraction); got != c.want {
			t.Errorf("fraction %g: %v", c.fraction, got)
		}
	}
}

// TestSampledTogether: what lakegate asked beside a client's request is kept where that is.
func TestSampledTogether(t *testing.T) {
	ids, f := randomIDs(t), NewFeed()
	payload := inference.Payload{Table: "main.ai.chat_payload", SamplingFraction: 0.3}
	for range 1000 {
		client := &inference.Record{ID: ids(), Payload: payload}
		shadow := &inference.Record{ID: ids(), Parent: client.ID, Payload: payload}
		if a, b := f.Table(inference.Fact{Record: client}), f.Table(inference.Fact{Record: shadow}); a != b {
			t.Fatalf("%s is kept: %v, and %s: %v", client.ID, a != nil, shadow.ID, b != nil)
		}
	}
}
