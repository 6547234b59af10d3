package anthropic

import "testing"

func TestVersionOf(t *testing.T) {
	tests := map[string]version{
		"claude-sonnet-4-5":                            45,
		"claude-sonnet-4-5-20250929":                   45,
		"claude-opus-4-20250514":                       40,
		"claude-opus-4-1-20250805":                     41,
		"claude-sonnet-4-0":                            40,
		"claude-4-opus-20250514":                       40,
		"claude-3-7-sonnet-20250219":                   37,
		"claude-3-haiku-20240307":                      30,
		"claude-2.1":                                   21,
		"claude-opus-4-8":                              48,
		"claude-fable-5":                               50,
		"claude-opus-5-5":                              55,
		"claude-mythos-preview":                        newest,
		"eu.anthropic.claude-sonnet-4-6-20260101-v1:0": 46,
		"anthropic.claude-3-5-sonnet-20241022-v2:0":    35,
		"claude-haiku-4-5@20251001":                    45,
		"anthropic/claude-sonnet-4.5":                  45,
		"databricks-claude-3-7-sonnet":                 37,
		"Claude-Opus-4-6":                              46,
		"deepseek-chat":                                newest,
		"claude-":                                      newest,
		"":                                             newest,
	}
	for model, want := range tests {
		if got := versionOf(model); got != want {
			t.Errorf("versionOf(%q) = %d, want %d", model, got, want)
		}
	}
}
