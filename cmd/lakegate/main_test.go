package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// TestMain lets the test binary be the program: a gateway starts its children from it, and pages type it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == workerName || os.Args[1] == maintainerName) {
		main()
		return
	}
	if stage, ok := os.LookupEnv(stageVar); ok {
		programOfPages(stage)
		return
	}
	os.Exit(m.Run())
}

// run runs a command line and returns what it wrote to standard output and standard error.
func run(t *testing.T, stdin string, args ...string) (out, errOut string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	c := root()
	c.SetArgs(args)
	c.SetIn(strings.NewReader(stdin))
	c.SetOut(&o)
	c.SetErr(&e)
	err = c.ExecuteContext(context.Background())
	return o.String(), e.String(), err
}

func TestWhatIsNotThereIsSaidPlainly(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"serve", "--frobnicate"}, "unknown flag: --frobnicate"},
		{[]string{"frobnicate"}, `unknown command "frobnicate"`},
		{[]string{"sql"}, "accepts 1 arg"},
		{[]string{"sql", "SELECT 1", "--format", "xml"}, "want table, csv, json or md"},
		{[]string{"sql", "  ", "--data", "nowhere"}, "the query is empty"},
		{[]string{"sql", "SELECT 1", "--data", "no-such-folder"}, "no such file or directory"},
		{[]string{"sql", "SELECT 1", "--data", "x", "--server", "y"}, "[data server]"},
		{[]string{"report", "chargeback", "--tz", "Mars/Olympus", "--data", "x"}, "Mars/Olympus"},
		{[]string{"report", "chargeback", "--from", "yesterday", "--data", "x"}, "yesterday"},
		{[]string{"report", "chargeback", "--format", "pdf", "--data", "x"}, "pdf"},
		{[]string{"verify", "--data", "no-such-folder"}, "no such file or directory"},
		{[]string{"config", "check", "no-such-file.yaml"}, "no-such-file.yaml"},
		{[]string{"keys", "new"}, "--name"},
		{[]string{"keys", "new", "--name", "x", "--kind", "robot"}, "want user or service_principal"},
		{[]string{"serve", "--log-level", "loud", "--config", "x"}, "want debug, info, warn or error"},
		{[]string{"dashboards", "check", "no-such-file.json"}, "no-such-file.json"},
	}
	for _, tt := range tests {
		_, _, err := run(t, "", tt.args...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("lakegate %s: want an error with %q, got %v", strings.Join(tt.args, " "), tt.want, err)
		}
	}
}

func TestServerNeedsAKey(t *testing.T) {
	t.Setenv(keyVar, "")
	_, _, err := run(t, "", "sql", "SELECT 1", "--server", "http://127.0.0.1:1")
	if err == nil || !strings.Contains(err.Error(), keyVar) {
		t.Errorf("want an error that names %s, got %v", keyVar, err)
	}
}

func TestKeyFitsTheConfigFile(t *testing.T) {
	out, errOut, err := run(t, "", "keys", "new", "--name", "me", "--principal", `a "quoted" name`, "--admin")
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(errOut[strings.LastIndex(errOut, " ")+1:])
	if !strings.HasPrefix(token, "lg-") || strings.Contains(out, token) {
		t.Errorf("token %q; the config lines are\n%s", token, out)
	}
	hash, _, err := run(t, token+"\n", "keys", "hash")
	if err != nil || !strings.Contains(out, strings.TrimSpace(hash)) {
		t.Errorf("keys hash says %q (%v), the config lines\n%s", hash, err, out)
	}
	file := t.TempDir() + "/lakegate.yaml"
	if err := os.WriteFile(file, []byte("keys:\n"+out+minimalEndpoint), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, err := run(t, "", "config", "check", file); err != nil || !strings.Contains(out, "1 endpoints, 1 keys") {
		t.Errorf("config check: %q %v", out, err)
	}
}

// A key may name an endpoint that the API will make; one that is almost the file's is a slip.
func TestKeysOfEndpointsToCome(t *testing.T) {
	file := t.TempDir() + "/lakegate.yaml"
	check := func(endpoint string) (string, error) {
		t.Helper()
		text := "keys: [{name: me, principal: me, hash: 'sha256:" + strings.Repeat("0a", 32) + "', endpoints: [chat, " + endpoint + "]}]\n" + minimalEndpoint
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _, err := run(t, "", "config", "check", file)
		return out, err
	}
	if out, err := check("search"); err != nil || !strings.Contains(out, "key me: endpoint search is not in this file: it has to be made through the API\n") {
		t.Errorf("%v\n%s", err, out)
	}
	judged := strings.Replace(minimalEndpoint, "endpoints:\n", "endpoints:\n"+comparedEndpoint, 1)
	if err := os.WriteFile(file, []byte(judged), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, err := run(t, "", "config", "check", file); err != nil || !strings.Contains(out, "endpoint tried: judge critic is not in this file: it has to be made through the API\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := check("chta"); err == nil || !strings.Contains(err.Error(), `did you mean "chat"? If one of that name is made through the API, write it as a pattern, "chta*"`) {
		t.Error(err)
	}
}

const comparedEndpoint = `  - name: tried
    config:
      served_entities:
        - {name: a, external_model: {name: m, provider: custom, task: llm/v1/chat, custom_provider_config: {custom_provider_url: "http://localhost:1"}}}
        - {name: b, external_model: {name: m, provider: custom, task: llm/v1/chat, custom_provider_config: {custom_provider_url: "http://localhost:1"}}}
      traffic_config: {routes: [{served_entity_name: a, traffic_percentage: 100}, {served_entity_name: b, traffic_percentage: 0}]}
    lakegate: {compare: {baseline: a, challenger: b, share: 1, judge: critic}}
`

const minimalEndpoint = `endpoints:
  - name: chat
    config:
      served_entities:
        - name: mini
          external_model: {name: gpt-4o-mini, provider: openai, task: llm/v1/chat, openai_config: {openai_api_base: "http://127.0.0.1:1/v1"}}
`
