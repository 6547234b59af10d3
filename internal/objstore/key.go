package objstore

import (
	"fmt"
	"strings"
)

// MaxKey is the longest key, in bytes.
const MaxKey = 1024

// ValidKey reports whether key can name an object: relative, clean, of [0-9A-Za-z=._/-], each part at
// most 255 bytes and not starting with ".tmp-". Every implementation refuses other keys before it touches anything.
func ValidKey(key string) error {
	if key == "" || len(key) > MaxKey {
		return fmt.Errorf("object key of %d bytes: want 1 to %d", len(key), MaxKey)
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part == "." || part == ".." || len(part) > 255 || strings.HasPrefix(part, ".tmp-") {
			return fmt.Errorf("object key %q: part %q is not allowed", key, part)
		}
	}
	for i := range len(key) {
		if !validByte(key[i]) {
			return fmt.Errorf("object key %q: byte %q is not allowed", key, key[i])
		}
	}
	return nil
}

func validByte(c byte) bool {
	switch {
	case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		return true
	}
	return strings.IndexByte("=._/-", c) >= 0
}

// ValidPrefix reports whether prefix can start a valid key; "" does.
func ValidPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	if err := ValidKey(prefix + "x"); err != nil {
		return fmt.Errorf("prefix %q: %w", prefix, err)
	}
	return nil
}

// ValidRange reports whether GetRange can be asked for length bytes from offset.
func ValidRange(offset, length int64) error {
	if offset < 0 || length < 0 {
		return fmt.Errorf("range of %d bytes from %d: neither may be negative", length, offset)
	}
	return nil
}
