package worker

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/ast"
	"github.com/lakegate/lakegate/sql/dialect"
	"github.com/lakegate/lakegate/sql/guard"
	"github.com/lakegate/lakegate/sql/protocol"
)

var guardClasses = map[guard.Kind]protocol.Class{
	guard.Refused: protocol.Refused, guard.Unsupported: protocol.Unsupported, guard.TooLarge: protocol.TooLarge,
}

// failure turns an error into what the caller is told.
func (s *session) failure(ctx context.Context, err error) *protocol.Failure {
	var (
		ours     *protocol.Failure
		refusal  *guard.Error
		language *dialect.Error
	)
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &refusal):
		return &protocol.Failure{Class: guardClasses[refusal.Kind], Message: refusal.Message}
	case errors.As(err, &language):
		return dialectFailure(language)
	case errors.Is(err, ast.ErrNotOneSelect):
		return &protocol.Failure{Class: protocol.Refused, Message: "only a single SELECT statement is allowed"}
	case errors.Is(err, context.DeadlineExceeded):
		return &protocol.Failure{Class: protocol.Timeout, Message: "the query took too long and was stopped"}
	case ctx.Err() != nil:
		return &protocol.Failure{Class: protocol.Cancelled, Message: "the query was cancelled"}
	}
	return s.engineFailure(err.Error())
}

func dialectFailure(e *dialect.Error) *protocol.Failure {
	f := &protocol.Failure{Class: protocol.Syntax, Message: e.Message, Line: e.Line, Column: e.Column}
	if e.Line > 0 {
		f.Message = fmt.Sprintf("%s (line %d, column %d)", e.Message, e.Line, e.Column)
	}
	switch {
	case e.Refused:
		f.Class = protocol.Refused
	case e.Unsupported:
		f.Class = protocol.Unsupported
	}
	return f
}

// The engine's errors begin with their kind.
var engineErrors = []struct {
	prefix string
	class  protocol.Class
}{
	{"Out of Memory Error", protocol.Memory},
	{"INTERRUPT Error", protocol.Timeout},
	{"Permission Error", protocol.Refused},
	{"Not implemented Error", protocol.Unsupported},
	{"Parser Error", protocol.Syntax},
	{"INTERNAL Error", protocol.Internal},
	{"FATAL Error", protocol.Internal},
	{"IO Error", protocol.Internal},
}

var (
	apiPrefix   = regexp.MustCompile(`^(database/sql/driver: )?(API error: )?`)
	kindPrefix  = regexp.MustCompile(`^[A-Za-z ]+ Error: `)
	macroPrefix = regexp.MustCompile(`\blg_(\w+)\(`)
	// Tables are bound with the columns a query mentions, so the engine cannot suggest others.
	unknownColumn = regexp.MustCompile(`Referenced column "([^"]+)" not found|does not have a column named "([^"]+)"`)
)

// engineFailure reads an engine's message: its kind, its first paragraph, without the rendered
// text it quotes, our folders and our names.
func (s *session) engineFailure(msg string) *protocol.Failure {
	if _, text, ok := strings.Cut(msg, modelErrorMark); ok {
		return &protocol.Failure{Class: protocol.Model, Message: text}
	}
	if strings.Contains(msg, "std::bad_alloc") || strings.Contains(msg, "failed to allocate") || strings.Contains(msg, "could not allocate") {
		return &protocol.Failure{Class: protocol.Memory, Message: "the query needs more memory than it may use"}
	}
	if strings.HasSuffix(msg, "empty name") {
		return &protocol.Failure{Class: protocol.Unsupported, Message: "a struct without field names cannot be a result: use named_struct"}
	}
	if strings.Contains(msg, "expression depth") {
		return &protocol.Failure{Class: protocol.TooLarge, Message: "the query nests too deep"}
	}
	damaged := s.engine.damaged(msg)
	if damaged == notReadable {
		return &protocol.Failure{Class: protocol.Internal, Message: "a data file of the tables could not be read", Unreadable: true}
	}
	if m := unknownColumn.FindStringSubmatch(msg); m != nil && len(s.seen) == 1 {
		return &protocol.Failure{Class: protocol.Invalid, Message: fmt.Sprintf("column %s not found; %s", m[1]+m[2], columnsOf(s.seen[0]))}
	}
	f := &protocol.Failure{Class: protocol.Invalid, Unreadable: damaged == maybeNotReadable}
	for _, e := range engineErrors {
		if strings.Contains(msg, e.prefix) {
			f.Class = e.class
			break
		}
	}
	switch f.Class {
	case protocol.Memory:
		f.Message = "the query needs more memory than it may use"
		return f
	case protocol.Timeout:
		f.Message = "the query took too long and was stopped"
		return f
	}
	text := apiPrefix.ReplaceAllString(msg, "")
	text, _, _ = strings.Cut(text, "\n\nLINE ")
	text, _, _ = strings.Cut(text, "\nLINE ")
	text, _, _ = strings.Cut(text, "\n\tCandidate")
	text, _, _ = strings.Cut(text, "\nCandidate macros")
	text = macroPrefix.ReplaceAllString(s.engine.scrub(text), "$1(")
	f.Message = strings.Join(strings.Fields(kindPrefix.ReplaceAllString(text, "")), " ")
	return f
}

// damage is what an error says about the files that were read.
type damage int

const (
	noDamage damage = iota
	maybeNotReadable
	notReadable
)

var (
	// Errors of reading: of the file system, and those of libraries that have no kind of their own,
	// such as that of Parquet's metadata.
	readingFailed = regexp.MustCompile(`^(database/sql/driver: )?(API error: )?(IO Error|Invalid Error): `)
	// Words of the reader's other errors, which people's own errors may have too.
	readerWords = regexp.MustCompile(`(?i)parquet|decompress|corrupt|dictionary|page header|column chunk|thrift`)
)

// damaged reads an error for signs that a file is not what it should be. Statements cannot name
// files, so one that is named was one of ours that could not be read.
func (e *engine) damaged(msg string) damage {
	for _, d := range e.dirs {
		if strings.Contains(msg, strings.TrimSuffix(d, "/")+"/") {
			return notReadable
		}
	}
	switch {
	case strings.Contains(msg, "Out of Memory Error"):
		return noDamage
	case readingFailed.MatchString(msg):
		return notReadable
	case strings.Contains(msg, "Invalid Input Error: ") && readerWords.MatchString(msg):
		return maybeNotReadable
	default:
		return noDamage
	}
}

// columnsOf lists a table's columns.
func columnsOf(t *tableschema.Table) string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return t.Name.String() + " has " + strings.Join(names, ", ")
}
