package vault

import (
	"maps"
	"slices"
	"time"
)

// Source is where secrets come from, as it is counted.
type Source string

// The sources that are looked at again while a gateway runs.
const (
	FromFiles Source = "files"
	FromStore Source = "store" // the local one
	FromLake  Source = "lake"  // the lake's store
	FromAWS   Source = "aws"
)

// Count says how looking for changes at a source has been going.
type Count struct {
	Source   Source
	Failures int64     // since the start
	Worked   time.Time // when it was last looked at; zero for never
	Since    time.Time // when that was tried first

	failing bool
}

// Stats returns the counts of the sources that were looked at, sorted.
func (v *Vault) Stats() []Count {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []Count
	for _, s := range slices.Sorted(maps.Keys(v.counts)) {
		all = append(all, *v.counts[s])
	}
	return all
}

func (k Kind) source() Source {
	switch k {
	case Files:
		return FromFiles
	case AWS:
		return FromAWS
	case Env:
		return ""
	default:
		return FromStore
	}
}

// count notes one look. It returns whether the one before had failed, and whether this is the first of
// a row of failures.
func (v *Vault) count(s Source, worked bool) (before, began bool) {
	if s == "" {
		return false, false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.counted(s, worked)
}

// counted is count for who holds the lock.
func (v *Vault) counted(s Source, worked bool) (before, began bool) {
	c := v.counts[s]
	if c == nil {
		c = &Count{Source: s, Since: time.Now()}
		v.counts[s] = c
	}
	before = c.failing
	c.failing = !worked
	if worked {
		c.Worked = time.Now()
		return before, false
	}
	c.Failures++
	return before, !before
}
