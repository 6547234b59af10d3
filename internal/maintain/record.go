package maintain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// Kind is the kind of the documents that say what was done with each table: _lakegate/maintenance/<table>.json.
const Kind = "maintenance"

// record is what was last done with a table, by any gateway.
type record struct {
	Table     string    `json:"table"`
	SortBy    []string  `json:"sort_by,omitempty"`
	Compacted time.Time `json:"compacted"`
	Retained  time.Time `json:"retained"`
	Vacuumed  time.Time `json:"vacuumed"`
	Cleaned   time.Time `json:"cleaned"`
}

// record reads the table's document; the version is "" when there is none.
func (k *Keeper) record(ctx context.Context, name tableschema.Name) (record, state.Version, error) {
	r := record{Table: name.String()}
	doc, version, err := k.docs.Get(ctx, Kind, name.String())
	if errors.Is(err, state.ErrNotFound) {
		return r, "", nil
	}
	if err != nil {
		return r, "", err
	}
	// One that can't be read is written anew.
	_ = json.Unmarshal(doc, &r)
	r.Table = name.String()
	return r, version, nil
}

// note changes the table's document. Of two who do so at once, one may not be heard: the work is done
// once more then.
func (k *Keeper) note(ctx context.Context, t *tableschema.Table, change func(*record)) error {
	r, version, err := k.record(ctx, t.Name)
	if err != nil {
		return err
	}
	r.SortBy = t.SortBy
	change(&r)
	doc, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode record of %s: %w", t.Name, err)
	}
	if version == "" {
		_, err = k.docs.Create(ctx, Kind, t.Name.String(), doc)
	} else {
		_, err = k.docs.Replace(ctx, Kind, t.Name.String(), version, doc)
	}
	if errors.Is(err, state.ErrChanged) || errors.Is(err, state.ErrExists) {
		return nil
	}
	return err
}

// known returns the tables that are declared, and those that are not any more but have been
// maintained: their retention goes on.
func (k *Keeper) known(ctx context.Context) ([]*tableschema.Table, error) {
	all := k.tables()
	have := map[string]bool{}
	for _, t := range all {
		have[t.Name.String()] = true
	}
	ids, err := k.docs.List(ctx, Kind)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		name, err := tableschema.ParseName(id)
		if err != nil || have[id] {
			continue
		}
		r, _, err := k.record(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, &tableschema.Table{Name: name, SortBy: r.SortBy})
	}
	return all, nil
}
