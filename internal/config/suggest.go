package config

import (
	"reflect"
	"slices"
	"strings"
)

// suggestKey returns what was probably meant by a key that struct t does not have: one of t's
// that is spelled alike, or the same key further down.
func (d *decoder) suggestKey(name string, t reflect.Type, path string) string {
	keys := keysOf(t, path)
	if best, ok := nearest(name, keys); ok {
		// That the key which was meant is missing needs no fault of its own.
		if p := join(path, best); !d.places[p].given {
			d.places[p] = place{bad: true}
		}
		return `, did you mean "` + best + `"?`
	}
	if below := findBelow(name, t); len(below) == 1 {
		return `, it belongs under "` + below[0] + `"`
	}
	return "; known here are " + strings.Join(keys, ", ")
}

func keysOf(t reflect.Type, path string) []string {
	var keys []string
	for i := range t.NumField() {
		if f := t.Field(i); inline(f) {
			keys = append(keys, keysOf(f.Type, path)...)
		} else if f.IsExported() && !isRest(f) {
			keys = append(keys, keyOf(f, path))
		}
	}
	return keys
}

// findBelow returns the paths of the structs inside t that have a key of that name.
func findBelow(name string, t reflect.Type) []string {
	var found []string
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		sub := f.Type
		if sub.Kind() == reflect.Pointer {
			sub = sub.Elem()
		}
		if sub.Kind() != reflect.Struct || sub == secretType || isWord(sub) || inline(f) {
			continue
		}
		key := keyOf(f, "")
		if slices.Contains(keysOf(sub, key), name) {
			found = append(found, key)
		}
		for _, below := range findBelow(name, sub) {
			found = append(found, key+"."+below)
		}
	}
	return found
}

// nearest returns the candidate that is spelled most like s, if one is: at most one letter in
// three differs, or it starts or ends with all of s, apart from case and from - for _.
func nearest(s string, candidates []string) (string, bool) {
	best, least := "", len(s)/3+1
	for _, c := range candidates {
		n := distance(fold(s), fold(c))
		if len(s) >= 4 && (strings.HasPrefix(fold(c), fold(s)) || strings.HasSuffix(fold(c), "_"+fold(s))) {
			n = min(n, 1)
		}
		if n < least {
			best, least = c, n
		}
	}
	return best, best != ""
}

func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "_")) }

// distance counts the letters to insert, delete, replace or swap with their neighbour to get
// from a to b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
