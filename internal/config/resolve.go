package config

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/lakegate/lakegate/internal/secret"
)

// unsetSecret stands before the name of the variable that a secret should have come from, where
// LoadLake does without it.
const unsetSecret = "unset-environment-variable:"

var secretReference = regexp.MustCompile(`^\{\{\s*secrets/([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+)\s*\}\}$`)

// secretValue returns the secret of one of a pair of keys, name and name_plaintext below path:
// itself, or what its reference stands for. It is fit to be sent in a header. secretValue returns
// the empty secret, and false when that is because of a fault.
func (c *checker) secretValue(path, name string, value, plaintext secret.String) (secret.String, bool) {
	value, p, ok := c.secretText(path, name, value, plaintext)
	if !ok || !c.given(p) {
		return value, ok
	}
	return value, c.sendable(p, value)
}

// secretText is secretValue for any text. It also returns where the secret stands.
func (c *checker) secretText(path, name string, value, plaintext secret.String) (text secret.String, p string, ok bool) {
	p = join(path, name)
	hasPlain := c.given(p + "_plaintext")
	if hasPlain && c.given(p) {
		c.fault(p+"_plaintext", "give either %s or %[1]s_plaintext, not both", name)
		return secret.String{}, p, false
	}
	if hasPlain {
		p, value = p+"_plaintext", plaintext
	}
	if !c.given(p) || c.bad(p) {
		return secret.String{}, p, !c.bad(p)
	}
	if strings.Contains(value.Reveal(), "{{") {
		value, ok = c.reference(p, value)
		return value, p, ok
	}
	return value, p, true
}

// reference looks up {{secrets/scope/key}}.
func (c *checker) reference(path string, ref secret.String) (secret.String, bool) {
	m := secretReference.FindStringSubmatch(ref.Reveal())
	if m == nil {
		c.fault(path, "a secret reference is written {{secrets/scope/key}}")
		return secret.String{}, false
	}
	if c.bad(join(join("secrets", m[1]), m[2])) {
		return secret.String{}, false
	}
	value, ok := c.config.Secrets[m[1]][m[2]]
	if !ok {
		c.fault(path, "secrets/%s/%s is not there: add it to this file as secrets: {%[1]s: {%[2]s: ...}}", m[1], m[2])
		return secret.String{}, false
	}
	return value, true
}

// sendable reports whether a secret can be sent in a header.
func (c *checker) sendable(path string, s secret.String) bool {
	v := s.Reveal()
	switch {
	case c.bad(path):
		return false
	case v == "":
		c.fault(path, "it is empty")
	case strings.TrimRight(v, "\r\n") != v:
		c.fault(path, "it ends with a line break, which can't be sent; read the secret without it")
	case strings.TrimSpace(v) != v:
		c.fault(path, "it starts or ends with a space")
	case strings.ContainsFunc(v, func(r rune) bool { return r > unicode.MaxASCII || unicode.IsControl(r) }):
		c.fault(path, "it holds characters that can't be sent in a header")
	default:
		return true
	}
	return false
}
