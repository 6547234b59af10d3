package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/lakegate/lakegate/tests/suite"
)

// runDemo compares what the engines find in the tables of a gateway with our own SQL; then Spark
// compacts and changes them, the gateway goes on, and lakegate verify and the comparison still hold.
func runDemo(ctx context.Context, s *suite.Suite, e *engines, python string, c config, dir string) error {
	data := c.data
	if data == "" {
		data = filepath.Join(dir, "data")
		if err := demo(ctx, c.lakegate, data, "--history", "20000"); err != nil {
			return err
		}
	}
	look := func() error {
		found, err := read(ctx, python, filepath.Join(c.home, "read.py"), filepath.Join(data, "lake"))
		if err != nil {
			return err
		}
		return compare(ctx, s, c.lakegate, data, found)
	}
	if err := look(); err != nil || !e.has("spark") || c.data != "" {
		return err
	}
	usage := "delta.`" + filepath.Join(data, "lake", "system", "serving", "endpoint_usage") + "`"
	if err := e.sql("OPTIMIZE "+usage, "ALTER TABLE "+usage+" ADD COLUMN (cost_center STRING)"); err != nil {
		return err
	}
	if err := demo(ctx, c.lakegate, data, "--history", "0", "--requests", "60"); err != nil {
		return fmt.Errorf("a gateway after Spark's OPTIMIZE: %w", err)
	}
	s.Check("lakegate verify after Spark's OPTIMIZE and ADD COLUMN", verify(ctx, c.lakegate, data))
	if err := look(); err != nil {
		return err
	}
	return raisedUnderGateway(ctx, s, e, c, data, usage)
}

// raisedUnderGateway has Spark turn on deletion vectors for one table of a gateway. The gateway's
// rows of it stay in its log, those of other tables land; when Spark turned them off again, all land.
func raisedUnderGateway(ctx context.Context, s *suite.Suite, e *engines, c config, data, table string) error {
	// Spark reads what it deletes: a day that has rows of nobody we count.
	if err := e.sql("ALTER TABLE " + table + " SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')"); err != nil {
		return err
	}
	payloads, err := number(ctx, c.lakegate, data, "SELECT count(*) FROM "+payloadTable(data))
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, c.lakegate, "demo", "--once", "--data", data, "--history", "0", "--requests", "40").CombinedOutput()
	said := err
	if err == nil && !strings.Contains(string(out), "deletionVectors") {
		said = errors.New("it says nothing of deletionVectors")
	} else if strings.Contains(string(out), "deletionVectors") {
		said = nil
	}
	if said != nil {
		said = fmt.Errorf("%w:\n%s", said, tail(out))
	}
	s.Check("a gateway says that a table asks for more", said)
	more, err := number(ctx, c.lakegate, data, "SELECT count(*) FROM "+payloadTable(data))
	if err == nil && more <= payloads {
		err = fmt.Errorf("%d rows of payloads before, %d after", payloads, more)
	}
	s.Check("other tables go on", err)
	if err := e.sql("ALTER TABLE " + table + " SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'false')"); err != nil {
		return err
	}
	if err := demo(ctx, c.lakegate, data, "--history", "0", "--requests", "20"); err != nil {
		return fmt.Errorf("a gateway after the protocol is back: %w", err)
	}
	s.Check("lakegate verify after the protocol is back", verify(ctx, c.lakegate, data))
	return nil
}

func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}

func verify(ctx context.Context, lakegate, data string) error {
	out, err := exec.CommandContext(ctx, lakegate, "verify", "--data", data).CombinedOutput()
	if err != nil {
		return fmt.Errorf("lakegate verify: %w\n%s", err, tail(out))
	}
	return nil
}

// number is the one number that a query gives.
func number(ctx context.Context, lakegate, data, query string) (int64, error) {
	out, err := exec.CommandContext(ctx, lakegate, "sql", "--data", data, "--format", "csv", query).Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", query, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var n int64
	_, err = fmt.Sscan(lines[len(lines)-1], &n)
	return n, err
}

// payloadTable names a payload table of the demo.
func payloadTable(data string) string {
	found, _ := filepath.Glob(filepath.Join(data, "lake", "*", "*", "*_payload"))
	if len(found) == 0 {
		return "no.payload.table"
	}
	rel, _ := filepath.Rel(filepath.Join(data, "lake"), found[0])
	return strings.ReplaceAll(filepath.ToSlash(rel), "/", ".")
}
