package vault

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/secretstore"
	"github.com/lakegate/lakegate/internal/state"
)

// The lake's store is read once in a round and every PollLake. While it is away, what it had is used on.
func TestChangesInTheLakeAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key, err := secretstore.NewKey()
		must(t, err)
		w.config.StoreKey = secret.New(string(key))
		mem := memstore.New()
		var reads atomic.Int64
		var away atomic.Pointer[error]
		mem.Inject(func(c memstore.Call) memstore.Fault {
			if strings.HasPrefix(c.Key, "_lakegate/secrets/") && c.Op == memstore.Get {
				reads.Add(1)
			}
			if err := away.Load(); err != nil {
				return memstore.Fault{Before: *err}
			}
			return memstore.Fault{}
		})
		other := secretstore.New(secretstore.Config{Lake: state.New(mem), Key: secret.New(string(key))}) // another gateway
		put := func(value string) {
			t.Helper()
			_, err := other.Put(t.Context(), secretstore.Name{Scope: "openai", Key: "key"}, secret.New(value), time.Now())
			must(t, err)
			reads.Store(0)
		}
		place := Place{Kind: Anywhere, Scope: "openai", Lake: state.New(mem)}
		read := func() (string, string, error) {
			r := w.Round(false)
			v, where, err := r.Find(t.Context(), place, "key")
			_, _, _ = r.Find(t.Context(), place, "other")
			r.Done(true)
			return v.Reveal(), where, err
		}
		if _, _, err := read(); err == nil || !strings.Contains(err.Error(), "there is no scope openai: put it into the lake's store of secrets with lakegate secrets put openai/key") {
			t.Errorf("before the first secret: %v", err)
		}
		watched(t, w, func(changes func() int) {
			after := func(want int, what string) {
				t.Helper()
				time.Sleep(DefaultConfig().PollLake)
				if got := changes(); got != want || reads.Load() != 1 {
					t.Errorf("%s: %d changes, want %d; %d reads", what, got, want, reads.Load())
				}
				reads.Store(0)
			}
			reads.Store(0)
			after(0, "nothing")
			put(hidden + "1")
			after(1, "there is a secret")
			if v, where, err := read(); v != hidden+"1" || where != "the lake's store of secrets" || err != nil || reads.Load() != 1 {
				t.Errorf("read: %s, %v, %d reads", where, err, reads.Load())
			}
			reads.Store(0)
			after(0, "it was read")
			put(hidden + "2")
			if v, _, _ := read(); v != hidden+"2" {
				t.Error("a round goes by what it knew instead of what is there")
			}
			reads.Store(0)
			noRoute := errors.New("no route")
			away.Store(&noRoute)
			after(0, "away")
			if v, _, err := read(); v != hidden+"2" || err != nil {
				t.Errorf("away: %v", err)
			}
			reads.Store(0)
			after(0, "still away")
			stats := w.Stats()
			if len(stats) != 1 || stats[0].Source != FromLake || stats[0].Failures != 3 || time.Since(stats[0].Worked) <= DefaultConfig().PollLake {
				t.Errorf("Stats = %+v", stats)
			}
			away.Store(nil)
			after(0, "back")
			if s := w.Stats()[0]; s.Failures != 3 || time.Since(s.Worked) != 0 {
				t.Errorf("Stats = %+v", s)
			}
		})
		text := w.log.String()
		if strings.Count(text, "can't be read; those there were are used on") != 1 || strings.Count(text, "can be read again") != 1 || strings.Contains(text, hidden) {
			t.Errorf("the log: %s", text)
		}
	})
}

// A secret that came with an endpoint is not one to put in by hand.
func TestASecretOfAnEndpointIsGone(t *testing.T) {
	w := newWorld(t)
	if _, _, err := w.find(t, w.place(Anywhere, secret.Given), "chat.gpt.openai_api_key.1"); err == nil || !strings.Contains(err.Error(), "give it to the endpoint again, in the field that ends in _plaintext") {
		t.Errorf("%v", err)
	}
}
