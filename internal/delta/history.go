package delta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/objstore"
)

// Version is what a commit says of itself. Other engines may leave anything out but the number.
type Version struct {
	Version             int64
	Timestamp           time.Time // as for AtTime
	Operation           string
	Parameters, Metrics map[string]string
	Engine              string
	UserMetadata        string
	ReadVersion         *int64 // nil when it isn't known
	IsBlindAppend       bool
}

// History returns the last versions, newest first: at most limit, or all that the log has for 0.
func (t *Table) History(ctx context.Context, limit int) ([]Version, error) {
	l, err := t.log.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("history of table %s: %w", t.log.path, err)
	}
	files := l.commits
	if limit > 0 {
		files = files[max(0, len(files)-limit):]
	}
	versions := make([]*Version, len(files))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, f := range files {
		g.Go(func() error {
			data, _, err := t.log.store.Get(gctx, f.key)
			if errors.Is(err, objstore.ErrNotFound) { // a log cleanup was faster
				return nil
			}
			if err != nil {
				return fmt.Errorf("version %d: %w", f.version, err)
			}
			versions[i], err = describeCommit(f, data)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("history of table %s: %w", t.log.path, err)
	}
	all := make([]Version, 0, len(versions))
	for _, v := range slices.Backward(versions) {
		if v != nil {
			all = append(all, *v)
		}
	}
	return all, nil
}

func describeCommit(f commitFile, data []byte) (*Version, error) {
	actions, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("version %d: %w", f.version, err)
	}
	v := &Version{Version: f.version, Timestamp: f.at}
	for _, a := range actions {
		if a.CommitInfo == nil {
			continue
		}
		var info struct {
			Operation     string                     `json:"operation"`
			Parameters    map[string]json.RawMessage `json:"operationParameters"`
			ReadVersion   *int64                     `json:"readVersion"`
			IsBlindAppend bool                       `json:"isBlindAppend"`
			Metrics       map[string]json.RawMessage `json:"operationMetrics"`
			UserMetadata  json.RawMessage            `json:"userMetadata"`
			EngineInfo    string                     `json:"engineInfo"`
		}
		// The action is for people, and every engine has its own. What doesn't fit stays out.
		_ = json.Unmarshal(a.CommitInfo, &info)
		v.Operation, v.Engine = info.Operation, info.EngineInfo
		v.Parameters, v.Metrics = texts(info.Parameters), texts(info.Metrics)
		v.ReadVersion, v.IsBlindAppend = info.ReadVersion, info.IsBlindAppend
		v.UserMetadata = text(info.UserMetadata)
	}
	return v, nil
}

// text is the string of a JSON value, or the JSON if it isn't one.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil { // null gives ""
		return s
	}
	return string(raw)
}

func texts(raw map[string]json.RawMessage) map[string]string {
	m := make(map[string]string, len(raw))
	for k, v := range raw {
		m[k] = text(v)
	}
	return m
}
