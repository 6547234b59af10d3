// Package ast reads, builds and walks DuckDB's parse tree in the JSON form that
// json_serialize_sql writes and json_deserialize_sql reads.
//
// Trees stay maps and slices as they were decoded, so that a field this package has never heard
// of survives the round trip. Numbers stay json.Number: the parser's positions do not fit a
// float. A tree belongs to one goroutine; nothing here is safe for concurrent use on one tree.
package ast

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Node is one object of the tree.
type Node = map[string]any

// SyntaxError is the parser's complaint.
type SyntaxError struct {
	Message  string
	Position int // byte offset in the text that was parsed, -1 when the parser gave none
}

// Error implements error.
func (e *SyntaxError) Error() string { return e.Message }

// ErrNotOneSelect reports text that is not exactly one SELECT statement.
var ErrNotOneSelect = errors.New("only a single SELECT statement is allowed")

// Decode reads what json_serialize_sql wrote. It returns the document and its one statement, a
// part of it; *SyntaxError when the text did not parse, ErrNotOneSelect when it is something else.
func Decode(doc []byte) (root, statement Node, err error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		return nil, nil, fmt.Errorf("decode parse tree: %w", err)
	}
	if failed, _ := root["error"].(bool); failed {
		return nil, nil, parseError(root)
	}
	list, _ := root["statements"].([]any)
	if len(list) != 1 {
		return nil, nil, ErrNotOneSelect
	}
	statement, ok := list[0].(Node)
	if !ok || Child(statement, "node") == nil {
		return nil, nil, ErrNotOneSelect
	}
	return root, statement, nil
}

func parseError(root Node) error {
	msg := Str(root, "error_message")
	if strings.Contains(msg, "Only SELECT statements") {
		return ErrNotOneSelect
	}
	e := &SyntaxError{Message: msg, Position: -1}
	if p, err := strconv.Atoi(Str(root, "position")); err == nil {
		e.Position = p
	}
	return e
}

// Encode writes the document for json_deserialize_sql.
func Encode(root Node) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(root); err != nil {
		return "", fmt.Errorf("encode parse tree: %w", err)
	}
	return b.String(), nil
}

// Str returns a string field, "" when it is missing or something else.
func Str(n Node, key string) string { s, _ := n[key].(string); return s }

// Child returns an object field, nil when it is missing or something else.
func Child(n Node, key string) Node { c, _ := n[key].(Node); return c }

// List returns an array field, nil when it is missing or something else.
func List(n Node, key string) []any { l, _ := n[key].([]any); return l }

// Class returns the class of an expression, "" for what is not one.
func Class(n Node) string { return Str(n, "class") }

// FuncName returns the lower-case name of a function or window call, "" for anything else.
func FuncName(n Node) string {
	if c := Class(n); c != "FUNCTION" && c != "WINDOW" {
		return ""
	}
	return strings.ToLower(Str(n, "function_name"))
}

// Args returns the arguments of a call.
func Args(n Node) []any { return List(n, "children") }

// Replace makes n the node with, in place: every pointer to n sees the change.
func Replace(n, with Node) {
	if alias := Str(n, "alias"); alias != "" && Str(with, "alias") == "" {
		with["alias"] = alias
	}
	loc := n["query_location"]
	for k := range n {
		delete(n, k)
	}
	for k, v := range with {
		n[k] = v
	}
	if loc != nil {
		n["query_location"] = loc
	}
}

// StringConst returns the value of a text constant.
func StringConst(v any) (string, bool) {
	n, _ := v.(Node)
	if Class(n) != "CONSTANT" {
		return "", false
	}
	s, ok := Child(n, "value")["value"].(string)
	return s, ok
}

// IntConst returns the value of an integer constant, also of a negated one.
func IntConst(v any) (int64, bool) {
	n, _ := v.(Node)
	if a := Args(n); FuncName(n) == "-" && len(a) == 1 {
		i, ok := IntConst(a[0])
		return -i, ok
	}
	if Class(n) != "CONSTANT" {
		return 0, false
	}
	value := Child(n, "value")
	num, ok := value["value"].(json.Number)
	if !ok || !strings.HasSuffix(Str(Child(value, "type"), "id"), "INT") && Str(Child(value, "type"), "id") != "INTEGER" {
		return 0, false // a decimal's number is not its value
	}
	i, err := strconv.ParseInt(num.String(), 10, 64)
	return i, err == nil
}

// BoolConst returns the value of a boolean constant, which the parser writes as a cast of 't'.
func BoolConst(v any) (value, ok bool) {
	n, _ := v.(Node)
	if Class(n) == "CAST" {
		s, isText := StringConst(n["child"])
		return s == "t" || strings.EqualFold(s, "true"), isText && Str(Child(n, "cast_type"), "id") == "BOOLEAN"
	}
	b, ok := Child(n, "value")["value"].(bool)
	return b, ok && Class(n) == "CONSTANT"
}
