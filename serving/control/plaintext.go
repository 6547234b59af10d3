package control

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/internal/secret"
)

// Secrets keeps the secrets that requests bring in fields ..._plaintext, by keys of the scope
// secret.Given. Documents refer to them.
type Secrets interface {
	// Taken returns nil when secrets can be kept for every gateway that has these endpoints, and
	// otherwise says why not and what to do.
	Taken() error
	// Get returns a secret that was put; false when there is none.
	Get(ctx context.Context, key string) (secret.String, bool, error)
	// Put keeps all of them or none.
	Put(ctx context.Context, given map[string]secret.String) error
	// Sweep deletes the secrets that gone says so of; stored is when they were put.
	Sweep(ctx context.Context, gone func(key string, stored time.Time) bool) error
}

const plaintext = "_plaintext"

// orphanAge is after which time a secret that no endpoint refers to is left over of a request that
// did not end.
const orphanAge = 10 * time.Minute

// reference is a document's reference to a secret of the scope secret.Given.
var reference = regexp.MustCompile(`\{\{secrets/` + regexp.QuoteMeta(secret.Given) + `/([A-Za-z0-9_.-]+)\}\}`)

// seal takes the secrets out of next's specification and puts references in their place. It returns them
// by key; nothing is kept yet. A secret that the endpoint has already keeps its reference, so that the
// same request again changes nothing.
func (p *Plane) seal(ctx context.Context, old, next *endpoints.Document) (map[string]secret.String, error) {
	if next.Deleted || !strings.Contains(string(next.Spec), plaintext+`"`) {
		return nil, nil
	}
	s, err := object(next.Spec)
	if err != nil {
		return nil, err
	}
	found := plaintexts(s)
	if len(found) == 0 {
		return nil, nil
	}
	if err := p.Secrets.Taken(); err != nil {
		return nil, apierr.New(apierr.InvalidParameter, "Invalid value for field %s: a secret itself can't be kept here: %s", clip(found[0].field+plaintext), err).At(clip(found[0].field + plaintext))
	}
	had := referred(old)
	given := map[string]secret.String{}
	for _, f := range found {
		key, err := p.keyFor(ctx, next.Name, f, had)
		if err != nil {
			return nil, err
		}
		if key == "" {
			key = newKey(next.Name, f)
			given[key] = f.value
		}
		delete(f.in, f.name+plaintext)
		f.in[f.name] = "{{secrets/" + secret.Given + "/" + key + "}}"
	}
	return given, set(next, s)
}

// given is a secret in a request.
type given struct {
	in     map[string]any // the object that has it
	name   string         // of the field, without _plaintext
	entity string
	field  string // the same below the provider's block
	value  secret.String
}

// plaintexts finds the secrets of a specification. Fields that are wrong in another way than by being a
// secret stay, for the check to find.
func plaintexts(s spec) []given {
	var all []given
	config, _ := s["config"].(map[string]any)
	if c, ok := s["config"].(spec); ok {
		config = c
	}
	for x := range objects(config["served_entities"]) {
		model, _ := x["external_model"].(map[string]any)
		entity, _ := x["name"].(string)
		if entity == "" {
			entity, _ = model["name"].(string)
		}
		for _, block := range slices.Sorted(maps.Keys(model)) {
			if b, ok := model[block].(map[string]any); ok && strings.HasSuffix(block, "_config") {
				all = append(all, within(b, entity, "")...)
			}
		}
	}
	return all
}

// within finds the secrets of a provider's block, and of the objects in it.
func within(b map[string]any, entity, path string) []given {
	var all []given
	for _, member := range slices.Sorted(maps.Keys(b)) {
		if o, ok := b[member].(map[string]any); ok {
			all = append(all, within(o, entity, path+member+".")...)
			continue
		}
		name, ok := strings.CutSuffix(member, plaintext)
		text, isText := b[member].(string)
		if !ok || !isText || text == "" || strings.Contains(text, "{{") || b[name] != nil {
			continue
		}
		delete(b, name) // null is nothing
		all = append(all, given{b, name, entity, path + name, secret.New(text)})
	}
	return all
}

// keyFor returns the key under which the endpoint has the secret already, "" for none.
func (p *Plane) keyFor(ctx context.Context, endpoint string, f given, had []string) (string, error) {
	for _, key := range had {
		if !strings.HasPrefix(key, prefix(endpoint, f)) {
			continue
		}
		value, ok, err := p.Secrets.Get(ctx, key)
		if err != nil {
			return "", unkept(err)
		}
		if ok && subtle.ConstantTimeCompare([]byte(value.Reveal()), []byte(f.value.Reveal())) == 1 {
			return key, nil
		}
	}
	return "", nil
}

