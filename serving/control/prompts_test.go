package control_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/apierr"
)

const sum = `{"name":"sum","config":{"served_entities":[{"name":"gpt"}]},
	"lakegate":{"timeout":"1m","prompt":{"versions":[{"version":1,"messages":[{"role":"user","content":"a"}],"parameters":{"temperature":0.50}}]}}}`

// prompt is what the newest document says of a prompt.
func (s *stage) prompt(t *testing.T, name string) string {
	t.Helper()
	var spec struct {
		Lakegate struct {
			Prompt json.RawMessage `json:"prompt"`
		} `json:"lakegate"`
	}
	if err := json.Unmarshal(s.newest(t, name).Spec, &spec); err != nil {
		t.Fatal(err)
	}
	return string(spec.Lakegate.Prompt)
}

func TestPromptVersionsAreAddedAndActivated(t *testing.T) {
	s := newStage()
	p, ctx, admin := s.gateway(), t.Context(), actor("admin")
	_, err := p.Create(ctx, admin, []byte(sum))
	want(t, "creation", err, "")
	n, err := p.AddPrompt(ctx, admin, "sum", []byte(`{"messages":[{"role":"user","content":"b"}],"description":"d"}`))
	want(t, "a second version", err, "")
	if got := s.prompt(t, "sum"); n != 2 || !strings.HasPrefix(got, `{"active":1,"versions":[{"messages":[{"content":"a","role":"user"}],"parameters":{"temperature":0.50},"version":1},`) || !strings.HasSuffix(got, `"version":2}]}`) {
		t.Errorf("version %d: %s", n, got)
	}
	want(t, "activation", p.ActivatePrompt(ctx, admin, "sum", []byte(`{"version":2}`)), "")
	if got := s.prompt(t, "sum"); !strings.HasPrefix(got, `{"active":2,`) {
		t.Error(got)
	}
	if r := s.last(); r.Action != "activateServingEndpointPrompt" || r.Params["diff"] != `[{"path":"lakegate.prompt.active","from":1,"to":2}]` {
		t.Errorf("recorded %+v", r)
	}
	want(t, "a split", p.ActivatePrompt(ctx, admin, "sum", []byte(`{"active":{"1":90,"2":10}}`)), "")
	n, err = p.AddPrompt(ctx, admin, "sum", []byte(`{"messages":[{"role":"user","content":"c"}],"activate":true}`))
	want(t, "a version that answers at once", err, "")
	if got := s.prompt(t, "sum"); n != 3 || !strings.HasPrefix(got, `{"active":3,`) {
		t.Errorf("version %d: %s", n, got)
	}
	for _, body := range []string{`{}`, `{"version":1,"active":2}`, `[]`, `{"versions":1}`} {
		if p.ActivatePrompt(ctx, admin, "sum", []byte(body)) == nil {
			t.Errorf("%s was taken", body)
		}
	}
	for _, body := range []string{`{"version":9,"messages":[]}`, `{"messages":[],"activate":"yes"}`} {
		_, err := p.AddPrompt(ctx, admin, "sum", []byte(body))
		want(t, body, err, apierr.InvalidParameter)
	}
	_, err = p.AddPrompt(ctx, actor("ann"), "sum", []byte(`{"messages":[]}`))
	want(t, "who may not", err, apierr.ResourceNotFound)
	want(t, "the file's", p.ActivatePrompt(ctx, admin, "filed", []byte(`{"version":1}`)), apierr.Conflict)

	_, err = p.Create(ctx, admin, []byte(chat))
	want(t, "an endpoint without prompt", err, "")
	want(t, "activation where there is none", p.ActivatePrompt(ctx, admin, "chat", []byte(`{"version":1}`)), apierr.InvalidParameter)
	n, err = p.AddPrompt(ctx, admin, "chat", []byte(`{"messages":[{"role":"user","content":"c"}]}`))
	if want(t, "its first prompt", err, ""); n != 1 || !strings.HasPrefix(s.prompt(t, "chat"), `{"active":1,`) {
		t.Errorf("version %d: %s", n, s.prompt(t, "chat"))
	}
}

// A version's number means one text for ever, also when it was taken away in between; what a person
// reads of it may change.
func TestPromptVersionsDontChange(t *testing.T) {
	s := newStage()
	p, ctx, admin := s.gateway(), t.Context(), actor("admin")
	_, err := p.Create(ctx, admin, []byte(sum))
	want(t, "creation", err, "")
	_, err = p.AddPrompt(ctx, admin, "sum", []byte(`{"messages":[{"role":"user","content":"b {{ x }}"}],"variables":{"x":{"default":"1"}}}`))
	want(t, "a second version", err, "")
	both := string(s.newest(t, "sum").Spec)
	put := func(spec string) error { return p.TestSpec(ctx, admin, "sum", []byte(spec)) }
	for _, change := range [][2]string{
		{`"content":"a"`, `"content":"A"`}, {"0.50", "0.5"}, {`"default":"1"`, `"default":"2"`}, {`"role":"user"`, `"role":"system"`},
	} {
		want(t, "another "+change[0], put(strings.Replace(both, change[0], change[1], 1)), apierr.InvalidParameter)
	}
	want(t, "a description", put(strings.Replace(both, `"version":2`, `"version":2,"description":"new"`, 1)), "")
	want(t, "one version less", put(sum), "")
	want(t, "its number for another text", put(strings.Replace(both, `b {{ x }}`, `c`, 1)), apierr.InvalidParameter)
	want(t, "as it was", put(both), "")
	want(t, "one version less again", put(sum), "")
	n, err := p.AddPrompt(ctx, admin, "sum", []byte(`{"messages":[{"role":"user","content":"c"}]}`))
	if want(t, "one more", err, ""); n != 3 {
		t.Errorf("the number of a version that was taken away is used again: %d", n)
	}
	want(t, "deletion", p.Delete(ctx, admin, "sum"), "")
	_, err = p.Create(ctx, admin, []byte(strings.Replace(sum, `"content":"a"`, `"content":"A"`, 1)))
	want(t, "another endpoint of that name", err, "")
}
