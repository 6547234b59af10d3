package gateway

import (
	"bytes"
	"strings"
	"unicode/utf8"
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

// scrub takes the provider's key out of a provider's error: some repeat the request.
func scrub(b []byte, authValue string) []byte {
	_, token, ok := strings.Cut(authValue, " ") // "Bearer key"
	if !ok {
		token = authValue
	}
	if len(token) < 6 || !bytes.Contains(b, []byte(token)) {
		return b
	}
	return bytes.ReplaceAll(b, []byte(token), []byte("[redacted]"))
}
