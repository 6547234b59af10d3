package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The commands that docs/lake.md and docs/chargeback.md tell people to type do what they say: all of
// them are run in a row, on a demo's folder, as the pages have them.
func TestTheDocumentedCommandsWork(t *testing.T) {
	lake := commandsOf(t, "lake.md")
	chargeback := commandsOf(t, "chargeback.md")
	if len(lake) < 15 || len(chargeback) < 4 {
		t.Fatalf("%d and %d commands found; are the pages read right?", len(lake), len(chargeback))
	}
	t.Chdir(t.TempDir())
	lastMonth := time.Now().UTC().AddDate(0, 0, -time.Now().UTC().Day()).Format("2006-01")
	for i, line := range append(lake, chargeback...) {
		line = someTime.ReplaceAllString(line, "VERSION AS OF 1") // the page's time is none of this folder
		args := words(t, line)
		switch {
		case args[0] == "demo":
			args = append(args, "--history", "2000", "--requests", "40", "--listen", "127.0.0.1:0")
		case args[0] == "report": // the page asks a running gateway; its test is TestServe
			args = append(args, "--data", "data")
			for i := range args {
				args[i] = strings.Replace(args[i], "2026-11", lastMonth, 1)
			}
			if args[1] == "close" {
				args = append(args, "--force") // on the first of a month it would wait
			}
			if args[1] == "chargeback" {
				continue
			}
		case strings.Contains(line, "LOG_ID"):
			out, _, err := run(t, "", "tables", "gateways")
			if err != nil {
				t.Fatal(err)
			}
			id := regexp.MustCompile(`(?m)^[0-9a-f-]{36}`).FindString(out)
			args[len(args)-1] = id
		}
		if out, errOut, err := run(t, "", args...); err != nil {
			t.Errorf("command %d: lakegate %s: %v\n%s%s", i+1, line, err, out, errOut)
		}
	}
}

var someTime = regexp.MustCompile(`TIMESTAMP AS OF '[^']*'`)

// commandsOf returns what comes after "lakegate" on the lines of a page's shell blocks.
func commandsOf(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			rest, ok := strings.CutPrefix(strings.TrimSpace(line), "lakegate ")
			if ok && !strings.ContainsAny(rest, "|>") {
				commands = append(commands, rest)
			}
		}
	}
	return commands
}

// words splits a command as a shell would, as far as the pages need it.
func words(t *testing.T, line string) []string {
	t.Helper()
	line, _, _ = strings.Cut(line, " # ")
	var all []string
	for _, m := range regexp.MustCompile(`"([^"]*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
		all = append(all, m[1]+m[2])
	}
	return all
}

// Pages link to pages, headings and files that are there.
func TestLinksOfThePages(t *testing.T) {
	root := filepath.Join("..", "..")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, filepath.Join(root, "README.md"), filepath.Join(root, "ARCHITECTURE.md"))
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			target, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := page
			if target != "" {
				path = filepath.Join(filepath.Dir(page), target)
			}
			there, err := os.ReadFile(path)
			if st, serr := os.Stat(path); serr != nil || err != nil && !st.IsDir() {
				t.Errorf("%s links to %s, which is not there", filepath.Base(page), m[1])
				continue
			}
			if heading != "" && !hasHeading(string(there), heading) {
				t.Errorf("%s links to %s, and there is no such heading", filepath.Base(page), m[1])
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
