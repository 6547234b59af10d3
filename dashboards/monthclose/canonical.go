package monthclose

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"unicode/utf16"
)

// Hash returns the SHA-256 of a statement's content, in hexadecimal: of the document without its key
// sha256, in the canonical form of RFC 8785 (no spaces, keys in order, one way to write each text).
// Indentation and the order of keys don't matter; any digit does.
func Hash(doc []byte) (string, error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var content map[string]any
	if err := d.Decode(&content); err != nil {
		return "", fmt.Errorf("hash a statement: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("hash a statement: there is something behind it")
	}
	delete(content, "sha256")
	text, err := canonical(nil, content)
	if err != nil {
		return "", fmt.Errorf("hash a statement: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// canonical appends v in the form of RFC 8785. Numbers must be whole and below 2^53, where every
// program writes them alike.
func canonical(b []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		return canonicalText(b, v), nil
	case json.Number:
		n, err := strconv.ParseInt(v.String(), 10, 64)
		if err != nil || n >= 1<<53 || n <= -1<<53 {
			return nil, fmt.Errorf("number %s is not whole, or too large", v)
		}
		return strconv.AppendInt(b, n, 10), nil
	case []any:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = canonical(b, x); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		b = append(b, '{')
		for i, k := range slices.SortedFunc(maps.Keys(v), byUTF16) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(canonicalText(b, k), ':')
			if b, err = canonical(b, v[k]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	}
	return nil, fmt.Errorf("%T in a document", v)
}

// byUTF16 is the order of keys in RFC 8785.
func byUTF16(a, b string) int {
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

var escapes = map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

func canonicalText(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch e, ok := escapes[r]; {
		case ok:
			b = append(b, e...)
		case r < ' ':
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
