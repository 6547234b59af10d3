package control_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/control"
)

// hidden is in every secret: where it shows, one leaked.
const hidden = "hunter2-do-not-show"

// fakeSecrets are secrets in memory.
type fakeSecrets struct {
	mu      sync.Mutex
	kept    map[string]string
	stored  map[string]time.Time
	refused error // of Taken
	away    error
}

func newSecrets() *fakeSecrets {
	return &fakeSecrets{kept: map[string]string{}, stored: map[string]time.Time{}}
}

func (f *fakeSecrets) Taken() error { return f.refused }

func (f *fakeSecrets) Get(_ context.Context, key string) (secret.String, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.kept[key]
	return secret.New(v), ok, f.away
}

func (f *fakeSecrets) Put(_ context.Context, given map[string]secret.String) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away != nil {
		return f.away
	}
	for k, v := range given {
		f.kept[k], f.stored[k] = v.Reveal(), time.Now()
	}
	return nil
}

func (f *fakeSecrets) Sweep(_ context.Context, gone func(string, time.Time) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k := range f.kept {
		if gone(k, f.stored[k]) {
			delete(f.kept, k)
		}
	}
	return f.away
}

// values are the secrets that are kept, sorted.
func (f *fakeSecrets) values() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, v := range f.kept {
		all = append(all, strings.TrimPrefix(v, hidden))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// sealed is a gateway that keeps secrets.
func (s *stage) sealed(f *fakeSecrets) *control.Plane {
	p := s.gateway()
	p.Secrets = f
	check := p.Check
	p.Check = func(spec []byte, given map[string]secret.String) error {
		if strings.Contains(string(spec), hidden) {
			return apierr.New(apierr.InvalidParameter, "a secret is in the document")
		}
		for _, m := range regexp.MustCompile(`secrets/lakegate-endpoints/([^}]+)`).FindAllSubmatch(spec, -1) {
			if _, ok, _ := f.Get(context.Background(), string(m[1])); !ok && given[string(m[1])].IsZero() {
				return apierr.New(apierr.InvalidParameter, "there is no secret %s", m[1])
			}
		}
		return check(spec, given)
	}
	return p
}

func entity(name, block, members string) string {
	return fmt.Sprintf(`{"name":%q,"external_model":{"name":"m","provider":"p","task":"t",%q:{%s}}}`, name, block, members)
}

func config(entities ...string) string {
	return `{"served_entities":[` + strings.Join(entities, ",") + `]}`
}

func key(n string) string { return `"openai_api_key_plaintext":"` + hidden + n + `"` }

// spec is an endpoint's, with the random ends of its keys cut off.
func (s *stage) spec(t *testing.T, name string) string {
	t.Helper()
	return regexp.MustCompile(`\.[0-9a-f]{16}\}`).ReplaceAllString(string(s.newest(t, name).Spec), ".…}")
}

// A secret in a request is kept apart from the document, until the endpoint has another one or is no more.
func TestSecretsInRequests(t *testing.T) {
	s, f := newStage(), newSecrets()
	p, ctx, admin := s.sealed(f), t.Context(), actor("admin")
	put := func(config string) error { return p.PutConfig(ctx, admin, "chat", []byte(config)) }
	expect := func(what, kept string, version int64) {
		t.Helper()
		if got, v := f.values(), s.newest(t, "chat").Version; got != kept || v != version {
			t.Errorf("%s: keeps %q at version %d, want %q at %d", what, got, v, kept, version)
		}
	}
	create := `{"name":"chat","config":` + config(entity("gpt/4:x", "openai_config", key("1")),
		entity("own", "custom_provider_config", `"custom_provider_url":"http://x","api_key_auth":{"key":"X-Key","value_plaintext":"`+hidden+`2"}`)) + `}`
	_, err := p.Create(ctx, admin, []byte(create))
	want(t, "creation", err, "")
	expect("creation", "1 2", 1)
	for _, ref := range []string{
		`"openai_config":{"openai_api_key":"{{secrets/lakegate-endpoints/chat.gpt_4_x.openai_api_key.…}}"}`,
		`"api_key_auth":{"key":"X-Key","value":"{{secrets/lakegate-endpoints/chat.own.api_key_auth_value.…}}"}`,
	} {
		if spec := s.spec(t, "chat"); !strings.Contains(spec, ref) {
			t.Errorf("the document: %s\nwant %s", spec, ref)
		}
	}
	want(t, "the same again", put(config(entity("gpt/4:x", "openai_config", key("1")),
		entity("own", "custom_provider_config", `"custom_provider_url":"http://x","api_key_auth":{"key":"X-Key","value_plaintext":"`+hidden+`2"}`))), "")
	expect("the same again", "1 2", 1)
	want(t, "another key", put(config(entity("gpt/4:x", "openai_config", key("3")))), "")
	expect("another key", "3", 2)
	want(t, "as it was read", put(config(entity("gpt/4:x", "openai_config", `"openai_api_base":"http://y"`))), "")
	expect("as it was read", "3", 3)
	want(t, "no block at all", put(`{"served_entities":[{"name":"gpt/4:x","external_model":{"name":"m","provider":"p","task":"t"}}]}`), "")
	expect("no block at all", "3", 4)
	want(t, "tags", p.PatchTags(ctx, admin, "chat", []byte(`{"add_tags":[{"key":"a","value":"b"}]}`)), "")
	expect("tags", "3", 5)
	want(t, "nonsense", put(config(entity("nonsense", "openai_config", key("4")))), apierr.InvalidParameter)
	expect("nonsense", "3", 5)
	want(t, "another provider", put(strings.Replace(config(entity("gpt/4:x", "other_config", `"a":"b"`)), `"p"`, `"q"`, 1)), "")
	expect("another provider", "", 6)
	want(t, "a key again", put(config(entity("gpt/4:x", "openai_config", key("5")))), "")
	want(t, "null", put(config(entity("gpt/4:x", "openai_config", `"openai_api_key":null`))), "")
	expect("null", "", 8)
	want(t, "a key and null", put(config(entity("gpt/4:x", "openai_config", `"openai_api_key":null,`+key("6")))), "")
	expect("a key and null", "6", 9)
	want(t, "deletion", p.Delete(ctx, admin, "chat"), "")
	expect("deletion", "", 10)
	_, err = p.Rollback(ctx, admin, "chat", control.Back{To: 9})
	want(t, "back to a version whose key is gone", err, apierr.InvalidParameter)
	if text := fmt.Sprint(s.rows) + fmt.Sprintf("%+v", s.last()); strings.Contains(text, hidden) {
		t.Error("a secret is in an audit row")
	}
	for _, row := range s.rows {
		if strings.Contains(fmt.Sprintf("%+v", *row), hidden) {
			t.Errorf("a secret is in the audit row %+v", *row)
		}
	}
}

// Bedrock's and Google's blocks have several secrets, and what is wrong with a field is said by who checks it.
func TestWhichFieldsAreSecrets(t *testing.T) {
	s, f := newStage(), newSecrets()
	p := s.sealed(f)
	_, err := p.Create(t.Context(), actor("admin"), []byte(`{"name":"chat","config":`+config(
		entity("b", "amazon_bedrock_config", `"aws_access_key_id_plaintext":"`+hidden+`1","aws_secret_access_key_plaintext":"`+hidden+`2"`),
		entity("v", "google_cloud_vertex_ai_config", `"private_key_plaintext":"`+hidden+`3"`),
		entity("z", "openai_config", `"openai_api_key_plaintext":"","openai_api_type":"x"`),
		entity("r", "openai_config", `"openai_api_key_plaintext":"{{secrets/a/b}}"`),
		entity("n", "openai_config", `"openai_api_key_plaintext":7`),
		entity("two", "openai_config", `"openai_api_key_plaintext":"x","openai_api_key":"{{secrets/a/b}}"`))+`}`))
	want(t, "creation", err, "")
	if f.values() != "1 2 3" {
		t.Errorf("kept: %s", f.values())
	}
	for _, left := range []string{`"openai_api_key_plaintext":""`, `"openai_api_key_plaintext":"{{secrets/a/b}}"`, `"openai_api_key_plaintext":7`, `"openai_api_key":"{{secrets/a/b}}","openai_api_key_plaintext":"x"`} {
		if spec := s.spec(t, "chat"); !strings.Contains(spec, left) {
			t.Errorf("%s is not in %s", left, spec)
		}
	}
}

func TestWhereSecretsCannotBeKept(t *testing.T) {
	s, f := newStage(), newSecrets()
	p, ctx, admin := s.sealed(f), t.Context(), actor("admin")
	create := []byte(`{"name":"chat","config":` + config(entity("gpt", "openai_config", key("1"))) + `}`)
	f.refused = errors.New("say secrets: {store: {in: lake}}")
	_, err := p.Create(ctx, admin, create)
	if want(t, "no store", err, apierr.InvalidParameter); !strings.Contains(err.Error(), "openai_api_key_plaintext: a secret itself can't be kept here: say secrets: {store") {
		t.Errorf("no store: %v", err)
	}
	_, err = s.gateway().Create(ctx, admin, create)
	want(t, "without Secrets", err, apierr.InvalidParameter)
	f.refused, f.away = nil, errors.New("the key of the secrets is missing")
	_, err = p.Create(ctx, admin, create)
	if want(t, "no key", err, apierr.Unavailable); !strings.Contains(err.Error(), "nothing was changed: the key of the secrets is missing") {
		t.Errorf("no key: %v", err)
	}
	if s.newest(t, "chat") != nil || len(s.rows) != 3 {
		t.Errorf("%d rows, %v", len(s.rows), s.newest(t, "chat"))
	}
	f.away = nil
	_, err = p.Create(ctx, admin, create)
	want(t, "creation", err, "")
	f.away = errors.New("away")
	want(t, "deletion", p.Delete(ctx, admin, "chat"), "") // it is done; what is left is swept later
	f.away = nil
}

// Who loses a race leaves no secret behind, and one left by a request that died goes with a later change.
func TestSecretsLeftOver(t *testing.T) {
	s, f := newStage(), newSecrets()
	p, ctx, admin := s.sealed(f), t.Context(), actor("admin")
	_, err := p.Create(ctx, admin, []byte(`{"name":"chat","config":`+config(entity("gpt", "openai_config", key("1")))+`}`))
	want(t, "creation", err, "")
	_, err = p.Create(ctx, admin, []byte(`{"name":"other","config":`+config(entity("gpt", "openai_config", key("other")))+`}`))
	want(t, "creation of another", err, "")
	follow := p.Follow
	p.Follow = func(ctx context.Context) (endpoints.Set, error) {
		set, err := follow(ctx)
		p.Follow = follow
		want(t, "the faster one", s.sealed(f).PutConfig(ctx, admin, "chat", []byte(config(entity("gpt", "openai_config", key("2"))))), "")
		return set, err
	}
	want(t, "the slower one", p.PutConfig(ctx, admin, "chat", []byte(config(entity("gpt", "openai_config", key("3"))))), apierr.Conflict)
	if f.values() != "2 other" {
		t.Errorf("kept: %s", f.values())
	}
	f.kept["died"], f.stored["died"] = "died", time.Now().Add(-time.Hour)
	f.kept["busy"], f.stored["busy"] = "busy", time.Now()
	want(t, "a later change", p.PutConfig(ctx, admin, "chat", []byte(config(entity("gpt", "openai_config", key("4"))))), "")
	if f.values() != "4 busy other" {
		t.Errorf("kept: %s", f.values())
	}
}

// A manager who is no administrator may give the endpoint a secret of his own, and keep what it has.
func TestManagersSecrets(t *testing.T) {
	s, f := newStage(), newSecrets()
	p, ctx := s.sealed(f), t.Context()
	_, err := p.Create(ctx, actor("admin"), []byte(`{"name":"chat","config":`+config(entity("gpt", "openai_config", key("1")))+`}`))
	want(t, "creation", err, "")
	_, err = p.Create(ctx, actor("admin"), []byte(`{"name":"other","config":`+config(entity("gpt", "openai_config", key("other")))+`}`))
	want(t, "creation of another", err, "")
	want(t, "permission", p.PatchAccess(ctx, actor("admin"), "chat", []byte(`{"access_control_list":[{"user_name":"ann","permission_level":"CAN_MANAGE"}]}`)), "")
	ann := actor("ann")
	want(t, "a change that keeps it", p.PutConfig(ctx, ann, "chat", []byte(config(entity("gpt", "openai_config", `"openai_api_base":"http://x"`)))), "")
	want(t, "a secret of her own", p.PutConfig(ctx, ann, "chat", []byte(config(entity("gpt", "openai_config", key("2"))))), "")
	others := regexp.MustCompile(`\{\{secrets/[^}]*\}\}`).FindString(string(s.newest(t, "other").Spec))
	want(t, "another endpoint's", p.PutConfig(ctx, ann, "chat", []byte(config(entity("gpt", "openai_config", `"openai_api_key":"`+others+`"`)))), apierr.PermissionDenied)
	if f.values() != "2 other" {
		t.Errorf("kept: %s", f.values())
	}
}
