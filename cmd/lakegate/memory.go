package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// memory remembers what endpoints there were, and since when, in one document per lake that all
// gateways on it share. A copy in the data folder stands in while the store can't be reached.
type memory struct {
	docs *state.Docs
	file string
}

const (
	memoryKind = "gateway"
	memoryID   = "endpoints"
	// memoryTimeout bounds one look at the document: a gateway must come up while the store is down.
	memoryTimeout = 10 * time.Second
)

func newMemory(docs *state.Docs, data string) *memory {
	return &memory{docs, filepath.Join(data, "endpoints.json")}
}

// recall returns what is remembered, and the version to change it with.
func (m *memory) recall(ctx context.Context) (endpoint.Memory, state.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, memoryTimeout)
	defer cancel()
	doc, v, err := m.docs.Get(ctx, memoryKind, memoryID)
	if errors.Is(err, state.ErrNotFound) {
		return endpoint.Memory{}, "", nil
	}
	if err != nil {
		return endpoint.Memory{}, "", fmt.Errorf("read what endpoints there were: %w", err)
	}
	var mem endpoint.Memory
	if err := json.Unmarshal(doc, &mem); err != nil {
		return mem, "", fmt.Errorf("read what endpoints there were: document %s/%s: %w", memoryKind, memoryID, err)
	}
	return mem, v, nil
}

// change replaces version v by what is to be remembered now. state.ErrChanged or state.ErrExists
// when another gateway was faster.
func (m *memory) change(ctx context.Context, v state.Version, now endpoint.Memory) error {
	ctx, cancel := context.WithTimeout(ctx, memoryTimeout)
	defer cancel()
	doc, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("remember the endpoints: %w", err)
	}
	if v == "" {
		_, err = m.docs.Create(ctx, memoryKind, memoryID, doc)
	} else {
		_, err = m.docs.Replace(ctx, memoryKind, memoryID, v, doc)
	}
	if err != nil {
		return fmt.Errorf("remember the endpoints: %w", err)
	}
	return nil
}

// copy keeps a copy for starts without the store.
func (m *memory) copy(now endpoint.Memory) error {
	doc, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("remember the endpoints: %w", err)
	}
	next := m.file + ".next"
	if err := errors.Join(os.WriteFile(next, doc, 0o600), os.Rename(next, m.file)); err != nil {
		return fmt.Errorf("keep a copy of what endpoints there are: %w", err)
	}
	return nil
}

// recallCopy returns what this gateway's last run knew; nothing when it is its first.
func (m *memory) recallCopy() (endpoint.Memory, error) {
	var mem endpoint.Memory
	doc, err := os.ReadFile(m.file)
	if errors.Is(err, os.ErrNotExist) {
		return mem, nil
	}
	if err == nil {
		err = json.Unmarshal(doc, &mem)
	}
	if err != nil {
		return mem, fmt.Errorf("read this gateway's copy of what endpoints there were: %w", err)
	}
	return mem, nil
}
