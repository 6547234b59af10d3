package anthropic

import (
	"fmt"
	"testing"

	"github.com/lakegate/lakegate/internal/inference"
)

func TestParseUsage(t *testing.T) {
	tests := []struct{ in, want string }{
		{`{"input_tokens":5,"output_tokens":7}`, "in 5 out 7 total 12"},
		{`{"input_tokens":5,"output_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":0}`, "in 5 out 7 total 12 cached 0 written 0"},
		{`{"input_tokens":5,"output_tokens":7,"cache_creation_input_tokens":30,"cache_read_input_tokens":200,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"service_tier":"priority"}`, "in 235 out 7 total 242 cached 200 written 30 hour 20 tier priority"},
		{`{"input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20}}`, "in 35 written 30 hour 20"},
		{`{"input_tokens":5,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":0}}`, "in 35 written 30 hour 0"},
		{`{"input_tokens":5,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":10}}`, "in 35 written 30 hour 30"},
		{`{"input_tokens":5,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":10}}`, "in 35 written 30"},
		{`{"input_tokens":5,"output_tokens":70,"output_tokens_details":{"thinking_tokens":60},"server_tool_use":{"web_search_requests":2,"web_fetch_requests":1}}`, "in 5 out 70 total 75 reasoning 60 searches 2"},
		{`{"output_tokens":7}`, "out 7"},
		{`{"output_tokens":7,"service_tier":"standard","speed":"fast"}`, "out 7 tier fast"},
		{`{"output_tokens":7,"service_tier":"standard","speed":"standard"}`, "out 7 tier standard"},
		{`{"input_tokens":23000,"output_tokens":1000,"iterations":[{"type":"compaction","input_tokens":180000,"output_tokens":3500},{"type":"message","input_tokens":23000,"output_tokens":1000}]}`, "in 203000 out 4500 total 207500"},
		{`{"input_tokens":180,"output_tokens":8,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"iterations":[{"type":"compaction","input_tokens":100,"output_tokens":82,"cache_creation_input_tokens":55,"cache_read_input_tokens":7,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":55}}]}`, "in 342 out 90 total 432 cached 7 written 55 hour 55"},
		{`{"input_tokens":412,"output_tokens":264,"iterations":[{"type":"message","input_tokens":408,"output_tokens":0},{"type":"fallback_message","input_tokens":412,"output_tokens":264},{"type":"advisor_message","input_tokens":900,"output_tokens":9}]}`, "in 412 out 264 total 676"},
		{`{"input_tokens":-5,"output_tokens":"7"}`, "none"},
		{`{"input_tokens":null,"iterations":{"a":1},"cache_creation":[]}`, "none"},
		{`{}`, "none"},
		{`null`, "none"},
		{`[1]`, "none"},
	}
	for _, tt := range tests {
		u, ok := ParseUsage([]byte(tt.in))
		if got := usageText(u, ok); got != tt.want {
			t.Errorf("ParseUsage(%s) = %s, want %s", tt.in, got, tt.want)
		}
		if ok != (u.Source == inference.UsageProvider) || ok && string(u.Raw) != tt.in {
			t.Errorf("ParseUsage(%s) has source %q and raw %s", tt.in, u.Source, u.Raw)
		}
	}
}

func usageText(u inference.Usage, ok bool) string {
	if !ok {
		return "none"
	}
	s := ""
	for _, n := range []struct {
		name  string
		count *int64
	}{
		{"in", u.Input},
		{"out", u.Output},
		{"total", u.Total},
		{"cached", u.CachedInput},
		{"written", u.CacheWrite},
		{"hour", u.CacheWrite1h},
		{"reasoning", u.Reasoning},
		{"searches", u.Searches},
	} {
		if n.count != nil {
			s += fmt.Sprintf(" %s %d", n.name, *n.count)
		}
	}
	if u.ServiceTier != "" {
		s += " tier " + u.ServiceTier
	}
	return s[1:]
}

func TestParseAnswer(t *testing.T) {
	a, err := parseAnswer([]byte(`{"type":"message","model":"claude-x","content":[{"type":"text","text":"äb"},{"type":"thinking","thinking":"hmm"},{"type":"text","text":"c"}],"usage":{"input_tokens":1,"output_tokens":2}}`))
	if err != nil || a.Model != "claude-x" || *a.OutputChars != 3 || usageText(a.Usage, a.HasUsage) != "in 1 out 2 total 3" || a.Failed {
		t.Errorf("%+v, %v", a, err)
	}
	a, err = parseAnswer([]byte(`{"type":"error","error":{"type":"api_error","message":"x"}}`))
	if err != nil || !a.Failed || a.HasUsage || a.OutputChars != nil {
		t.Errorf("%+v, %v", a, err)
	}
	a, err = CountCodec().ParseAnswer([]byte(`{"input_tokens":2095}`))
	if err != nil || a.HasUsage {
		t.Errorf("%+v, %v", a, err)
	}
	for _, bad := range []string{"", "<html>", `{"content":[`, `[1]`} {
		if _, err := parseAnswer([]byte(bad)); err == nil {
			t.Errorf("%q passed for an answer", bad)
		}
		if _, err := parseCount([]byte(bad)); err == nil {
			t.Errorf("%q passed for a count", bad)
		}
	}
}

func TestInputChars(t *testing.T) {
	tests := []struct {
		in   string
		want int64 // -1 for none
	}{
		{`{"messages":[{"role":"user","content":"äb"}]}`, 2},
		{`{"system":"sys","messages":[{"role":"user","content":[{"type":"text","text":"ab"},{"type":"image","source":{"type":"url","url":"https://x"}}]}]}`, 5},
		{`{"system":[{"type":"text","text":"sys"}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"abc"},{"type":"tool_result","content":[{"type":"text","text":"d"}]}]}]}`, 7},
		{`{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"n","input":{"text":"x","content":"y"}}]}]}`, 0},
		{" \n{\"system\":\"abc\"}", 3},
		{`{"messages":[]}`, -1},
		{`{"system":null}`, -1},
		{`{"prompt":"x"}`, -1},
		{`nonsense`, -1},
	}
	for _, tt := range tests {
		got := int64(-1)
		if n := inputChars([]byte(tt.in)); n != nil {
			got = *n
		}
		if got != tt.want {
			t.Errorf("inputChars(%s) = %d, want %d", tt.in, got, tt.want)
		}
	}
}
