package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/lakegate/lakegate/internal/launch"
)

// audit compares what was answered with what can be queried, stops the gateway, and compares again
// with what is in the store.
func (s *stage) audit(ctx context.Context) error {
	db := launch.SQL{URL: s.url(""), Token: token}
	for _, table := range []string{"system.serving.endpoint_usage", "main.ai.chat_payload"} {
		rows, err := db.Query(ctx, "SELECT count(*), count(DISTINCT databricks_request_id) FROM "+table)
		if err != nil {
			return err
		}
		want := strconv.FormatInt(s.answered, 10)
		if rows[0].Text(0) != want || rows[0].Text(1) != want {
			return fmt.Errorf("%s has %s rows of %s requests, %s were answered", table, rows[0].Text(0), rows[0].Text(1), want)
		}
	}
	if err := s.gateway.Stop(2 * time.Minute); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, s.o.lakegate, "verify", "--config", s.file, "--json")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("lakegate verify: %w: %s", err, out)
	}
	var report struct{ Accepted, Landed, Pending, Losses, Lost, Duplicates int64 }
	if err := json.Unmarshal(out, &report); err != nil {
		return fmt.Errorf("lakegate verify: %w", err)
	}
	fmt.Printf("outage: %d requests answered; accepted %d rows, landed %d, lost %d, doubled %d\n",
		s.answered, report.Accepted, report.Landed, report.Lost+report.Losses+report.Pending, report.Duplicates)
	// One row of usage and one payload each; and the rows that say which endpoints there are.
	if report.Landed != report.Accepted || report.Landed < 2*s.answered || report.Lost+report.Losses+report.Pending+report.Duplicates > 0 {
		return fmt.Errorf("not every answered request is two rows: %+v", report)
	}
	return nil
}
