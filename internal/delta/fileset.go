package delta

import (
	"cmp"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// fileSet is an immutable map by path, kept per folder as a list of short sorted runs: a commit copies
// the runs it touches, not the folder (a day), and not the table.
type fileSet[T any] struct {
	folders map[string][]run[T]
	n       int
}

// run is a sorted piece of a folder, never empty.
type run[T any] []entry[T]

type entry[T any] struct {
	path  string
	value *T
}

// A run that grew past maxRun is cut into pieces of half that. Runs that shrink are not joined:
// files leave a folder together, when it is compacted.
const maxRun = 256

func comparePaths[T any](a, b entry[T]) int { return cmp.Compare(a.path, b.path) }

// find returns the place of the path, and whether it is there.
func (r run[T]) find(p string) (int, bool) {
	return slices.BinarySearchFunc(r, p, func(e entry[T], p string) int { return strings.Compare(e.path, p) })
}

// runOf is the index of the run that has the path, or would: the last that starts at or before it.
func runOf[T any](runs []run[T], p string) int {
	i, found := slices.BinarySearchFunc(runs, p, func(r run[T], p string) int { return strings.Compare(r[0].path, p) })
	if found {
		return i
	}
	return max(i-1, 0)
}

// get returns what is under the path.
func (s fileSet[T]) get(p string) (*T, bool) {
	runs := s.folders[path.Dir(p)]
	if len(runs) == 0 {
		return nil, false
	}
	r := runs[runOf(runs, p)]
	i, ok := r.find(p)
	if !ok {
		return nil, false
	}
	return r[i].value, true
}

// all yields everything, folder after folder, each in order of paths.
func (s fileSet[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, v := range s.byPath() {
			if !yield(v) {
				return
			}
		}
	}
}

// byPath is all with the paths.
func (s fileSet[T]) byPath() iter.Seq2[string, *T] {
	return func(yield func(string, *T) bool) {
		for _, folder := range slices.Sorted(maps.Keys(s.folders)) {
			for _, r := range s.folders[folder] {
				for _, e := range r {
					if !yield(e.path, e.value) {
						return
					}
				}
			}
		}
	}
}

// added returns what is in s and not, or not the same, in old. Runs that both have are not looked at:
// it costs as much as the changes between them, when they are versions of one table.
func (s fileSet[T]) added(old fileSet[T]) (list []*T) {
	shared := map[*entry[T]]int{}
	for folder, runs := range s.folders {
		clear(shared)
		for _, r := range old.folders[folder] {
			shared[&r[0]] = len(r)
		}
		for _, r := range runs {
			if shared[&r[0]] == len(r) {
				continue
			}
			for _, e := range r {
				if was, ok := old.get(e.path); !ok || was != e.value {
					list = append(list, e.value)
				}
			}
		}
	}
	return list
}

// with returns the set after changes: by path the new value, or nil to remove what is there.
func (s fileSet[T]) with(changes map[string]*T) fileSet[T] {
	if len(changes) == 0 {
		return s
	}
	byFolder := map[string][]entry[T]{}
	for p, v := range changes {
		byFolder[path.Dir(p)] = append(byFolder[path.Dir(p)], entry[T]{p, v})
	}
	next := fileSet[T]{maps.Clone(s.folders), s.n}
	if next.folders == nil {
		next.folders = map[string][]run[T]{}
	}
	for folder, changed := range byFolder {
		slices.SortFunc(changed, comparePaths)
		runs, grown := mergeFolder(s.folders[folder], changed)
		next.n += grown
		if next.folders[folder] = runs; len(runs) == 0 {
			delete(next.folders, folder)
		}
	}
	return next
}

// mergeFolder returns the runs of a folder after sorted changes, and by how many entries they grew.
func mergeFolder[T any](old []run[T], changed []entry[T]) (runs []run[T], grown int) {
	if len(old) == 0 {
		old = []run[T]{nil}
	}
	runs = make([]run[T], 0, len(old)+len(changed)/maxRun+1)
	for i, r := range old {
		mine := changed
		if i+1 < len(old) {
			end, _ := slices.BinarySearchFunc(changed, old[i+1][0].path, func(e entry[T], p string) int { return strings.Compare(e.path, p) })
			mine = changed[:end]
		}
		changed = changed[len(mine):]
		if len(mine) == 0 {
			if len(r) > 0 {
				runs = append(runs, r)
			}
			continue
		}
		merged := merge(r, mine)
		grown += len(merged) - len(r)
		if len(merged) <= maxRun {
			if len(merged) > 0 {
				runs = append(runs, merged)
			}
			continue
		}
		for piece := range slices.Chunk(merged, maxRun/2) {
			runs = append(runs, slices.Clip(piece))
		}
	}
	return runs, grown
}

// merge returns the sorted old list with the sorted changes.
func merge[T any](old, changed []entry[T]) run[T] {
	list := make(run[T], 0, len(old)+len(changed))
	for _, c := range changed {
		i, found := run[T](old).find(c.path)
		list = append(list, old[:i]...)
		if old = old[i:]; found {
			old = old[1:]
		}
		if c.value != nil {
			list = append(list, c)
		}
	}
	return append(list, old...)
}
