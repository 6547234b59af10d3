package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A block is a fenced piece of a page.
type block struct {
	page string // README.md, docs/lake.md
	line int
	lang string
	text string
}

func (b block) String() string { return fmt.Sprintf("%s:%d (%s)", b.page, b.line, b.lang) }

// runnable are the languages of blocks that are held to something. What is in none of them, such as what a
// command prints, stands in a block of text or without a language.
var runnable = []string{"sh", "yaml", "json", "sql", "python"}

// notRun are the blocks that are not run, each named by a piece of it, and why.
var notRun = []struct{ page, has, why string }{
	{"docs/calling.md", "[model_providers.", "the configuration file of another program"},
}

// exempt says why a block is not run; "" when it is.
func (b block) exempt() string {
	for _, n := range notRun {
		if n.page == b.page && strings.Contains(b.text, n.has) {
			return n.why
		}
	}
	return ""
}

// pages returns the pages for people who use lakegate; those of formats are for people who write readers.
func pages(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	if err != nil || len(all) < 10 {
		t.Fatalf("%d pages, %v", len(all), err)
	}
	for i := range all {
		all[i] = "docs/" + filepath.Base(all[i])
	}
	return append(all, "README.md")
}

var fence = regexp.MustCompile("(?ms)^( *)```([^\n`]*)\n(.*?)^ *```$")

// blocksOf returns a page's blocks in their order.
func blocksOf(t *testing.T, page string) []block {
	t.Helper()
	text := string(readFile(t, page))
	var all []block
	for _, m := range fence.FindAllStringSubmatchIndex(text, -1) {
		indent, body := text[m[2]:m[3]], text[m[6]:m[7]]
		if indent != "" {
			body = regexp.MustCompile("(?m)^"+indent).ReplaceAllString(body, "")
		}
		all = append(all, block{page, 1 + strings.Count(text[:m[0]], "\n"), text[m[4]:m[5]], body})
	}
	return all
}

// Every block of every page is in a language that something runs or checks, or is listed with the reason
// why not; and the list has no more than that.
func TestEveryBlockIsRunOrListed(t *testing.T) {
	used := make([]bool, len(notRun))
	for _, page := range pages(t) {
		for _, b := range blocksOf(t, page) {
			for i, n := range notRun {
				used[i] = used[i] || n.page == b.page && strings.Contains(b.text, n.has)
			}
			switch {
			case b.exempt() != "" || slices.Contains(runnable, b.lang):
			case b.lang != "" && b.lang != "text":
				t.Errorf("%v: nothing runs blocks of this language; use one of %v, text for what is no code, or list it in notRun", b, runnable)
			case regexp.MustCompile(`(?m)^(\$ )?(lakegate|curl|make|bin/lakegate) `).MatchString(b.text):
				t.Errorf("%v has a command; make it a block of sh, which is run", b)
			}
			if b.lang == "json" && b.exempt() == "" && !json.Valid([]byte(b.text)) {
				t.Errorf("%v is not JSON", b)
			}
		}
	}
	for i, n := range notRun {
		if !used[i] {
			t.Errorf("notRun: no block of %s has %q any more", n.page, n.has)
		}
	}
}

// Pages link to pages, headings and files that are there.
func TestLinksOfThePages(t *testing.T) {
	all := append(pages(t), "ARCHITECTURE.md", "tests/README.md")
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range all {
		for _, m := range link.FindAllStringSubmatch(string(readFile(t, page)), -1) {
			target, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := filepath.Join(repository, page)
			if target != "" {
				path = filepath.Join(filepath.Dir(path), target)
			}
			there, err := os.ReadFile(path)
			if st, serr := os.Stat(path); serr != nil || err != nil && !st.IsDir() {
				t.Errorf("%s links to %s, which is not there", page, m[1])
				continue
			}
			if heading != "" && !hasHeading(string(there), heading) {
				t.Errorf("%s links to %s, and there is no such heading", page, m[1])
			}
		}
	}
}

// hasHeading reports whether a page has a heading that is linked to by this name.
func hasHeading(text, name string) bool {
	drop := regexp.MustCompile(`[^a-z0-9 _-]`)
	for line := range strings.Lines(text) {
		if h := strings.TrimLeft(line, "#"); h != line && strings.HasPrefix(h, " ") {
			h = drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(h)), "")
			if strings.ReplaceAll(h, " ", "-") == name {
				return true
			}
		}
	}
	return false
}
