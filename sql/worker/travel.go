package worker

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lakegate/lakegate/sql/ast"
	"github.com/lakegate/lakegate/sql/guard"
	"github.com/lakegate/lakegate/sql/protocol"
)

// instant is where in a table's past a scan reads: one of the two is set. A nil one is now.
type instant struct {
	version *int64
	time    *time.Time
}

func (i *instant) pin(s protocol.Scan) protocol.Scan {
	if i != nil {
		s.Version, s.Timestamp = i.version, i.time
	}
	return s
}

// text is how SQL writes the instant.
func (i *instant) text() string {
	switch {
	case i == nil:
		return ""
	case i.version != nil:
		return fmt.Sprintf(" VERSION AS OF %d", *i.version)
	default:
		return " TIMESTAMP AS OF '" + i.time.UTC().Format("2006-01-02T15:04:05.999999Z") + "'"
	}
}

func noTravel(name []string, why string) error {
	return &protocol.Failure{Class: protocol.Unsupported, Message: "time travel on " + strings.Join(name, ".") + " is not possible: " + why}
}

func badTravel(format string, args ...any) error {
	return &protocol.Failure{Class: protocol.Invalid, Message: fmt.Sprintf(format, args...)}
}

// instant reads the AT clause of a table, which the guard has checked: an expression of constants.
func (b *binder) instant(ctx context.Context, ref guard.Ref) (*instant, error) {
	at := ast.Child(ref.Node, "at_clause")
	if at == nil {
		return nil, nil
	}
	expr := at["expr"]
	if strings.EqualFold(ast.Str(at, "unit"), "version") {
		v, ok := ast.IntConst(uncast(expr))
		if s, isText := ast.StringConst(uncast(expr)); isText {
			n, err := strconv.ParseInt(s, 10, 64)
			v, ok = n, err == nil
		}
		if !ok || v < 0 {
			return nil, badTravel("VERSION AS OF takes a whole number, as DESCRIBE HISTORY shows them")
		}
		return &instant{version: &v}, nil
	}
	t, err := b.engine.planner.timestamp(ctx, b.engine, expr)
	if err != nil {
		return nil, err
	}
	return &instant{time: &t}, nil
}

// uncast returns what is cast, if anything is.
func uncast(v any) any {
	for {
		n, _ := v.(ast.Node)
		switch args := ast.Args(n); {
		case ast.Class(n) == "CAST":
			v = n["child"]
		case strings.HasPrefix(ast.FuncName(n), "lg_to_") && len(args) == 1: // a cast to a whole number
			v = args[0]
		default:
			return v
		}
	}
}

// timestamp computes an expression of constants. It runs in the planner's engine, where no data is.
func (p *planner) timestamp(ctx context.Context, e *engine, expr any) (time.Time, error) {
	const want = "TIMESTAMP AS OF takes a timestamp, a date, or a text such as '2026-11-20 10:00:00'"
	cast := ast.Cast(expr, ast.Node{"id": "TIMESTAMP", "type_info": nil}, false)
	text, err := e.render(ctx, ast.Document(ast.Select(ast.Nothing(), ast.Call("epoch_us", cast))))
	if err != nil {
		return time.Time{}, err
	}
	var micros *int64
	if err := p.conn.QueryRowContext(ctx, text).Scan(&micros); err != nil {
		if ctx.Err() != nil {
			return time.Time{}, ctx.Err()
		}
		return time.Time{}, badTravel("%s: %s", want, (&session{engine: e}).engineFailure(err.Error()).Message)
	}
	if micros == nil {
		return time.Time{}, badTravel("%s, not NULL", want)
	}
	return time.UnixMicro(*micros).UTC(), nil
}

// pinNow makes the current time of a statement a constant: it is planned and run in two engines, and
// both must mean the same day.
func pinNow(tree ast.Node, now time.Time) {
	timestamp := func() ast.Node {
		return ast.Cast(ast.Text(now.UTC().Format("2006-01-02 15:04:05.000000")), ast.Node{"id": "TIMESTAMP", "type_info": nil}, false)
	}
	ast.Each(tree, func(n ast.Node) {
		if len(ast.Args(n)) > 0 {
			return
		}
		switch ast.FuncName(n) {
		case "lg_now":
			ast.Replace(n, timestamp())
		case "today":
			ast.Replace(n, ast.Cast(ast.Text(now.UTC().Format(time.DateOnly)), ast.Node{"id": "DATE", "type_info": nil}, false))
		case "lg_unix_timestamp":
			ast.Replace(n, ast.Call("lg_unix_timestamp", timestamp()))
		}
	})
}
