package telemetry

import (
	"strings"
	"testing"
)

func TestFinishReasons(t *testing.T) {
	for data, want := range map[string]string{
		`{"choices":[{"finish_reason":"stop"},{"finish_reason" : "length"}]}`: "stop length",
		`{"stop_reason":"end_turn"}`:                                          "end_turn",
		`{"candidates":[{"finishReason":"MAX_TOKENS"}]}`:                      "MAX_TOKENS",
		`{"stopReason":"tool_use"}`:                                           "tool_use",
		`{"finish_reason":null}`:                                              "",
		`{"text":"\"finish_reason\":\"stop\""}`:                               "", // in a text
		`{"input":{"finish_reason":"what the customer said"}}`:                "", // a tool's argument
		`{"finish_reason"`:                                                    "",
		`{"finish_reason":`:                                                   "",
		`{"finish_reason":"st`:                                                "",
		`{"finish_reason":"` + strings.Repeat("x", 1000) + `"}`:               "",
		`[` + strings.Repeat(`{"finish_reason":"stop"},`, 100):                strings.TrimSpace(strings.Repeat("stop ", maxReasons)),
	} {
		if got := strings.Join(finishReasons(nil, []byte(data)), " "); got != want {
			t.Errorf("%.80s: %q, want %q", data, got, want)
		}
	}
}
