package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/lakegate/lakegate/internal/secret"
)

// unsetSecret stands before the name of the variable that a secret should have come from, or is before
// a reference, where LoadLake does without it.
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
	if c.api && !strings.Contains(value.Reveal(), "{{") {
		c.fault(p, "a secret itself is not stored in an endpoint: give it as %s_plaintext alone, or put it where the gateway finds secrets, with `lakegate secrets put` or by an environment variable, and give the reference {{secrets/scope/key}} as %[1]s", name)
		return secret.String{}, p, false
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
	r := &Reference{Line: c.line(path), Path: path, Scope: m[1], Key: m[2]}
	defer func() { c.refs = append(c.refs, *r) }()
	if at := join(join("secrets", m[1]), m[2]); c.bad(at) {
		r.Problem = "see the fault of " + at
		return secret.String{}, false
	}
	if c.lakeOnly && !strings.HasPrefix(path, "lake.") {
		return secret.New(unsetSecret + m[1] + "/" + m[2]), true
	}
	value, where, err := c.find(m[1], m[2], strings.HasPrefix(path, "lake."))
	if err != nil {
		r.Problem = oneLine(err.Error())
		c.fault(path, "secrets/%s/%s: %s", m[1], m[2], r.Problem)
		return secret.String{}, false
	}
	r.Where = where
	return value, true
}

// find returns a secret of the file's own section or of the vault, and says where it was. forLake: the lake
// can't be read without it.
func (c *checker) find(scope, key string, forLake bool) (value secret.String, where string, err error) {
	s := &c.config.Secrets
	if keys, ok := s.Inline[scope]; ok {
		if value, ok := keys[key]; ok {
			return value, "this file", nil
		}
		return value, "", fmt.Errorf("scope %s is written out in this file without that key: add it as secrets: {%[1]s: {%[2]s: ...}}", scope, key)
	}
	from, named := s.Scopes[scope]
	if named && c.bad(join("secrets.scopes", scope)) {
		return value, "", fmt.Errorf("see the fault of %s", join("secrets.scopes", scope))
	}
	if forLake && s.Store.In == InLake && (!named || from.From == FromStore) {
		return value, "", fmt.Errorf("what opens the lake can't be in the store that is in the lake: say where scope %s is instead, with secrets: {scopes: {%[1]s: {from: env}}} or files", scope)
	}
	if c.vault == nil {
		return value, "", fmt.Errorf("it is not there: add it to this file as secrets: {%s: {%s: ...}}", scope, key)
	}
	return c.vault(c.config, from, scope, key)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

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
