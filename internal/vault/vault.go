// Package vault finds the secrets that a configuration refers to, wherever they are: environment
// variables, files, the encrypted store, a local one or the lake's, AWS Secrets Manager.
//
// A configuration is read in a Round, which finds its secrets and remembers what it found. Watch then
// looks again, and says so when another reading would find something else: files and the local store
// within Config.Poll, the lake's store within Config.PollLake, AWS within the scope's Refresh. The vault itself changes nothing: whoever holds a
// value keeps it until the configuration is read again.
//
// What AWS answered is kept in memory, and is used on while AWS can't be reached; a secret that AWS says
// is gone is gone. A process that starts while AWS is away has nothing to go on with. The same holds for
// the lake's store, of which there may be a copy on this machine to start with.
//
// Errors are for the operator: one line, which scope and key, where it was looked for, what to do, and
// never a value. A Vault is safe for concurrent use, a Round is for one goroutine.
package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/secretstore"
	"github.com/lakegate/lakegate/internal/state"
)

// Kind is a source of secrets.
type Kind string

// The kinds. Anywhere is that of a scope nobody named: the store, if there is one.
const (
	Anywhere Kind = ""
	Env      Kind = "env"
	Files    Kind = "files"
	Store    Kind = "store"
	AWS      Kind = "aws"
)

// Place is where the secrets of a scope are.
type Place struct {
	Kind   Kind
	Scope  string
	Prefix string // Env
	Folder string // Files

	StoreFile, KeyFile string      // Store
	Lake               *state.Docs // Store: has the store, and StoreFile is a copy; nil for a local one

	Name, Region, Endpoint string // AWS
	Refresh                time.Duration
}

// ErrGone is what a Manager answers when there is no such secret, so that an older value is not to be
// used either.
var ErrGone = errors.New("there is no such secret")

// Manager fetches a secret of AWS Secrets Manager. Errors are in one line and hold no value; ErrGone says
// that it was asked and has no such secret. Package awssecrets is the real one.
type Manager interface {
	Fetch(ctx context.Context, region, endpoint, name string) (secret.String, error)
}

// Config is what a vault works with.
type Config struct {
	Env func(name string) (string, bool)
	AWS Manager
	// StoreKey and StorePassphrase are the local store's key, where it is not in a file.
	StoreKey, StorePassphrase secret.String
	Poll                      time.Duration // how often files and a local store are looked at
	PollLake                  time.Duration // how often the lake's store is looked at: one read each time
	Timeout                   time.Duration // of asking AWS or the lake once
	Logger                    *slog.Logger
}

// DefaultConfig returns the usual times. Env, AWS and Logger are the caller's.
func DefaultConfig() Config {
	return Config{Poll: 5 * time.Second, PollLake: 2 * time.Second, Timeout: 10 * time.Second}
}

// Validate says what is missing.
func (c Config) Validate() error {
	if c.Env == nil || c.AWS == nil || c.Logger == nil || c.Poll <= 0 || c.PollLake <= 0 || c.Timeout <= 0 {
		return errors.New("vault: Env, AWS, Logger, Poll, PollLake and Timeout are required")
	}
	return nil
}

// Vault finds secrets.
type Vault struct {
	config Config

	mu     sync.Mutex
	stores map[secretstore.Config]*secretstore.Store
	kept   map[remote]*kept     // what AWS answered
	missed map[remote]time.Time // when it last did not
	used   map[ref]*answer      // what the configuration in force was made with
	asked  map[remote]*Place    // the secrets of AWS it was made with
	counts map[Source]*Count
}

// ref is a secret somewhere.
type ref struct {
	place Place
	key   string
}

// answer is what was found there.
type answer struct {
	value secret.String
	where string
	err   error
}

func (a *answer) same(b *answer) bool {
	if a.err != nil || b.err != nil {
		return a.err != nil && b.err != nil && a.err.Error() == b.err.Error()
	}
	return a.value.Reveal() == b.value.Reveal()
}

// New returns a vault that has found nothing yet.
func New(c Config) (*Vault, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Vault{
		config: c, stores: map[secretstore.Config]*secretstore.Store{}, kept: map[remote]*kept{}, missed: map[remote]time.Time{},
		used: map[ref]*answer{}, asked: map[remote]*Place{}, counts: map[Source]*Count{},
	}, nil
}

// Round is one reading of a configuration.
type Round struct {
	vault  *Vault
	fresh  bool
	found  map[ref]*answer
	asked  map[remote]*Place
	failed map[remote]error            // AWS is asked once in a round
	looked map[*secretstore.Store]bool // and so is the lake
}

