package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/lakegate/lakegate/internal/loadgen"
)

const usageTable = "system.serving.endpoint_usage"

// freshness is how long after its answer's end a request's row was found by SQL.
type freshness struct {
	Idle loadgen.Summary `json:"idle"`
	Busy loadgen.Summary `json:"at_200_per_second"`
}

// rows compares what was sent with what can be queried.
type rows struct {
	Found    int64 `json:"found"`
	Distinct int64 `json:"distinct_ids"`
	Payloads int64 `json:"payload_rows"`
	Verify   error `json:"-"` // of `lakegate verify`, after the gateway has stopped
}

// probe measures freshness, first on an idle gateway, then while others send requests too.
func (l *lab) probe(ctx context.Context) error {
	if l.o.probes == 0 {
		return nil
	}
	for _, t := range l.targets {
		if t.sql == nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %d probes: %s\n", 2*l.o.probes, t.Name)
		t.fresh = &freshness{}
		var err error
		if t.fresh.Idle, err = l.probes(ctx, t, "idle"); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		err = l.underLoad(ctx, t, func() (err error) {
			t.fresh.Busy, err = l.probes(ctx, t, "busy")
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

// underLoad runs f while 200 requests a second are sent.
func (l *lab) underLoad(ctx context.Context, t *target, f func() error) error {
	stop, ended := make(chan struct{}), make(chan error, 1)
	cfg := loadgen.DefaultConfig()
	cfg.URL, cfg.Header, cfg.Bodies = t.url, t.header, [][]byte{chatBody(endpoint, 1<<10, false)}
	cfg.Conns, cfg.Rate, cfg.Duration, cfg.Stop = 8, 200, 10*time.Minute, stop
	go func() {
		r, err := loadgen.Run(ctx, cfg)
		if err == nil {
			t.sent.Add(r.Sent)
		}
		ended <- err
	}()
	err := f()
	close(stop)
	if loadErr := <-ended; err == nil {
		err = loadErr
	}
	return err
}

// probes sends requests one by one, and after each asks for its row until it is there.
func (l *lab) probes(ctx context.Context, t *target, name string) (loadgen.Summary, error) {
	d := loadgen.NewDistribution()
	for i := range l.o.probes {
		id := fmt.Sprintf("probe-%s-%d", name, i)
		ended, err := l.send(ctx, t, id)
		if err != nil {
			return loadgen.Summary{}, err
		}
		t.sent.Add(1)
		found, err := l.waitForRow(ctx, t, id)
		if err != nil {
			return loadgen.Summary{}, err
		}
		d.Add(found.Sub(ended))
	}
	return d.Summary(), nil
}

// send makes one request, and says when its answer ended.
func (l *lab) send(ctx context.Context, t *target, id string) (time.Time, error) {
	body := []byte(`{"model":"` + endpoint + `","client_request_id":"` + id + `","messages":[{"role":"user","content":"x-fake: tokens=20"}]}`)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return time.Time{}, err
	}
	r.Header.Set("Authorization", t.header["Authorization"])
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return time.Time{}, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return time.Time{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return time.Time{}, fmt.Errorf("probe %s: %s", id, resp.Status)
	}
	return time.Now(), nil
}

// rowWait is when a row that has not appeared is given up.
const rowWait = 20 * time.Second

func (l *lab) waitForRow(ctx context.Context, t *target, id string) (time.Time, error) {
	query := "SELECT count(*) FROM " + usageTable + " WHERE client_request_id = '" + id + "'"
	for began := time.Now(); time.Since(began) < rowWait; {
		got, err := t.sql.Query(ctx, query)
		if err != nil {
			return time.Time{}, fmt.Errorf("ask for the row of %s: %w", id, err)
		}
		if len(got) == 1 && got[0].Text(0) != "0" {
			return time.Now(), nil
		}
	}
	return time.Time{}, fmt.Errorf("the row of %s did not appear within %v", id, rowWait)
}

// countRows compares rows with requests in each gateway, then stops it and verifies its tables.
func (l *lab) countRows(ctx context.Context) error {
	for _, t := range l.targets {
		if t.sql == nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: rows: %s\n", t.Name)
		var err error
		if t.rows.Found, err = count(ctx, t, "SELECT count(*) FROM "+usageTable); err != nil {
			return err
		}
		if t.rows.Distinct, err = count(ctx, t, "SELECT count(DISTINCT databricks_request_id) FROM "+usageTable); err != nil {
			return err
		}
		for _, table := range payloadTables {
			n, err := count(ctx, t, "SELECT count(DISTINCT databricks_request_id) FROM "+table)
			if err != nil {
				return err
			}
			t.rows.Payloads += n
		}
		if err := t.process.Stop(time.Minute); err != nil {
			return err
		}
		if out, err := exec.CommandContext(ctx, l.o.lakegate, "verify", "--data", t.data).CombinedOutput(); err != nil {
			t.rows.Verify = fmt.Errorf("%w: %s", err, out)
		}
	}
	return nil
}

func count(ctx context.Context, t *target, query string) (int64, error) {
	got, err := t.sql.Query(ctx, query)
	if err != nil {
		return 0, fmt.Errorf("%s: %s: %w", t.Name, query, err)
	}
	if len(got) != 1 || len(got[0]) != 1 {
		return 0, fmt.Errorf("%s: %s: %d rows, want one", t.Name, query, len(got))
	}
	return strconv.ParseInt(got[0].Text(0), 10, 64)
}
