package lvdash

import (
	"fmt"
	"strings"
)

// Fault is one thing wrong with a file, and where it is.
type Fault struct {
	Path    string // e.g. pages[1].layout[3].widget.spec; empty for the file as a whole
	Line    int    // counted from 1; 0 when unknown
	Message string
}

// Error implements error.
func (f Fault) Error() string {
	var b strings.Builder
	if f.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", f.Line)
	}
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	return b.String() + f.Message
}

// Faults says why a file is not a dashboard. It holds at least one Fault.
type Faults []Fault

// Error implements error; it names the first three faults and counts the rest.
func (fs Faults) Error() string {
	const shown = 3
	var lines []string
	for i, f := range fs {
		if i == shown {
			lines = append(lines, fmt.Sprintf("and %d more", len(fs)-shown))
			break
		}
		lines = append(lines, f.Error())
	}
	return strings.Join(lines, "; ")
}
