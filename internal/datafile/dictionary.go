package datafile

import (
	"hash/maphash"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

const (
	// A sample of a column shows values that repeat if they are not many more than it: of a small
	// batch, which may be one of many small files and has little time, less is looked at.
	sampleSize  = 512
	largeSample = 8192
	// maxEntry is the longest string, on average, worth a dictionary.
	maxEntry = 512
)

var seed = maphash.MakeSeed()

// repeating returns the Parquet paths of the leaves of a column whose values repeat: those worth a
// dictionary, by a sample of that size. Dictionaries everywhere cost a third of the speed and some bytes.
func repeating(path string, a arrow.Array, size int) []string {
	switch a := a.(type) {
	case *array.Map:
		return append(repeating(path+".key_value.key", a.Keys(), size), repeating(path+".key_value.value", a.Items(), size)...)
	case *array.List:
		return repeating(path+".list.element", a.ListValues(), size)
	case *array.Struct:
		var paths []string
		for i, f := range a.DataType().(*arrow.StructType).Fields() {
			paths = append(paths, repeating(path+"."+f.Name, a.Field(i), size)...)
		}
		return paths
	}
	if repeats(a, size) {
		return []string{path}
	}
	return nil
}

// repeats samples a leaf: at most every second value may be new, and three of four of a large
// sample, whose values come again in the rest of a row group.
func repeats(a arrow.Array, size int) bool {
	n := a.Len()
	if n < 2 {
		return false
	}
	if s, ok := a.(*array.String); ok && len(s.ValueBytes())/n > maxEntry {
		return false
	}
	at := hasher(a)
	if at == nil {
		return false
	}
	seen := make(map[uint64]struct{}, size)
	sampled := 0
	for k := range min(n, size) {
		i := k * n / min(n, size)
		if a.IsNull(i) {
			continue
		}
		sampled++
		seen[at(i)] = struct{}{}
	}
	if size > sampleSize && sampled == size {
		return 4*len(seen) <= 3*sampled
	}
	return sampled > 1 && 2*len(seen) <= sampled
}

// hasher returns what tells the values of a leaf apart, or nil for types that get no dictionary:
// booleans are bits already, and doubles rarely repeat.
func hasher(a arrow.Array) func(i int) uint64 {
	switch a := a.(type) {
	case *array.String:
		return func(i int) uint64 { return maphash.String(seed, a.Value(i)) }
	case *array.Int32:
		return func(i int) uint64 { return uint64(a.Value(i)) }
	case *array.Int64:
		return func(i int) uint64 { return uint64(a.Value(i)) }
	case *array.Date32:
		return func(i int) uint64 { return uint64(a.Value(i)) }
	case *array.Timestamp:
		return func(i int) uint64 { return uint64(a.Value(i)) }
	case *array.Decimal128:
		return func(i int) uint64 { return a.Value(i).LowBits() }
	}
	return nil
}