// Round begins a reading. With fresh, AWS is asked for what is kept in memory too.
func (v *Vault) Round(fresh bool) *Round {
	return &Round{vault: v, fresh: fresh, found: map[ref]*answer{}, asked: map[remote]*Place{}, failed: map[remote]error{}, looked: map[*secretstore.Store]bool{}}
}

// Find returns a secret and where it was.
func (r *Round) Find(ctx context.Context, p Place, key string) (value secret.String, where string, err error) {
	a := r.found[ref{p, key}]
	if a == nil {
		a = r.find(ctx, p, key)
		r.found[ref{p, key}] = a
	}
	return a.value, a.where, a.err
}

func (r *Round) find(ctx context.Context, p Place, key string) *answer {
	if p.Kind == AWS {
		return r.remote(ctx, p, key)
	}
	if p.shared() {
		if s := r.vault.store(p); !r.looked[s] {
			r.looked[s] = true
			r.vault.refresh(ctx, s)
		}
	}
	return r.vault.local(ctx, p, key)
}

// Done ends the reading. inForce says that the configuration was taken: from now on its secrets are
// watched, and otherwise they are beside those of the one before.
func (r *Round) Done(inForce bool) {
	v := r.vault
	v.mu.Lock()
	defer v.mu.Unlock()
	if inForce {
		v.used, v.asked = r.found, r.asked
		for k := range v.kept {
			if v.asked[k] == nil {
				delete(v.kept, k)
			}
		}
		return
	}
	for k, a := range r.found {
		v.used[k] = a
	}
	for k, p := range r.asked {
		v.asked[k] = p
	}
}

// Watch looks after the secrets in use until ctx ends, and calls changed when there are others. Calls
// come from goroutines of Watch's, which have ended when it returns.
func (v *Vault) Watch(ctx context.Context, changed func()) {
	var wait sync.WaitGroup
	wait.Go(func() { v.every(ctx, v.config.Poll, func() { v.lookLocal(ctx, changed) }) })
	wait.Go(func() { v.every(ctx, v.config.PollLake, func() { v.lookShared(ctx, changed) }) })
	wait.Go(func() { v.every(ctx, time.Second, func() { v.lookRemote(ctx, changed) }) })
	wait.Wait()
}

func (v *Vault) every(ctx context.Context, period time.Duration, look func()) {
	t := time.NewTicker(period)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			look()
		}
	}
}

// lookLocal compares what is on this machine with what was found.
func (v *Vault) lookLocal(ctx context.Context, changed func()) {
	if v.compare(ctx, v.inUse(func(p Place) bool { return p.Kind != AWS && !p.shared() })) {
		changed()
	}
}

// lookShared compares what is in the lake's store with what was found.
func (v *Vault) lookShared(ctx context.Context, changed func()) {
	before := v.inUse(Place.shared)
	looked := map[*secretstore.Store]bool{}
	for k := range before {
		if s := v.store(k.place); !looked[s] {
			looked[s] = true
			v.refresh(ctx, s)
		}
	}
	if ctx.Err() == nil && v.compare(ctx, before) {
		changed()
	}
}

// inUse returns what was found in some places.
func (v *Vault) inUse(in func(Place) bool) map[ref]*answer {
	v.mu.Lock()
	defer v.mu.Unlock()
	before := make(map[ref]*answer, len(v.used))
	for k, a := range v.used {
		if in(k.place) {
			before[k] = a
		}
	}
	return before
}

// compare reports whether another reading would find something else.
func (v *Vault) compare(ctx context.Context, before map[ref]*answer) (changed bool) {
	for k, a := range before {
		now := v.local(ctx, k.place, k.key)
		if !k.place.shared() {
			v.count(k.place.Kind.source(), now.err == nil)
		}
		if now.same(a) {
			continue
		}
		v.mu.Lock()
		if v.used[k] == a { // no round came between
			v.used[k], changed = now, true
		}
		v.mu.Unlock()
	}
	return changed
}

// shared reports whether a place is in the lake's store.
func (p Place) shared() bool { return p.Lake != nil && (p.Kind == Store || p.Kind == Anywhere) }

// origin says why it was looked for there.
func (p Place) origin() string {
	if p.Kind == Anywhere {
		if p.shared() {
			return "the scope is not in the config file, so it would be in the lake's store"
		}
		return "the scope is not in the config file, so it would be in the local store"
	}
	return fmt.Sprintf("scope %s is from: %s", p.Scope, p.Kind)
}
