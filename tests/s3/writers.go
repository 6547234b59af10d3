package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
	"github.com/lakegate/lakegate/internal/tablewriter"
)

// tables are those with a row for every request.
var tables = []string{"system/serving/endpoint_usage", "main/ai/chat_payload"}

// writers has several processes append to the same tables at once, and audits what they leave.
func writers(ctx context.Context, o options, server *s3test.Server, dir string) error {
	fmt.Printf("s3: %d writers on the same tables for %v\n", o.writers, o.length)
	dirs, all, err := runWriters(ctx, o, server, dir)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, server.Endpoint)
	if err != nil {
		return err
	}
	var faults []error
	accepted, longest := int64(0), 0.0
	for i, d := range all {
		accepted += d.Accepted
		longest = max(longest, d.Seconds)
		faults = append(faults, audit(ctx, dirs[i], store, d))
	}
	commits := int64(0)
	for _, t := range tables {
		n, err := auditTable(ctx, store, t, accepted)
		commits += n
		faults = append(faults, err)
	}
	fmt.Printf("s3: %d requests in %d commits to %d tables in %.1f s: %.0f commits/s, each with its Parquet file\n",
		accepted, commits, len(tables), longest, float64(commits)/longest)
	return errors.Join(faults...)
}

// runWriters runs the children to their end.
func runWriters(ctx context.Context, o options, server *s3test.Server, dir string) (dirs []string, all []done, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.length+2*time.Minute)
	defer cancel()
	var wait []func() (done, error)
	for i := range o.writers {
		data := filepath.Join(dir, "writer"+strconv.Itoa(i))
		dirs = append(dirs, data)
		cmd := exec.CommandContext(ctx, self)
		cmd.Env = append(os.Environ(), childDir+"="+data, childEndpoint+"="+server.Endpoint, childFor+"="+o.length.String())
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			return nil, nil, err
		}
		wait = append(wait, func() (d done, err error) {
			text, rerr := io.ReadAll(out)
			if err := errors.Join(rerr, cmd.Wait()); err != nil {
				return d, fmt.Errorf("writer %d: %w", i, err)
			}
			return d, json.Unmarshal(text, &d)
		})
	}
	var errs []error
	for _, w := range wait {
		d, err := w()
		all, errs = append(all, d), append(errs, err)
	}
	return dirs, all, errors.Join(errs...)
}

// audit compares what a writer promised with what the tables have of it.
func audit(ctx context.Context, dir string, store objstore.Store, d done) error {
	r, err := tablewriter.Verify(ctx, writerConfig(dir, store), feeds(), slog.New(slog.DiscardHandler))
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(dir), err)
	}
	want := d.Accepted * int64(len(tables))
	if !r.OK() || r.Accepted != want || r.Landed != want || r.Pending != 0 || r.Losses != 0 {
		return fmt.Errorf("%s: %d requests; accepted %d rows, landed %d, pending %d, lost %d+%d, doubled %d: %q",
			filepath.Base(dir), d.Accepted, r.Accepted, r.Landed, r.Pending, r.Losses, r.Lost, r.Duplicates, r.Problems)
	}
	return nil
}

var commitKey = regexp.MustCompile(`/_delta_log/(\d{20})\.json$`)

// auditTable counts the rows of a table, and its versions, which must be contiguous.
func auditTable(ctx context.Context, store objstore.Store, path string, want int64) (versions int64, err error) {
	for info, err := range store.List(ctx, path+"/_delta_log/", "") {
		if err != nil {
			return 0, err
		}
		m := commitKey.FindStringSubmatch(info.Key)
		if m == nil {
			continue
		}
		if v, _ := strconv.ParseInt(m[1], 10, 64); v != versions {
			return 0, fmt.Errorf("%s: version %d is missing, %d is there", path, versions, v)
		}
		versions++
	}
	t, err := delta.Open(ctx, store, path)
	if err != nil {
		return 0, err
	}
	rows, known := t.Snapshot().NumRecords()
	if !known || rows != want || t.Snapshot().Version != versions-1 {
		return 0, fmt.Errorf("%s: %d rows at version %d, want %d at %d", path, rows, t.Snapshot().Version, want, versions-1)
	}
	return versions - 1, nil // the first one made the table
}
