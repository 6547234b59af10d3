package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/tests/suite"
)

// engines are the engines that are not ours: one Python process that is asked over pipes. It is used
// by one goroutine.
type engines struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	have   []string // names
	stderr *os.File
}

// allEngines, in the order in which they are tried. DuckDB's reader of Delta is an extension that
// it downloads.
var allEngines = []string{"delta-rs", "polars", "spark", "duckdb"}

// startEngines starts Python and finds out which engines can be had.
func startEngines(ctx context.Context, s *suite.Suite, python, program, dir string) (*engines, error) {
	stderr, err := os.Create(dir + "/engines.log")
	if err != nil {
		return nil, err
	}
	e := &engines{cmd: exec.CommandContext(ctx, python, program), stderr: stderr}
	e.cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "TZ=UTC")
	e.cmd.Stderr = stderr
	if e.in, err = e.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	e.out = bufio.NewReader(out)
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	for _, name := range allEngines {
		var version string
		err := e.ask(map[string]any{"do": "probe", "engine": name}, &version)
		switch {
		case err == nil:
			e.have = append(e.have, name)
			fmt.Printf("readers: %s %s\n", name, version)
		case name == "duckdb": // its extensions come from a host that a machine need not reach
			fmt.Printf("SKIPPED duckdb's delta extension: %.200v\n", err)
		default:
			s.Skip(name, fmt.Sprintf("%.300v", err))
		}
	}
	return e, nil
}

func (e *engines) has(name string) bool { return slices.Contains(e.have, name) }

// without is the same engines but one.
func (e *engines) without(name string) *engines {
	fewer := *e
	fewer.have = slices.DeleteFunc(slices.Clone(e.have), func(n string) bool { return n == name })
	return &fewer
}

func (e *engines) close() error {
	err := errors.Join(e.in.Close(), e.cmd.Wait())
	return errors.Join(err, e.stderr.Close())
}

// ask sends a question and puts the answer into v.
func (e *engines) ask(question map[string]any, v any) error {
	b, err := json.Marshal(question)
	if err != nil {
		return err
	}
	if _, err := e.in.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("ask the engines: %w (see %s)", err, e.stderr.Name())
	}
	line, err := e.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("ask the engines: %w (see %s)", err, e.stderr.Name())
	}
	var answer struct {
		OK    json.RawMessage `json:"ok"`
		Error string          `json:"error"`
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return fmt.Errorf("answer %q: %w", line, err)
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(answer.OK, v)
}

// place is a table as the engines find it.
type place struct {
	address string            // folder or URL
	options map[string]string // of the object store; nil for folders
}

// read has an engine read every row of a table. version is nil for the newest.
func (e *engines) read(engine string, p place, version *int64, t *tableschema.Table) (digest, error) {
	var d digest
	err := e.ask(map[string]any{"do": "read", "engine": engine, "table": p.address, "options": p.options, "version": version, "columns": spec(t)}, &d)
	return d, err
}

// sql has Spark carry out statements.
func (e *engines) sql(statements ...string) error {
	return e.ask(map[string]any{"do": "sql", "statements": statements}, nil)
}

// deltaRS has delta-rs do something to a table.
func (e *engines) deltaRS(op string, p place, args map[string]any) error {
	return e.ask(map[string]any{"do": "delta-rs", "op": op, "table": p.address, "options": p.options, "args": args}, nil)
}

// checkAll has every engine read a table, and compares with what must be there.
func (e *engines) checkAll(s *suite.Suite, what string, p place, version *int64, t *tableschema.Table, rows []row) {
	want := digestOf(t, rows)
	var took []string
	for _, engine := range e.have {
		if p.options != nil && engine != "delta-rs" && engine != "polars" {
			continue // the others need drivers of their own for S3
		}
		began := time.Now()
		got, err := e.read(engine, p, version, t)
		if err == nil && got != want {
			err = fmt.Errorf("found %v, want %v", got, want)
		}
		s.Check(fmt.Sprintf("%s: %s", engine, what), err)
		took = append(took, fmt.Sprintf("%s %.1fs", engine, time.Since(began).Seconds()))
	}
	fmt.Printf("readers: %s: %v by %v\n", what, want, took)
}
