package config

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/auth"
)

// Tokens are looked up by an unsalted hash, so that they must be too many to be guessed.
const (
	minToken    = 20
	minDistinct = 8
)

var (
	keyName      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}$`)
	tablePattern = regexp.MustCompile(`^[A-Za-z0-9_.*-]+$`)
)

func (c *checker) keys() {
	names, hashes := map[string]string{}, map[string]string{}
	for i := range c.config.Keys {
		k, p := &c.config.Keys[i], index("keys", i)
		c.key(k, p)
		c.unique(names, k.Name, p+".name", "name")
		if k.Hash != "" {
			c.unique(hashes, k.Hash, c.hashPath(p), "token")
		}
	}
}

// unique notes a fault when value was seen before. The value itself is not shown.
func (c *checker) unique(seen map[string]string, value, path, what string) {
	if value == "" {
		return
	}
	if first, twice := seen[value]; twice {
		if c.api {
			c.fault(path, "the same %s is at %s", what, withoutFirst(first))
			return
		}
		c.fault(path, "the same %s is on line %d", what, c.line(first))
		return
	}
	seen[value] = path
}

func (c *checker) hashPath(p string) string {
	if c.given(p + ".token") {
		return p + ".token"
	}
	return p + ".hash"
}

func (c *checker) key(k *Key, p string) {
	if c.required(p+".name", k.Name) && !keyName.MatchString(k.Name) {
		c.fault(p+".name", "want up to 128 letters, digits, '_', '.', '@' or '-', got %s", c.text(p+".name"))
	}
	c.credential(k, p)
	c.label(p+".principal", k.Principal)
	switch k.Kind {
	case "":
		k.Kind = User
	case User, ServicePrincipal:
	default:
		c.fault(p+".kind", "want user or service_principal, got %s", c.text(p+".kind"))
	}
	for i, g := range k.Groups {
		c.label(index(p+".groups", i), g)
	}
	for tag, value := range k.Tags {
		c.tag(join(p+".tags", tag), tag, value)
	}
	if k.Endpoints == nil {
		c.fault(p+".endpoints", `say which endpoints the key may call: names, ["*"] for all, or [] for none`)
	}
	for i, e := range k.Endpoints {
		c.keyEndpoint(index(p+".endpoints", i), e)
	}
	for i, t := range k.Tables {
		c.keyTable(index(p+".tables", i), t)
	}
}

// credential checks hash or token, and leaves the hash alone.
func (c *checker) credential(k *Key, p string) {
	hash, token := c.given(p+".hash"), c.given(p+".token")
	switch {
	case hash && token:
		c.fault(p+".token", "give either hash or token, not both")
	case token:
		value, ok := c.secretValue(p, "token", k.Token, secret.String{})
		if ok && c.strong(p+".token", value.Reveal()) {
			k.Hash = auth.HashToken(value.Reveal())
		}
		k.Token = secret.String{}
	case hash:
		digits, ok := strings.CutPrefix(k.Hash, "sha256:")
		if b, err := hex.DecodeString(digits); !ok || err != nil || len(b) != 32 {
			c.fault(p+".hash", "want sha256: and the 64 hexadecimal digits of the token's SHA-256") // not shown: it may be the token
		}
		k.Hash = strings.ToLower(k.Hash)
	default:
		c.fault(p, "it needs a hash (sha256:...) or a token")
	}
}

// strong reports whether a token can't be guessed.
func (c *checker) strong(path, token string) bool {
	distinct := map[rune]bool{}
	for _, r := range token {
		distinct[r] = true
	}
	switch {
	case strings.ContainsAny(token, " \t"):
		c.fault(path, "a token has no spaces")
	case len(token) < minToken:
		c.fault(path, "the token is too short to be safe: want at least %d characters, such as lakegate keys new makes", minToken)
	case len(distinct) < minDistinct:
		c.fault(path, "the token is too easy to guess: want at least %d different characters, such as lakegate keys new makes", minDistinct)
	default:
		return true
	}
	return false
}

// keyEndpoint checks one of a key's endpoints: a pattern, the name of one in this file, or a name that one
// made through the API may have. A name that is almost one of the file's is taken for a slip.
func (c *checker) keyEndpoint(path, e string) {
	if !c.required(path, e) || strings.Contains(e, "*") {
		return
	}
	var names []string
	for i, x := range c.config.Endpoints {
		if x.Name == e {
			return
		}
		if c.literal(index("endpoints", i)+".name", x.Name) {
			names = append(names, x.Name)
		}
	}
	switch best, near := nearest(e, names); {
	case near:
		c.fault(path, "there is no endpoint %s, did you mean %q? If one of that name is made through the API, write it as a pattern, %q", c.text(path), best, e+"*")
	case !endpointName.MatchString(e):
		c.fault(path, "there is no endpoint %s", c.text(path))
	}
}

// NowhereFor returns what keys and comparisons say of endpoints that c does not have, in words: "key me:
// endpoint chat", "endpoint chat: judge search". Of a file they may be made through the API.
func (c *Config) NowhereFor() []string {
	there := make(map[string]bool, len(c.Endpoints))
	for i := range c.Endpoints {
		there[c.Endpoints[i].Name] = true
	}
	var list []string
	for i := range c.Keys {
		for _, e := range c.Keys[i].Endpoints {
			if !strings.Contains(e, "*") && !there[e] {
				list = append(list, fmt.Sprintf("key %s: endpoint %s", c.Keys[i].Name, e))
			}
		}
	}
	for i := range c.Endpoints {
		if l := c.Endpoints[i].Lakegate.Compare; l != nil && !there[l.Judge] {
			list = append(list, fmt.Sprintf("endpoint %s: judge %s", c.Endpoints[i].Name, l.Judge))
		}
	}
	return list
}

func didYouMean(name string, candidates []string) string {
	if best, ok := nearest(name, candidates); ok {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ""
}

// keyTable checks one of a key's tables: a full name or a pattern.
func (c *checker) keyTable(path, t string) {
	if !c.required(path, t) {
		return
	}
	if !tablePattern.MatchString(t) || !strings.Contains(t, "*") && strings.Count(t, ".") != 2 {
		c.fault(path, "want catalog.schema.table, or a pattern such as system.serving.*, got %s", c.text(path))
	}
}

// label checks a name of somebody: one line of text.
func (c *checker) label(path, s string) {
	if c.required(path, s) && (len(s) > 256 || strings.ContainsFunc(s, isControl)) {
		c.fault(path, "want one line of at most 256 bytes")
	}
}

// tag checks a tag; path is where it stands.
func (c *checker) tag(path, key, value string) {
	switch {
	case key == "" || len(key) > 256 || strings.ContainsFunc(key, isControl):
		c.fault(path, "a tag's key is one line of 1 to 256 bytes")
	case len(value) > 1024 || strings.ContainsFunc(value, isControl):
		c.fault(path, "a tag's value is one line of at most 1024 bytes")
	}
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }
