package gemini

import "testing"

func TestSetModel(t *testing.T) {
	tests := []struct{ body, set, removed string }{
		{`{"contents": [] }`, `{"contents": [] }`, `{"contents": [] }`},
		{`{"model":"models/a", "contents": []}`, `{"model":"models/b","contents": []}`, `{"contents": []}`},
		{`{"generateContentRequest":{"model":"a","contents":[]}}`, `{"generateContentRequest":{"model":"models/b","contents":[]}}`, `{"generateContentRequest":{"contents":[]}}`},
		{
			`{"requests":[ {"model":"a","content":{"parts":[{"text":"model"}]}}, {"model":"a"}, {} ]}`,
			`{"requests":[{"model":"models/b","content":{"parts":[{"text":"model"}]}},{"model":"models/b"},{}]}`,
			`{"requests":[{"content":{"parts":[{"text":"model"}]}},{},{}]}`,
		},
		{`[1]`, `[1]`, `[1]`},
	}
	for _, tt := range tests {
		if got := string(SetModel([]byte(tt.body), "models/b")); got != tt.set {
			t.Errorf("set in %s: %s", tt.body, got)
		}
		if got := string(SetModel([]byte(tt.body), "")); got != tt.removed {
			t.Errorf("removed from %s: %s", tt.body, got)
		}
	}
}