func unkept(err error) error {
	return apierr.New(apierr.Unavailable, "the store of secrets can't be used, so nothing was changed: %s", err).Because(err)
}

// prefix is what keys of a field's secrets begin with.
func prefix(endpoint string, f given) string {
	return part(endpoint, 40) + "." + part(f.entity, 30) + "." + part(f.field, 36) + "."
}

func newKey(endpoint string, f given) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return prefix(endpoint, f) + hex.EncodeToString(b[:])
}

// part makes a name fit to be part of a key.
func part(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, s)
	return s[:min(len(s), most)]
}

// referred returns the keys of secret.Given that a document refers to.
func referred(d *endpoints.Document) []string {
	if d == nil || d.Deleted {
		return nil
	}
	var keys []string
	for _, m := range reference.FindAllSubmatch(d.Spec, -1) {
		keys = append(keys, string(m[1]))
	}
	return keys
}

// sweep deletes the secrets of an endpoint's last version that no endpoint refers to any more, and what
// requests that did not end left over. What can't be deleted now is deleted after a later change.
func (p *Plane) sweep(ctx context.Context, set endpoints.Set, had []string, name string) {
	inUse := map[string]bool{}
	for _, d := range set.Live() {
		for _, key := range referred(d) {
			inUse[key] = true
		}
	}
	err := p.Secrets.Sweep(ctx, func(key string, stored time.Time) bool {
		return !inUse[key] && (slices.Contains(had, key) || time.Since(stored) > orphanAge)
	})
	if err != nil {
		p.Logger.Warn("secrets that an endpoint used are still kept; they are deleted after a later change", "endpoint", name, "error", err)
	}
}

// carry gives entities the secrets back that were given to them before and are not shown to who reads the
// endpoint: who reads it, changes something and sends it back means them to stay. An entity is the same
// by its name and provider, and a block that says anything of a secret says all. null takes one away.
func carry(was, is spec) {
	before := map[string]map[string]any{}
	for x := range entitiesOf(was) {
		before[entityName(x)] = x
	}
	for x := range entitiesOf(is) {
		old, _ := before[entityName(x)]["external_model"].(map[string]any)
		model, _ := x["external_model"].(map[string]any)
		if old == nil || model == nil || old["provider"] != model["provider"] {
			continue
		}
		for block, v := range old {
			b, isObject := v.(map[string]any)
			if !isObject {
				continue
			}
			mine, there := model[block].(map[string]any)
			if !there && model[block] == nil {
				mine = map[string]any{}
			}
			if mine != nil && !speaksOfSecrets(mine, b) && carried(b, mine) {
				model[block] = mine
			}
		}
	}
}

func entitiesOf(config spec) func(yield func(map[string]any) bool) {
	return objects(config["served_entities"])
}

func entityName(x map[string]any) string {
	name, _ := x["name"].(string)
	if name == "" {
		model, _ := x["external_model"].(map[string]any)
		name, _ = model["name"].(string)
	}
	return name
}

var secretField = regexp.MustCompile(`(_api_key|_api_keys|_secret|_api_token|private_key|_access_key_id|_secret_access_key|value|token|_plaintext)$`)

// speaksOfSecrets reports whether a block has a field for a secret, or an object that the one before had not.
func speaksOfSecrets(b, before map[string]any) bool {
	for name, v := range b {
		if o, ok := v.(map[string]any); ok {
			was, there := before[name].(map[string]any)
			if name != "usage_paths" && (!there || speaksOfSecrets(o, was)) {
				return true
			}
			continue
		}
		if secretField.MatchString(name) {
			return true
		}
	}
	return false
}

// carried copies references to given secrets from one block into another, and reports whether there were any.
func carried(from, to map[string]any) (found bool) {
	for name, v := range from {
		if text, ok := v.(string); ok && reference.MatchString(text) {
			to[name], found = text, true
			continue
		}
		o, ok := v.(map[string]any)
		mine, there := to[name].(map[string]any)
		if ok && there && carried(o, mine) {
			found = true
		}
	}
	return found
}

// errNoSecrets says that a gateway has nowhere to keep secrets.
var errNoSecrets = errors.New("this gateway reads no store of secrets; put it into its configuration, and give the reference {{secrets/scope/key}}")

// noSecrets keeps none.
type noSecrets struct{}

// Taken implements Secrets.
func (noSecrets) Taken() error { return errNoSecrets }

// Get implements Secrets.
func (noSecrets) Get(context.Context, string) (secret.String, bool, error) {
	return secret.String{}, false, nil
}

// Put implements Secrets.
func (noSecrets) Put(context.Context, map[string]secret.String) error {
	return fmt.Errorf("put: %w", errNoSecrets)
}

// Sweep implements Secrets.
func (noSecrets) Sweep(context.Context, func(string, time.Time) bool) error { return nil }
