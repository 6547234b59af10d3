package pricing

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// model is one model's prices, oldest first.
type model struct{ periods []period }

// at returns the period that holds at a time, nil before the first and for a nil model.
func (m *model) at(t time.Time) *period {
	if m == nil {
		return nil
	}
	for i := len(m.periods) - 1; i >= 0; i-- {
		if !t.Before(m.periods[i].From.t) {
			return &m.periods[i]
		}
	}
	return nil
}

// book finds models by name: exactly, then without the date at the end of the name, then by the
// longest prefix. A nil book is empty.
type book struct {
	exact    map[string]*model
	prefixes []prefix // longest first
}

type prefix struct {
	text  string
	model *model
}

func newBook() *book { return &book{exact: map[string]*model{}} }

func (b *book) find(name string) *model {
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
			return p.model
		}
	}
	return nil
}

func (b *book) add(name string, m *model) error {
	if b.exact[name] != nil {
		return fmt.Errorf("model %q is there twice", name)
	}
	b.exact[name] = m
	return nil
}

func (b *book) addPrefix(text string, m *model) error {
	for _, p := range b.prefixes {
		if p.text == text {
			return fmt.Errorf("prefix %q is there twice", text)
		}
	}
	b.prefixes = append(b.prefixes, prefix{text, m})
	slices.SortFunc(b.prefixes, func(x, y prefix) int { return len(y.text) - len(x.text) })
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
