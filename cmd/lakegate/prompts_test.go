package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/fakellm"
)

func promptsCmd(args ...string) []string { return append([]string{"prompts"}, args...) }

// invoke calls an endpoint as Databricks' clients do.
func (g *running) invoke(t *testing.T, name, token, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, g.base+"/serving-endpoints/"+name+"/invocations", strings.NewReader(body))
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, string(b)
}

// A prompt's life: made, tried, called, a version more, back to the one before, and read of in SQL.
func TestPromptsFromTheCommandLine(t *testing.T) {
	g := startOne(t)
	provider, err := fakellm.New(fakellm.DefaultConfig())
	must(t, err)
	upstream := httptest.NewServer(provider)
	t.Cleanup(upstream.Close)
	spec := `{"name":"sum","config":{"served_entities":[{"name":"gpt","external_model":{"name":"gpt-4o","provider":"openai","task":"llm/v1/chat",
		"openai_config":{"openai_api_key":"{{secrets/openai/prod}}","openai_api_base":"` + upstream.URL + `/v1"}}}]},
		"lakegate":{"prompt":{"versions":[{"version":1,"messages":[{"role":"system","content":"For {{ who }}."},{"role":"user","content":"{{ text }}\nIn short."}],
		"parameters":{"temperature":0},"variables":{"text":{"description":"what is meant"},"who":{"default":"all"}}}]}}}`
	if status, answer := g.api(t, "POST", "serving-endpoints", admin, spec); status != 200 {
		t.Fatalf("%d %v", status, answer)
	}
	says(t, promptsCmd("list"), "sum ", "api ", "text, [who]")
	says(t, promptsCmd("show", "sum"), "version 1  active", "text  # what is meant", `who = "all"`, "system:\n    For {{ who }}.", `{"temperature":0}`)
	says(t, promptsCmd("render", "sum", "text=a\"b"), "For all.", "a\"b\n    In short.")
	must(t, os.WriteFile("two.yaml", []byte("messages:\n  - {role: user, content: 'Two: {{ text }}'}\ndescription: shorter\n"), 0o600))
	says(t, promptsCmd("add", "sum", "-f", "two.yaml"), "sum: version 2 is added; active is 1")
	says(t, promptsCmd("render", "sum", "--version", "2", "text=@two.yaml"), "Two: messages:")
	says(t, promptsCmd("activate", "sum", "2"), "sum: active is 2, was 1")
	invoke := func(body string) (int, string) { return g.invoke(t, "sum", admin, body) }
	if status, answer := invoke(`{"inputs":{"text":"x"}}`); status != 200 || !strings.Contains(answer, `"choices"`) {
		t.Errorf("%d %s", status, answer)
	}
	says(t, promptsCmd("activate", "sum", "1=90", "2=10"), "sum: active is 1: 90%, 2: 10%, was 2")
	says(t, promptsCmd("activate", "sum", "1"), "sum: active is 1")
	if status, answer := invoke(`{"variables":{"text":"x"},"version":2}`); status != 200 {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := invoke(`{"variables":{"what":"x"}}`); status != 400 || !strings.Contains(answer, `needs variable \"text\", and has no variable \"what\"`) {
		t.Errorf("%d %s", status, answer)
	}
	says(t, endpointsCmd("history", "sum"), "prompt version activated", "~ lakegate.prompt.active  ", "prompt version added")
	rows := says(t, []string{"sql", "--format", "csv", `SELECT prompt_version, status_code FROM system.serving.endpoint_usage WHERE endpoint_name = 'sum' ORDER BY request_time`})
	if got := strings.ReplaceAll(rows, "\r", ""); got != "prompt_version,status_code\n2,200\n2,200\n1,400\n" {
		t.Errorf("rows\n%s", got)
	}

	_, schema := g.api(t, "GET", "serving-endpoints/sum/openapi", admin, "")
	if text, err := json.Marshal(schema); err != nil || !strings.Contains(string(text), `"properties":{"text":{"description":"what is meant"},"who":{}},"required":["text"]`) {
		t.Errorf("schema %s", text)
	}
	fails(t, promptsCmd("activate", "sum", "7"), "there is no version 7")
	fails(t, promptsCmd("activate", "sum", "one"), `"one": want the number of a version`)
	fails(t, promptsCmd("activate", "sum", "1=90", "2=20"), "add up to 110")
	fails(t, promptsCmd("activate", "filed", "1"), "no prompt")
	fails(t, promptsCmd("show", "none"), "does not exist")
	fails(t, promptsCmd("show", "sum", "--version", "9"), "has no version 9")
	fails(t, promptsCmd("render", "sum"), `needs variable "text"`)
	fails(t, promptsCmd("render", "sum", "text"), "want VARIABLE=TEXT")
	fails(t, promptsCmd("render", "sum", "--version", "9", "text=a"), "has no version 9; there are versions 1 to 2")
	fails(t, promptsCmd("add", "sum"), "-f FILE")
	must(t, os.WriteFile("bad.yaml", []byte("messages: [{role: user, content: '{{ a b }}'}]\n"), 0o600))
	fails(t, promptsCmd("add", "sum", "-f", "bad.yaml"), "is no variable", "versions[2].messages[0].content")

	t.Setenv(keyVar, reader)
	fails(t, promptsCmd("show", "sum"), "does not exist")
	if status, _ := g.api(t, "PATCH", "serving-endpoints/sum", admin, `{}`); status == 200 {
		t.Error("there is no such change")
	}
	_, detail := g.api(t, "GET", "serving-endpoints/sum", admin, "")
	id, _ := detail["id"].(string)
	if status, answer := g.api(t, "PATCH", "permissions/serving-endpoints/"+id, admin, `{"access_control_list":[{"group_name":"users","permission_level":"CAN_QUERY"}]}`); status != 200 {
		t.Fatalf("%d %v", status, answer)
	}
	if seen := says(t, promptsCmd("show", "sum"), "its messages are for those who manage"); strings.Contains(seen, "In short") || strings.Contains(seen, `"all"`) {
		t.Errorf("who may call it reads\n%s", seen)
	}
	fails(t, promptsCmd("render", "sum", "text=a"), "CAN_MANAGE")
	fails(t, promptsCmd("activate", "sum", "2"), "CAN_MANAGE")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
