package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/lakegate/lakegate/serving/control"
)

// maxValueShown bounds a value where not everything is asked for.
const maxValueShown = 100

// writeChanges writes what changed, a line each, with what concerns one item of a list below its name.
// most bounds the lines and their length; 0: everything, whole.
func writeChanges(out io.Writer, p paint, indent string, changes []control.Difference, most int) {
	rest := 0
	if most > 0 && len(changes) > most {
		rest = len(changes) - most
		changes = changes[:most]
	}
	w := changeWriter{out, p, most > 0}
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
	out  io.Writer
	p    paint
	clip bool
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
		return w.p.green(w.cut(d.To))
	case d.To == nil:
		return w.p.red(w.cut(d.From))
	default:
		return w.p.red(w.cut(d.From)) + " -> " + w.p.green(w.cut(d.To))
	}
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

// cut is a value in JSON, in one line that a terminal takes as text.
func (w *changeWriter) cut(v json.RawMessage) string {
	text := string(v)
	if s := ""; json.Unmarshal(v, &s) == nil { // <, > and & are not for people to read as \u003c
		text = fmt.Sprintf("%q", s)
	}
	if r := []rune(text); w.clip && len(r) > maxValueShown {
		return string(r[:maxValueShown-1]) + "…"
	}
	return text
}
