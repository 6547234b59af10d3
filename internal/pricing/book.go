package pricing

import (
	"fmt"
	"slices"
	"strings"
)

// book finds what it has by a model's name: exactly, then without the date at the end of the name,
// then by the longest prefix, then by the first rule that fits. A nil book is empty.
type book[T any] struct {
	exact    map[string]*T
	prefixes []prefix[T] // longest first
	rules    []ruled[T]  // in the file's order
}

type prefix[T any] struct {
	text  string
	value *T
}

type ruled[T any] struct {
	fits  matcher
	value *T
}

func newBook[T any]() *book[T] { return &book[T]{exact: map[string]*T{}} }

func (b *book[T]) find(name string) *T {
	if b == nil || name == "" {
		return nil
	}
	if m := b.exact[name]; m != nil {
		return m
	}
	if m := b.exact[undated(name)]; m != nil {
		return m
	}
	for _, p := range b.prefixes {
		if strings.HasPrefix(name, p.text) {
			return p.value
		}
	}
	for _, r := range b.rules {
		if r.fits(name) {
			return r.value
		}
	}
	return nil
}

func (b *book[T]) add(name string, m *T) error {
	if b.exact[name] != nil {
		return fmt.Errorf("model %q is there twice", name)
	}
	b.exact[name] = m
	return nil
}

func (b *book[T]) addPrefix(text string, m *T) error {
	for _, p := range b.prefixes {
		if p.text == text {
			return fmt.Errorf("prefix %q is there twice", text)
		}
	}
	b.prefixes = append(b.prefixes, prefix[T]{text, m})
	slices.SortFunc(b.prefixes, func(x, y prefix[T]) int { return len(y.text) - len(x.text) })
	return nil
}

// normal is a provider's or model's name as books have it. Gemini's own API says "models/" first.
func normal(name string) string {
	return strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "models/")
}

// undated cuts a full date off the end of a model's name: "-2024-08-06", "-20250514" or
// "@20250514". It returns the name itself when there is none.
func undated(name string) string {
	for _, pattern := range [...]string{"-dddd-dd-dd", "-dddddddd", "@dddddddd"} {
		head := len(name) - len(pattern)
		if head > 0 && fits(name[head:], pattern) {
			return name[:head]
		}
	}
	return name
}

func fits(s, pattern string) bool {
	for i := range len(pattern) {
		digit := s[i] >= '0' && s[i] <= '9'
		if pattern[i] == 'd' && !digit || pattern[i] != 'd' && s[i] != pattern[i] {
			return false
		}
	}
	return true
}
