package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

const (
	tokenPrefix = "lg-"
	tokenDigits = 43 // 62^43 is just over 2^256
	base62      = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// NewToken returns a fresh token, and its hash for the configuration file. The token is lg- and
// 43 random letters and digits; nothing keeps it, so it has to be shown to its holder now.
func NewToken() (token, hash string) {
	b := make([]byte, 0, len(tokenPrefix)+tokenDigits)
	b = append(b, tokenPrefix...)
	for len(b) < cap(b) {
		var r [64]byte
		_, _ = rand.Read(r[:]) // never returns an error; it crashes the process instead
		for _, x := range r {
			// Six bits are 0 to 63; dropping 62 and 63 keeps every digit equally likely.
			if x &= 63; int(x) < len(base62) && len(b) < cap(b) {
				b = append(b, base62[x])
			}
		}
	}
	token = string(b)
	return token, HashToken(token)
}

// HashToken returns the stored form of a token: sha256: and the hash in hexadecimal digits.
func HashToken(token string) string {
	h := sha256.Sum256([]byte(token))
	return hashPrefix + hex.EncodeToString(h[:])
}
