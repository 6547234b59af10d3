package main

import (
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/launch"
)

func TestConfigIsAccepted(t *testing.T) {
	text := configText("127.0.0.1:1234", "/tmp/data", "http://127.0.0.1:1235", "http://127.0.0.1:1236")
	if _, err := config.Parse(text, func(string) (string, bool) { return "", false }); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestCompare(t *testing.T) {
	p := func(s string) *string { return &s }
	names := []string{"outcome", "requester", "status_code", "request_streaming"}
	want := map[string]any{"outcome": "ok", "requester": nil, "status_code": 200.0, "request_streaming": true}
	for _, c := range []struct {
		got  launch.Row
		says string
	}{
		{launch.Row{p("ok"), nil, p("200"), p("true")}, ""},
		{launch.Row{p("crashed"), nil, p("200"), p("true")}, "outcome is crashed, want ok"},
		{launch.Row{p("ok"), p("me"), p("200"), p("true")}, "requester is me"},
		{launch.Row{p("ok"), nil, nil, p("true")}, "status_code is NULL, want 200"},
		{launch.Row{p("ok"), nil, p("200"), p("false")}, "request_streaming is false"},
	} {
		err := compare(names, c.got, want)
		if (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v, want %q", c.got, err, c.says)
		}
	}
}
