package rollouts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/lakegate/lakegate/serving/rollout"
)

func readCopy(file string) (map[string]rollout.State, error) {
	all := map[string]rollout.State{}
	if file == "" {
		return all, nil
	}
	doc, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(doc, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("read this gateway's copy of the rollouts, %s: %w", file, err)
	}
	return all, nil
}

// save keeps a copy of what is known, when it is more than counts that is new.
func (k *Keeper) save() error {
	news := false
	for _, t := range k.Table.All() {
		s, known := t.State()
		old, had := k.copy[t.ID()]
		if !known || had && old.Turn == s.Turn && old.Stage == s.Stage && old.Status == s.Status {
			continue
		}
		k.copy[t.ID()], news = s, true
	}
	if !news {
		return nil
	}
	return k.rewrite()
}

func (k *Keeper) rewrite() error {
	if k.Copy == "" {
		return nil
	}
	doc, err := json.Marshal(k.copy)
	if err != nil {
		return fmt.Errorf("keep a copy of the rollouts: %w", err)
	}
	next := k.Copy + ".next"
	if err := errors.Join(os.WriteFile(next, doc, 0o600), os.Rename(next, k.Copy)); err != nil {
		return fmt.Errorf("keep a copy of the rollouts: %w", err)
	}
	return nil
}

// forget deletes the documents of rollouts that their endpoints have no more. An endpoint that is
// not there may be back: it may be left out of this gateway's catalog for want of a secret.
func (k *Keeper) forget(ctx context.Context) error {
	there := map[string]bool{}
	for _, t := range k.Table.All() {
		there[t.ID()] = true
	}
	gone := false
	for id, s := range k.copy {
		if there[id] || !k.Has(s.Endpoint) {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		err := k.Docs.Delete(ctx, Kind, id)
		cancel()
		if err != nil {
			return err
		}
		delete(k.copy, id)
		k.told.Delete(id)
		gone = true
		k.Logger.Info("a rollout is no more, and forgotten", "endpoint", s.Endpoint, "entity", s.To, "was", string(s.Status))
	}
	if !gone {
		return nil
	}
	return k.rewrite()
}
