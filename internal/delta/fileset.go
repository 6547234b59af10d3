package delta

import (
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// fileSet is an immutable map by path, kept per folder and sorted: a commit copies the list of the
// folder it writes to (a day), not the whole table.
type fileSet[T any] struct {
	folders map[string][]entry[T]
	n       int
}

type entry[T any] struct {
	path  string
	value *T
}

// get returns what is under the path.
func (s fileSet[T]) get(p string) (*T, bool) {
	list := s.folders[path.Dir(p)]
	i, ok := slices.BinarySearchFunc(list, p, entry[T].compare)
	if !ok {
		return nil, false
	}
	return list[i].value, true
}

func (e entry[T]) compare(p string) int { return strings.Compare(e.path, p) }

// all yields everything, folder after folder, each in order of paths.
func (s fileSet[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, folder := range slices.Sorted(maps.Keys(s.folders)) {
			for _, e := range s.folders[folder] {
				if !yield(e.value) {
					return
				}
			}
		}
	}
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
		next.folders = map[string][]entry[T]{}
	}
	for folder, changed := range byFolder {
		slices.SortFunc(changed, func(a, b entry[T]) int { return strings.Compare(a.path, b.path) })
		old := s.folders[folder]
		list := merge(old, changed)
		next.n += len(list) - len(old)
		if next.folders[folder] = list; len(list) == 0 {
			delete(next.folders, folder)
		}
	}
	return next
}

// merge returns the sorted old list with the sorted changes.
func merge[T any](old, changed []entry[T]) []entry[T] {
	list := make([]entry[T], 0, len(old)+len(changed))
	for _, c := range changed {
		i, found := slices.BinarySearchFunc(old, c.path, entry[T].compare)
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
