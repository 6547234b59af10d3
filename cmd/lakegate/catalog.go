package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	inferencetables "github.com/lakegate/lakegate/inference_tables"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/tableschema"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// discoverTables returns the tables of a store, by name: the folders catalog/schema/table that have a
// Delta log. It jumps from table to table instead of listing their files.
func discoverTables(ctx context.Context, store objstore.Store) ([]*tableschema.Table, error) {
	var all []*tableschema.Table
	for after := ""; ; {
		key, err := firstKey(ctx, store, "", after)
		if err != nil {
			return nil, fmt.Errorf("look for tables: %w", err)
		}
		if key == "" {
			return all, nil
		}
		parts := strings.Split(key, "/")
		if strings.HasPrefix(parts[0], "_") {
			after = parts[0] + behindFolder
			continue
		}
		if len(parts) < 4 {
			after = key // a stray file beside the tables
			continue
		}
		path := strings.Join(parts[:3], "/")
		after = path + behindFolder
		log, err := firstKey(ctx, store, path+"/_delta_log/", "")
		if err != nil {
			return nil, fmt.Errorf("look for tables: %w", err)
		}
		if name, err := tableschema.ParseName(strings.Join(parts[:3], ".")); err == nil && log != "" {
			all = append(all, declared(name))
		}
	}
}

// behindFolder, after a folder's name, sorts behind every key in it.
const behindFolder = "/~"

func firstKey(ctx context.Context, store objstore.Store, prefix, after string) (string, error) {
	for info, err := range store.List(ctx, prefix, after) {
		return info.Key, err
	}
	return "", nil
}

// declared returns a table as lakegate itself makes it; of others only the name is known.
func declared(name tableschema.Name) *tableschema.Table {
	for _, t := range systemtables.Tables() {
		if t.Name == name {
			return t
		}
	}
	if strings.HasSuffix(name.Table, "_payload") {
		if t, err := inferencetables.NewTable(name.String()); err == nil {
			return t
		}
	}
	return &tableschema.Table{Name: name}
}

// pickTable finds the table that somebody means: by its full name, or by the end of it when that is
// enough.
func pickTable(all []*tableschema.Table, wrote string) (*tableschema.Table, error) {
	var names []string
	var ends []*tableschema.Table
	want := strings.ToLower(strings.ReplaceAll(wrote, "`", ""))
	for _, t := range all {
		name := t.Name.String()
		names = append(names, name)
		switch lower := strings.ToLower(name); {
		case lower == want:
			return t, nil
		case strings.HasSuffix(lower, "."+want):
			ends = append(ends, t)
		}
	}
	switch {
	case len(ends) == 1:
		return ends[0], nil
	case len(ends) > 1:
		return nil, fmt.Errorf("%q can be %s: write the whole name", wrote, orList(ends))
	case len(all) == 0:
		return nil, fmt.Errorf("there is no table %q: the lake has no tables yet", wrote)
	}
	if near := nearest(wrote, names); len(near) > 0 {
		return nil, fmt.Errorf("there is no table %q; did you mean %s? (lakegate tables list)", wrote, strings.Join(near, " or "))
	}
	return nil, fmt.Errorf("there is no table %q; `lakegate tables list` has the %d there are", wrote, len(all))
}

func orList(tables []*tableschema.Table) string {
	var names []string
	for _, t := range tables {
		names = append(names, t.Name.String())
	}
	slices.Sort(names)
	return strings.Join(names, " or ")
}

// openTable opens a table's log for looking.
func openTable(ctx context.Context, store objstore.Store, name tableschema.Name) (*delta.Table, error) {
	t, err := delta.OpenExisting(ctx, store, tablePath(name.String()), delta.Options{Version: version})
	if errors.Is(err, delta.ErrNotTable) {
		return nil, fmt.Errorf("there is no table %s: %w", name, err)
	}
	return t, err
}
