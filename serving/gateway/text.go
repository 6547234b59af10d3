package gateway

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// How much of what a caller writes goes into columns, in bytes.
const (
	maxName      = 256 // endpoint and model
	maxAgent     = 512
	maxURL       = 2048
	maxRequestID = 1024
)

// clip returns s as valid UTF-8 of at most n bytes.
func clip(s string, n int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// scrub takes an entity's credentials out of a provider's error: some repeat the request.
func scrub(b []byte, e *endpoint.Entity) []byte {
	if len(b) == 0 {
		return b
	}
	_, token, ok := strings.Cut(e.AuthValue.Reveal(), " ") // "Bearer key"
	if !ok {
		token = e.AuthValue.Reveal()
	}
	b = redact(b, token)
	if e.Auth != nil {
		for _, s := range e.Auth.Secrets() {
			b = redact(b, s)
		}
	}
	return b
}

// redact takes a secret out, as it is and as JSON has it between quotes.
func redact(b []byte, secret string) []byte {
	if len(secret) < 6 {
		return b
	}
	b = replaceAll(b, secret)
	quoted, err := json.Marshal(secret)
	if err != nil {
		return b
	}
	b = replaceAll(b, string(quoted[1:len(quoted)-1]))
	plain := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret) // without HTML's characters escaped, as most have it
	b = replaceAll(b, plain)
	return replaceAll(b, strings.ReplaceAll(plain, "/", `\/`)) // as PHP has it
}

func replaceAll(b []byte, secret string) []byte {
	if !bytes.Contains(b, []byte(secret)) {
		return b
	}
	return bytes.ReplaceAll(b, []byte(secret), []byte("[redacted]"))
}
