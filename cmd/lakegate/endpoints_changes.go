package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/lakegate/lakegate/serving/control"
)

// maxValueShown bounds a value that is not to be shown whole.
const maxValueShown = 160

// howMuch says how much of some changes is shown.
type howMuch struct {
	lines int  // at most; 0: all
	whole bool // long values too
}

// writeChanges writes what changed, a line each, with what concerns one item of a list below its name.
func writeChanges(out io.Writer, p paint, indent string, changes []control.Difference, show howMuch) {
	rest := 0
	if show.lines > 0 && len(changes) > show.lines {
		rest = len(changes) - show.lines
		changes = changes[:show.lines]
	}
	w := changeWriter{out, p, show.whole}
	for len(changes) > 0 {
		n := alike(changes)
		if n > 1 {
			item := itemOf(changes[0].Path)
			fmt.Fprintf(out, "%s%s %s\n", indent, w.marks(changes[:n]), printable(item))
			w.block(indent+"    ", item+".", changes[:n])
			changes = changes[n:]
			continue
		}
		for n < len(changes) && alike(changes[n:]) == 1 {
			n++
		}
		w.block(indent, "", changes[:n])
		changes = changes[n:]
	}
	if rest > 0 {
		fmt.Fprintf(out, "%s%s\n", indent, p.dim(fmt.Sprintf("and %d more (--all shows them)", rest)))
	}
}

// alike counts how many of the changes, from the first on, are of the same item.
func alike(changes []control.Difference) int {
	item, n := itemOf(changes[0].Path), 1
	for item != "" && n < len(changes) && itemOf(changes[n].Path) == item {
		n++
	}
	return n
}

// itemOf is the item of a list that a path leads into, "" for none.
func itemOf(path string) string {
	i := strings.LastIndex(path, "].")
	return path[:i+1]
}

// changeWriter writes changes below one another.
type changeWriter struct {
	out   io.Writer
	p     paint
	whole bool
}

func (w *changeWriter) block(indent, prefix string, changes []control.Difference) {
	width := 0
	for _, d := range changes {
		width = max(width, utf8.RuneCountInString(strings.TrimPrefix(d.Path, prefix)))
	}
	for _, d := range changes {
		path := printable(strings.TrimPrefix(d.Path, prefix))
		path += strings.Repeat(" ", max(0, width-utf8.RuneCountInString(path)))
		fmt.Fprintf(w.out, "%s%s %s  %s\n", indent, w.mark(d), path, w.values(d))
	}
}

func (w *changeWriter) values(d control.Difference) string {
	switch {
	case d.From == nil:
		return w.p.green(w.cut(shownValue(d.To)))
	case d.To == nil:
		return w.p.red(w.cut(shownValue(d.From)))
	}
	from, to := shownValue(d.From), shownValue(d.To)
	if !w.whole {
		from, to = onlyChange(from, to)
	}
	return w.p.red(w.cut(from)) + " -> " + w.p.green(w.cut(to))
}

func (w *changeWriter) mark(d control.Difference) string {
	switch {
	case d.From == nil:
		return w.p.green("+")
	case d.To == nil:
		return w.p.red("-")
	default:
		return w.p.yellow("~")
	}
}

// marks is the mark of all, where they have one.
func (w *changeWriter) marks(changes []control.Difference) string {
	first := w.mark(changes[0])
	for _, d := range changes {
		if w.mark(d) != first {
			return w.p.yellow("~")
		}
	}
	return first
}

func (w *changeWriter) cut(s string) string {
	if r := []rune(s); !w.whole && len(r) > maxValueShown {
		return string(r[:maxValueShown-1]) + "…"
	}
	return s
}

// shownValue is a value in JSON, in one line that a terminal takes as text.
func shownValue(v json.RawMessage) string {
	if s := ""; json.Unmarshal(v, &s) == nil { // <, > and & are not for people to read as \u003c
		return fmt.Sprintf("%q", s)
	}
	return string(v)
}

// around is how much is shown of what two long values have in common, beside what they have not.
const around = 20

// onlyChange leaves out of two long values what they begin and end with both.
func onlyChange(from, to string) (string, string) {
	a, b := []rune(from), []rune(to)
	if len(a) < 4*around || len(b) < 4*around {
		return from, to
	}
	head, tail := 0, 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	cut := func(r []rune) string {
		begin, end, before, after := max(0, head-around), len(r)-max(0, tail-around), "", ""
		if begin > 0 {
			before = "…"
		}
		if end < len(r) {
			after = "…"
		}
		return before + string(r[begin:end]) + after
	}
	return cut(a), cut(b)
}
