package openai

import "strings"

// model is a provider's name of a model. What OpenAI's own models take differs by generation, and
// the name is all that tells.
type model string

// family returns the name without what gateways put before it: openai/gpt-5 is gpt-5.
func (m model) family() string {
	return strings.ToLower(string(m[strings.LastIndexByte(string(m), '/')+1:]))
}

// version returns the two numbers behind a prefix of the name: 5 and 6 for gpt-5.6-mini and gpt-,
// 0 and 0 for names that do not begin so.
func (m model) version(prefix string) (major, minor int) {
	rest, ok := strings.CutPrefix(m.family(), prefix)
	if !ok {
		return 0, 0
	}
	major, rest = digits(rest)
	if after, ok := strings.CutPrefix(rest, "."); ok {
		minor, _ = digits(after)
	}
	return major, minor
}

func digits(s string) (n int, rest string) {
	i := 0
	for ; i < len(s) && i < 4 && s[i] >= '0' && s[i] <= '9'; i++ {
		n = 10*n + int(s[i]-'0')
	}
	return n, s[i:]
}

func (m model) isOSeries() bool {
	n, _ := m.version("o")
	return n > 0
}

// neverThinks reports whether the model is one of OpenAI's that have no reasoning.
func (m model) neverThinks() bool {
	gpt, _ := m.version("gpt-")
	return gpt > 0 && gpt < 5
}

// alwaysThinks reports whether the model is one of OpenAI's that know no effort of none, which
// came with gpt-5.1.
func (m model) alwaysThinks() bool {
	gpt, minor := m.version("gpt-")
	return m.isOSeries() || gpt == 5 && minor == 0
}

func (m model) wantsCompletionTokens() bool {
	gpt, _ := m.version("gpt-")
	return m.isOSeries() || gpt >= 5
}

// takesBreakpoints reports whether parts can be marked as the end of what is to be cached.
func (m model) takesBreakpoints() bool {
	gpt, minor := m.version("gpt-")
	return gpt > 5 || gpt == 5 && minor >= 6
}

func (m model) isClaude() bool { return strings.Contains(m.family(), "claude") }

func (m model) isGPT() bool { return strings.Contains(m.family(), "gpt") }
