package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxFaults bounds how many faults are shown: a file that is no configuration at all has one for
// each of its lines.
const maxFaults = 100

// Fault is one thing that is wrong with the file.
type Fault struct {
	File    string // as it was given to Load; empty from Parse
	Line    int    // counted from 1; 0 when it concerns the whole file
	Path    string // the key at fault, e.g. endpoints[0].config.served_entities[1].name; may be empty
	Message string // what is wrong and what to do; no secrets
	Unknown string // the key, where the fault is that there is none of that name
}

// String returns file:line: path: message, leaving out what is not known.
func (f Fault) String() string {
	var b strings.Builder
	switch {
	case f.File != "" && f.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", f.File, f.Line)
	case f.File != "":
		fmt.Fprintf(&b, "%s: ", f.File)
	case f.Line > 0:
		fmt.Fprintf(&b, "line %d: ", f.Line)
	}
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Message)
	return b.String()
}

// Faults is everything that is wrong with a file, sorted by line. As an error it has one line
// of text per fault.
type Faults []Fault

// Error implements error.
func (fs Faults) Error() string {
	lines := make([]string, 0, len(fs))
	for i, f := range fs {
		if i == maxFaults {
			lines = append(lines, fmt.Sprintf("and %d more", len(fs)-maxFaults))
			break
		}
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// sort orders by line, then by path: faults are found in the order of the checks.
func (fs Faults) sort() {
	slices.SortStableFunc(fs, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path))
	})
}
