// Package aifunc is ai_query: model calls from SQL.
//
// Rewrite turns ai_query(endpoint, request, …named arguments…) in a parse tree into calls of two
// functions the worker registers with the engine, Function and TryFunction, whose arguments are
// all text. Batch makes the calls: many at once, each distinct call of a query once, within a
// bound per query. Who is asking, and what a call costs, is not known here: the Asker carries the
// call to the gateway, as the person who ran the SQL.
//
// Other ai_ functions are refused by the guard. A Batch is safe for concurrent use.
package aifunc

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/sql/ast"
	"github.com/lakegate/lakegate/sql/dialect"
)

// The names the worker registers: four texts (endpoint, request, model parameters, response
// format) in, one out. TryFunction answers a JSON object {"result", "errorMessage"}.
const (
	Name        = "ai_query"
	Function    = "lg_ai_query"
	TryFunction = "lg_ai_try"
)

// named are the arguments that may be given by name, in lower case.
var named = map[string]bool{
	"endpoint": true, "request": true, "returntype": true, "failonerror": true, "modelparameters": true, "responseformat": true,
}

// Rewrite replaces every call of ai_query below root. Errors are in words for the caller.
func Rewrite(root ast.Node) error {
	var failed error
	ast.Each(root, func(n ast.Node) {
		if failed == nil && ast.FuncName(n) == Name {
			failed = rewriteCall(n)
		}
	})
	return failed
}

func rewriteCall(n ast.Node) error {
	if ast.Class(n) != "FUNCTION" || n["filter"] != nil {
		return fmt.Errorf("ai_query is a plain function: it takes no OVER and no FILTER")
	}
	args, err := arguments(n)
	if err != nil {
		return err
	}
	endpoint, request := args["endpoint"], args["request"]
	if endpoint == nil || request == nil {
		return fmt.Errorf("ai_query takes an endpoint and a request")
	}
	fail := true
	if v, ok := args["failonerror"]; ok {
		if fail, ok = ast.BoolConst(v); !ok {
			return fmt.Errorf("ai_query: failOnError must be true or false")
		}
	}
	returnType, err := returnType(args["returntype"])
	if err != nil {
		return err
	}
	call := ast.Call(Function, asText(endpoint), requestText(request), parametersText(args["modelparameters"]), textOrNull(args["responseformat"]))
	if !fail {
		call["function_name"] = TryFunction
		ast.Replace(n, tryResult(call, returnType))
		return nil
	}
	ast.Replace(n, convert(call, returnType, false))
	return nil
}

// arguments sorts the arguments by name; those without one come in order.
func arguments(n ast.Node) (map[string]any, error) {
	order := []string{"endpoint", "request"}
	out := map[string]any{}
	for i, a := range ast.Args(n) {
		c, _ := a.(ast.Node)
		name := strings.ToLower(ast.Str(c, "alias"))
		if name == "" && i < len(order) {
			name = order[i]
		}
		if name == "files" {
			return nil, fmt.Errorf("ai_query: files is not supported yet")
		}
		if !named[name] {
			return nil, fmt.Errorf("ai_query takes endpoint, request, returnType, failOnError, modelParameters and responseFormat, the last four by name (=>)")
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("ai_query: %s is given twice", name)
		}
		c["alias"] = ""
		out[name] = a
	}
	return out, nil
}

func returnType(v any) (dialect.Type, error) {
	if v == nil {
		return dialect.ParseType("STRING")
	}
	text, ok := ast.StringConst(v)
	if !ok {
		return dialect.Type{}, fmt.Errorf("ai_query: returnType must be constant text")
	}
	t, err := dialect.ParseType(text)
	if err != nil {
		return dialect.Type{}, fmt.Errorf("ai_query: returnType: %w", err)
	}
	return t, nil
}

var varchar = ast.Node{"id": "VARCHAR", "type_info": nil}

func asText(v any) ast.Node { return ast.Cast(v, varchar, false) }

func textOrNull(v any) ast.Node {
	if v == nil {
		return asText(ast.Null())
	}
	return asText(v)
}

// requestText sends text as it is and a STRUCT, for a custom model, as JSON.
func requestText(v any) ast.Node {
	n, _ := v.(ast.Node)
	if ast.FuncName(n) == "struct_pack" {
		return asText(ast.Call("to_json", v))
	}
	return asText(v)
}

func parametersText(v any) ast.Node {
	if v == nil {
		return asText(ast.Null())
	}
	return asText(ast.Call("to_json", v))
}

// convert gives the answer the type that was asked for.
func convert(answer ast.Node, t dialect.Type, try bool) ast.Node {
	switch {
	case t.IsText():
		return answer
	case t.Nested():
		return dialect.ReadJSON(answer, t)
	default:
		return ast.Cast(ast.Call("trim", answer), dialect.TypeTree(t), try)
	}
}

// tryResult makes STRUCT<result, errorMessage> of what TryFunction answers. The call is there
// twice; it is made once, as equal calls are.
func tryResult(call ast.Node, t dialect.Type) ast.Node {
	field := func(name string) ast.Node {
		return ast.Call("json_extract_string", ast.Clone(call), ast.Text("$."+name))
	}
	result := convert(field("result"), t, true)
	result["alias"] = "result"
	message := field("errorMessage")
	message["alias"] = "errorMessage"
	return ast.Call("struct_pack", result, message)
}

// Answer is what TryFunction answers.
func Answer(text string, err error) string {
	var v struct {
		Result       *string `json:"result"`
		ErrorMessage *string `json:"errorMessage"`
	}
	if err != nil {
		m := err.Error()
		v.ErrorMessage = &m
	} else {
		v.Result = &text
	}
	b, mErr := json.Marshal(v)
	if mErr != nil {
		panic(mErr) // two strings always marshal
	}
	return string(b)
}
