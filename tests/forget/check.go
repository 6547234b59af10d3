package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/forget"
	"github.com/lakegate/lakegate/internal/tablewriter"
)

var tables = []string{"system/serving/endpoint_usage", "ai/logs/chat_payload"}

// describe prints what there is before.
func (s *stage) describe(ctx context.Context) error {
	for _, path := range tables {
		d, err := delta.Open(ctx, s.store, path)
		if err != nil {
			return err
		}
		snap := d.Snapshot()
		rows, _ := snap.NumRecords()
		var size int64
		for a := range snap.Files() {
			size += a.Size
		}
		fmt.Printf("forget: %s has %d rows in %d files, %.1f MiB, version %d\n", path, rows, snap.NumFiles(), float64(size)/(1<<20), snap.Version)
	}
	return nil
}

// forget has the person forgotten while the traffic goes on. From its begin the person calls again.
func (s *stage) forget(ctx context.Context) (*forget.Report, error) {
	mode := forget.Delete
	if s.o.anonymize {
		mode = forget.Anonymize
	}
	cfg := s.config()
	began := time.Now()
	cfg.FailPoint = func(point string) error {
		if point == "rewritten" {
			s.later.CompareAndSwap(0, 1)
		}
		fmt.Printf("forget: %7.2f s  %s\n", time.Since(began).Seconds(), point)
		return nil
	}
	return forget.Run(ctx, cfg, forget.Subject{Requester: person}, forget.Options{Mode: mode, By: "tests/forget"})
}

// check compares what was done with what was recorded.
func (s *stage) check(ctx context.Context, r *forget.Report) (faults int, err error) {
	fault := func(format string, args ...any) {
		faults++
		fmt.Printf("fault: "+format+"\n", args...)
	}
	if !r.Clean {
		fault("the report is not clean")
	}
	if want := s.hers.Load() + s.hersWithBody.Load(); r.Rows() != want {
		fault("%d rows of the person were found, %d were recorded", r.Rows(), want)
	}
	if err := s.versions(ctx, r.Requested, fault); err != nil {
		return faults, err
	}
	began := time.Now()
	for _, g := range s.gateways {
		if err := g.close(); err != nil {
			return faults, err
		}
		rep, err := tablewriter.Verify(ctx, g.cfg, feeds(), s.logger)
		if err != nil {
			return faults, err
		}
		fmt.Printf("forget: verify: accepted %d = landed %d + erased %d + pending %d + losses %d; %d rows of others; ok %v\n",
			rep.Accepted, rep.Landed, rep.Erased, rep.Pending, rep.Losses, rep.Foreign, rep.OK())
		if !rep.OK() || rep.Accepted != rep.Landed+rep.Erased+rep.Pending+rep.Losses {
			fault("verify of %s: %q", g.cfg.Dir, rep.Problems)
		}
	}
	fmt.Printf("forget: verified in %.1f s; %d calls were made meanwhile, %d of them by the person\n", time.Since(began).Seconds(), s.calls.Load(), max(0, s.later.Load()-1))
	if err := s.look(ctx, fault); err != nil {
		return faults, err
	}
	return faults, nil
}

// versions opens every version that the logs still have: none may lead to a row of the person.
func (s *stage) versions(ctx context.Context, requested time.Time, fault func(string, ...any)) error {
	versions, files, gone := 0, map[string]bool{}, 0
	for _, path := range tables {
		d, err := delta.Open(ctx, s.store, path)
		if err != nil {
			return err
		}
		newest := d.Snapshot()
		for v := range newest.Version {
			at, err := d.At(ctx, v)
			if errors.Is(err, delta.ErrVersionGone) {
				continue
			}
			if err != nil {
				return err
			}
			versions++
			for a := range at.Files() {
				key := d.Key(a.Path)
				if _, live := newest.File(a.Path); live || files[key] {
					continue
				}
				files[key] = true
				n, there, err := s.rowsOfPerson(ctx, key, requested)
				if err != nil {
					return err
				}
				if !there {
					gone++
				}
				if n > 0 {
					fault("version %d of %s leads to %s with %d rows of the person", v, path, key, n)
				}
			}
		}
	}
	fmt.Printf("forget: time travel: %d older versions name %d files that are not of the newest; %d are gone, the others have no row of the person from before\n", versions, len(files), gone)
	return nil
}

// rowsOfPerson counts the person's rows in a data file that are of requests before a time, which their
// ids have.
func (s *stage) rowsOfPerson(ctx context.Context, key string, before time.Time) (n int, there bool, err error) {
	b, _, err := s.store.Get(ctx, key)
	if err != nil {
		return 0, false, nil
	}
	var early []bool
	err = datafile.ReadStrings(ctx, bytes.NewReader(b), "databricks_request_id", func(v string, _ bool) error {
		id, err := uuid.Parse(v)
		sec, nsec := id.Time().UnixTime()
		early = append(early, time.Unix(sec, nsec).Before(before))
		return err
	})
	if err != nil {
		return 0, true, err
	}
	row := 0
	err = datafile.ReadStrings(ctx, bytes.NewReader(b), "requester", func(v string, _ bool) error {
		if v == person && early[row] {
			n++
		}
		row++
		return nil
	})
	return n, true, err
}

// look searches the bytes of every file below the stage's folder, and the requesters of every data
// file: only calls from after the request to forget may be there.
func (s *stage) look(ctx context.Context, fault func(string, ...any)) error {
	var rows int64
	for _, path := range tables {
		d, err := delta.Open(ctx, s.store, path)
		if err != nil {
			return err
		}
		for a := range d.Snapshot().Files() {
			n, _, err := s.rowsOfPerson(ctx, d.Key(a.Path), time.Now())
			if err != nil {
				return err
			}
			if path == tables[0] {
				rows += int64(n)
			}
		}
	}
	if want := max(0, s.later.Load()-1); rows != want {
		fault("%d rows of the person are left, %d calls were made after the request to forget", rows, want)
	}
	files := 0
	return errors.Join(filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".parquet") {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(person)) {
			fault("%s names the person", path)
		}
		return err
	}), ctx.Err())
}
