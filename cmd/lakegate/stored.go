package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// stored is the endpoints that were made through the API, as this gateway knows them. A copy in the
// data folder stands in while the store can't be reached. It is for one goroutine at a time.
type stored struct {
	store  *endpoints.Store
	watch  *endpoints.Watch
	file   string
	set    endpoints.Set
	said   map[string]int64            // versions that were logged as unusable, by name
	good   map[string]*config.Endpoint // what was usable last, by name
	logger *slog.Logger
}

func newStored(docs *state.Docs, data string, logger *slog.Logger) *stored {
	store := endpoints.New(docs)
	return &stored{
		store: store, watch: store.Watch(), file: filepath.Join(data, "api-endpoints.json"), said: map[string]int64{}, good: map[string]*config.Endpoint{}, logger: logger,
	}
}

// poll is refresh where there may be news.
func (s *stored) poll(ctx context.Context, now time.Time) (bool, error) {
	look, cancel := context.WithTimeout(ctx, memoryTimeout)
	defer cancel()
	due, err := s.watch.Due(look, now)
	if err != nil || !due {
		return false, err
	}
	news, err := s.refresh(ctx)
	if err == nil {
		s.watch.Listed(now)
	}
	return news, err
}

// refresh looks what is in the store now, and reports whether that is news.
func (s *stored) refresh(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, memoryTimeout)
	defer cancel()
	set, changed, err := s.store.Newest(ctx, s.set)
	if err != nil || !changed && s.set != nil {
		return false, err
	}
	s.set = set
	return changed, s.keep()
}

// keep keeps a copy for starts without the store. It holds no secrets: documents have references.
func (s *stored) keep() error {
	doc, err := json.Marshal(s.set)
	if err != nil {
		return fmt.Errorf("keep a copy of the endpoints of the API: %w", err)
	}
	next := s.file + ".next"
	if err := errors.Join(os.WriteFile(next, doc, 0o600), os.Rename(next, s.file)); err != nil {
		return fmt.Errorf("keep a copy of the endpoints of the API: %w", err)
	}
	return nil
}

// recall takes the copy, where nothing better is known.
func (s *stored) recall() error {
	if s.set != nil {
		return nil
	}
	doc, err := os.ReadFile(s.file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(doc, &s.set)
	}
	if err != nil {
		return fmt.Errorf("read this gateway's copy of the endpoints of the API: %w", err)
	}
	return nil
}

// sayWhoDeleted completes a row of an endpoint that is there no more, and so not in the catalog.
func (s *stored) sayWhoDeleted(row *inference.EntityChange) {
	if d := s.set.Lookup(row.EndpointName); row.DeleteTime != nil && d != nil && d.Deleted && d.Name == row.EndpointName {
		row.CreatedBy = d.ChangedBy
	}
}

// merged adds the endpoints of the API to those of the file. An endpoint that worked before and can't be
// read any more, such as one whose secret is gone, stays as it was.
func (s *stored) merged(file *config.Config, vault config.Vault) *config.Config {
	good := map[string]*config.Endpoint{}
	parse := func(d *endpoints.Document) (*config.Endpoint, error) {
		e, err := parseStored(file, d, vault)
		before := s.good[d.Name]
		if err != nil && before != nil && before.Version() == d.Version {
			s.say(d, "an endpoint made through the API can't be read again; it stays as it was", err)
			e, err = before, nil
		}
		good[d.Name] = e
		return e, err
	}
	all := mergeEndpoints(file, s.set, parse, func(d *endpoints.Document, err error) {
		s.say(d, "an endpoint made through the API can't be used with this configuration file; it is left out", err)
	})
	s.good = good
	return all
}

// say logs what is wrong with a version once.
func (s *stored) say(d *endpoints.Document, what string, err error) {
	if s.said[d.Name] != d.Version {
		s.said[d.Name] = d.Version
		s.logger.Warn(what, "endpoint", d.Name, "version", d.Version, "error", err)
	}
}

func parseStored(file *config.Config, d *endpoints.Document, vault config.Vault) (*config.Endpoint, error) {
	return file.ParseEndpoint(d.Spec, vault, &endpoint.Origin{
		Version: d.Version, Spec: d.Spec, Access: d.Access,
		Created: d.Created, CreatedBy: d.CreatedBy, Changed: d.Changed, ChangedBy: d.ChangedBy,
	})
}

// mergeEndpoints adds the endpoints of set to those of file. Those that can't be used beside what is
// there are left out and told.
func mergeEndpoints(file *config.Config, set endpoints.Set, parse func(*endpoints.Document) (*config.Endpoint, error), tell func(*endpoints.Document, error)) *config.Config {
	fitter := file.Fitter()
	var more []*config.Endpoint
	for _, d := range set.Live() {
		e, err := parse(d)
		if err == nil {
			err = fitter.Add(e)
		}
		if err != nil {
			tell(d, err)
			continue
		}
		more = append(more, e)
	}
	if len(more) == 0 {
		return file
	}
	return file.With(more...)
}

// withStored is file, which is from LoadLake, with the endpoints of the API, for work on the tables.
func withStored(ctx context.Context, file *config.Config, docs *state.Docs) (*config.Config, error) {
	set, _, err := endpoints.New(docs).Newest(ctx, nil)
	if err != nil {
		return nil, err
	}
	parse := func(d *endpoints.Document) (*config.Endpoint, error) { return parseStored(file, d, nil) }
	return mergeEndpoints(file, set, parse, func(*endpoints.Document, error) {}), nil // the gateway reports them
}

// followInterval is how often a gateway looks for changes that were made through others.
const followInterval = 2 * time.Second
