// Package secret holds values that must not be seen: provider keys and tokens.
//
// A String prints as [redacted] through fmt, JSON, YAML, text and slog alike, so a config or an
// error that carries one can be logged safely. Reveal is the only way out; call it where the
// value leaves the process, and nowhere else. Strings are immutable and safe for concurrent use.
package secret

import (
	"log/slog"
	"strings"
)

const redacted = "[redacted]"

// String is a secret. The zero String is empty and means "not set".
//
// The value is behind a pointer because fmt does not ask a String how it prints when the verb does
// not fit the struct around it (%s, %d): it then shows an address, not the value.
type String struct{ v *string }

// New wraps a value.
func New(v string) String { return String{&v} }

// Reveal returns the value itself.
func (s String) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// IsZero reports whether the secret is empty.
func (s String) IsZero() bool { return s.Reveal() == "" }

// String implements fmt.Stringer; it never returns the value.
func (s String) String() string { return s.mask() }

// GoString implements fmt.GoStringer, for %#v.
func (s String) GoString() string { return s.mask() }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML use.
func (s String) MarshalText() ([]byte, error) { return []byte(s.mask()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *String) UnmarshalText(b []byte) error { *s = New(string(b)); return nil }

// LogValue implements slog.LogValuer.
func (s String) LogValue() slog.Value { return slog.StringValue(s.mask()) }

func (s String) mask() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// EnvName is the name of a secret as it stands in the name of an environment variable: api-key is
// API_KEY.
func EnvName(name string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
}

// Given is the scope of the secrets that came with requests of the endpoints API, in fields
// ..._plaintext.
const Given = "lakegate-endpoints"
