package chaos

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

var (
	seed  = flag.Uint64("seed", 0, "run this seed only; 0: those of the brief run")
	steps = flag.Int("steps", 1000, "steps of a run")
	lasts = flag.Duration("for", 0, "go on with new seeds for so long")
	show  = flag.Bool("show", false, "print every step")
)

// Seeds of the brief run. One that failed once stays here.
var old = []uint64{1, 2}

func TestChaos(t *testing.T) {
	if *seed != 0 {
		run(t, *seed)
		return
	}
	for _, s := range old {
		run(t, s)
	}
	deadline := time.Now().Add(*lasts)
	for time.Now().Before(deadline) {
		run(t, rand.Uint64())
	}
}

func run(t *testing.T, seed uint64) {
	t.Helper()
	var steplist bytes.Buffer
	o := Options{Seed: seed, Steps: *steps, Dir: t.TempDir(), Trace: &steplist}
	if *show {
		o.Trace = os.Stderr
	}
	began := time.Now()
	r, err := Run(t.Context(), o)
	if err != nil {
		list := steplist.Bytes()
		if tail := 12 << 10; len(list) > tail {
			list = list[len(list)-tail:]
		}
		t.Fatalf("%v\nagain: go test ./tests/chaos -run TestChaos -seed %d -steps %d -show\nthe last steps:\n%s", err, seed, *steps, list)
	}
	t.Logf("seed %d: %d steps, %d requests, %d rows in %v: %v", seed, r.Steps, r.Facts, r.Rows, time.Since(began).Round(time.Millisecond), sorted(r.Counts))
}
