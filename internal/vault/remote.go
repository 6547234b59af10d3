package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
)

// remote names a secret of AWS.
type remote struct{ name, region, endpoint string }

// kept is what AWS answered last.
type kept struct {
	value  secret.String
	looked time.Time // when it was last asked for, whatever came of it
	away   bool      // the last time brought nothing
}

// retry is how long AWS is left alone that a configuration waits for.
const retry = 30 * time.Second

// eachKey in the name of a secret of AWS stands for the key: one secret per key.
const eachKey = "{key}"

func (p Place) remote(key string) remote {
	return remote{strings.ReplaceAll(p.Name, eachKey, key), p.Region, p.Endpoint}
}

// String says where a secret of AWS is.
func (r remote) String() string {
	s := "AWS Secrets Manager's " + r.name
	if r.region != "" {
		s += " in " + r.region
	}
	return s
}

// remote finds a key of a secret of AWS.
func (r *Round) remote(ctx context.Context, p Place, key string) *answer {
	at := p.remote(key)
	r.asked[at] = &p
	whole, err := r.whole(ctx, at)
	if err != nil {
		return &answer{err: fmt.Errorf("%s: %w (%s)", at, err, p.origin())}
	}
	value := whole
	if !strings.Contains(p.Name, eachKey) {
		if value, err = member(whole, key); err != nil {
			return &answer{err: fmt.Errorf("%s %w (%s)", at, err, p.origin())}
		}
	}
	if value.IsZero() {
		return &answer{err: fmt.Errorf("%s: it is empty (%s)", at, p.origin())}
	}
	return &answer{value: value, where: at.String()}
}

// member is one key of a JSON object of texts.
func member(whole secret.String, key string) (value secret.String, err error) {
	var keys map[string]json.RawMessage
	if json.Unmarshal([]byte(whole.Reveal()), &keys) != nil {
		return value, errors.New(`is no JSON object; store it as key/value pairs, or give secrets.scopes a name with {key} in it for one secret per key`)
	}
	raw, ok := keys[key]
	if !ok {
		return value, fmt.Errorf("has no key %s; add it to the secret's key/value pairs", key)
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return value, fmt.Errorf("has a key %s that is not text; write its value in quotes", key)
	}
	return secret.New(text), nil
}

// whole returns a secret of AWS: what is kept, unless there is nothing or it is to be fresh, and then
// what AWS says, or what is kept when it can't be asked.
func (r *Round) whole(ctx context.Context, at remote) (secret.String, error) {
	v := r.vault
	v.mu.Lock()
	var old secret.String
	k := v.kept[at]
	if k != nil {
		old = k.value
	}
	v.mu.Unlock()
	if err, asked := r.failed[at]; asked {
		if k != nil && usable(k, err) {
			return old, nil
		}
		return secret.String{}, err
	}
	if k != nil && !r.fresh {
		return old, nil
	}
	value, err := v.fetch(ctx, at)
	r.failed[at] = err // nil: it was asked
	if err != nil && usable(k, err) {
		return old, nil
	}
	return value, err
}

// usable says whether what is kept may be used after an answer.
func usable(k *kept, err error) bool { return err == nil || k != nil && !errors.Is(err, ErrGone) }

// fetch asks AWS and keeps the answer. Only the begin and the end of a failure are logged.
func (v *Vault) fetch(ctx context.Context, at remote) (secret.String, error) {
	ctx, cancel := context.WithTimeout(ctx, v.config.Timeout)
	defer cancel()
	value, err := v.config.AWS.Fetch(ctx, at.region, at.endpoint, at.name)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.counted(FromAWS, err == nil)
	k := v.kept[at]
	switch {
	case err == nil && k == nil:
		v.kept[at] = &kept{value: value, looked: time.Now()}
	case err == nil:
		if k.away {
			v.config.Logger.Info("a secret can be fetched again", "secret", at.String())
		}
		k.value, k.looked, k.away = value, time.Now(), false
	case k != nil:
		if !k.away {
			v.config.Logger.Warn("a secret can't be fetched; the value there was is used on", "secret", at.String(), "error", err.Error())
		}
		k.looked, k.away = time.Now(), true
	}
	delete(v.missed, at)
	if err != nil {
		v.missed[at] = time.Now()
	}
	return value, err
}

// lookRemote asks AWS for the secrets in use whose time has come.
func (v *Vault) lookRemote(ctx context.Context, changed func()) {
	v.mu.Lock()
	due := map[remote]secret.String{}
	for at, p := range v.asked {
		if k := v.kept[at]; k == nil && time.Since(v.missed[at]) >= min(p.Refresh, retry) {
			due[at] = secret.String{}
		} else if k != nil && time.Since(k.looked) >= p.Refresh {
			due[at] = k.value
		}
	}
	v.mu.Unlock()
	any := false
	for at, old := range due {
		value, err := v.fetch(ctx, at)
		if ctx.Err() != nil {
			return
		}
		any = any || err == nil && value.Reveal() != old.Reveal()
	}
	if any {
		changed()
	}
}
