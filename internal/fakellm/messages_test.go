package fakellm

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

func post(t *testing.T, body string) (int, string) {
	t.Helper()
	s, err := New(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/messages", strings.NewReader(body)))
	b, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(b)
}

// TestMessages: whole and streamed, the text and the usage are those of the plan.
func TestMessages(t *testing.T) {
	body := `{"model":"claude-sonnet-4-5","max_tokens":100,"system":"Be brief.","messages":[{"role":"user","content":"hi\nx-fake: tokens=9 cached=2"}]`
	p, err := DefaultConfig().Plan(Messages, []byte(body+"}"))
	if err != nil {
		t.Fatal(err)
	}
	status, whole := post(t, body+"}")
	if status != 200 || gjson.Get(whole, "content.0.text").Str != p.Content || gjson.Get(whole, "usage.input_tokens").Int() != p.Usage.Prompt-2 ||
		gjson.Get(whole, "usage.cache_read_input_tokens").Int() != 2 || gjson.Get(whole, "usage.output_tokens").Int() != 9 || gjson.Get(whole, "stop_reason").Str != "end_turn" {
		t.Errorf("%d %s", status, whole)
	}
	_, stream := post(t, body+`,"stream":true}`)
	text, names := "", []string{}
	for ev := range strings.SplitSeq(strings.TrimSpace(stream), "\n\n") {
		name, data, ok := strings.Cut(ev, "\ndata: ")
		if !ok || !gjson.Valid(data) || "event: "+gjson.Get(data, "type").Str != name {
			t.Fatalf("a bad event: %s", ev)
		}
		text += gjson.Get(data, "delta.text").Str
		if n := strings.TrimPrefix(name, "event: "); len(names) == 0 || names[len(names)-1] != n {
			names = append(names, n)
		}
	}
	if want := "message_start content_block_start content_block_delta content_block_stop message_delta message_stop"; text != p.Content || strings.Join(names, " ") != want {
		t.Errorf("text %q, events %v", text, names)
	}
	if status, refused := post(t, `{"model":"c","messages":[{"role":"user","content":"hi"}]}`); status != 400 || !strings.Contains(refused, "max_tokens") {
		t.Errorf("%d %s", status, refused)
	}
}
