package objstoretest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lakegate/lakegate/internal/objstore"
)

// Stores that send large objects in parts are to be opened so that this is one.
const largeBytes = 12<<20 + 345

func large(t *testing.T, s objstore.Store) {
	data := make([]byte, largeBytes)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	made, err := s.Create(t.Context(), "created/large", data)
	noError(t, err)
	_, err = s.Create(t.Context(), "created/large", data[:len(data)-1])
	wantError(t, err, objstore.ErrExists)
	got, info, err := s.Get(t.Context(), "created/large")
	noError(t, err)
	if !bytes.Equal(got, data) || info.ETag != made.ETag || info.Size != largeBytes || made.Size != largeBytes {
		t.Fatalf("got %d bytes, %+v, want those written, %+v", len(got), info, made)
	}
	data[largeBytes/2]++
	next, err := s.Replace(t.Context(), "created/large", made.ETag, data)
	noError(t, err)
	_, err = s.Replace(t.Context(), "created/large", made.ETag, data[1:])
	wantError(t, err, objstore.ErrChanged)
	part, info, err := s.GetRange(t.Context(), "created/large", largeBytes/2, 9<<20)
	noError(t, err)
	if !bytes.Equal(part, data[largeBytes/2:]) || info.ETag != next.ETag || info.Size != largeBytes {
		t.Fatalf("range has %d bytes, %+v, want %d, %+v", len(part), info, largeBytes-largeBytes/2, next)
	}
	_, err = s.Put(t.Context(), "put/large", data)
	noError(t, err)
	if got, _, err = s.Get(t.Context(), "put/large"); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("got %d bytes, %v, want those written", len(got), err)
	}
	largeRace(t, s, data)
}

func largeRace(t *testing.T, s objstore.Store, data []byte) {
	var won atomic.Int64
	together(3, func(i int) {
		switch _, err := s.Create(t.Context(), "raced/large", data[i:]); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, objstore.ErrExists):
			t.Errorf("create: %v", err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d of 3 created one large object", won.Load())
	}
}

func ranges(t *testing.T, s objstore.Store) {
	const text = "0123456789"
	info := put(t, s, "k", text)
	empty := put(t, s, "empty", "")
	for _, c := range []struct {
		key            string
		offset, length int64
		want           string
	}{
		{"k", 0, 10, text},
		{"k", 0, 1, "0"},
		{"k", 3, 4, "3456"},
		{"k", 9, 1, "9"},
		{"k", 8, 100, "89"},
		{"k", 5, math.MaxInt64, "56789"},
		{"k", 10, 1, ""},
		{"k", 1 << 40, 5, ""},
		{"k", math.MaxInt64, math.MaxInt64, ""},
		{"k", 4, 0, ""},
		{"empty", 0, 10, ""},
		{"empty", 0, 0, ""},
	} {
		got, now, err := s.GetRange(t.Context(), c.key, c.offset, c.length)
		if err != nil || string(got) != c.want {
			t.Errorf("%d bytes of %s from %d: %q, %v, want %q", c.length, c.key, c.offset, got, err, c.want)
			continue
		}
		want := info
		if c.key == "empty" {
			want = empty
		}
		if now.Key != c.key || now.Size != want.Size || now.ETag != want.ETag || now.Modified.IsZero() {
			t.Errorf("%d bytes of %s from %d: info %+v, want the whole object's, %+v", c.length, c.key, c.offset, now, want)
		}
	}
	for _, c := range [][2]int64{{-1, 1}, {0, -1}} {
		_, _, err := s.GetRange(t.Context(), "k", c[0], c[1])
		refused(t, "get range", fmt.Sprint(c), err)
	}
	_, _, err := s.GetRange(t.Context(), "no", 0, 0)
	wantError(t, err, objstore.ErrNotFound)
}

// listPages has more objects than a page of any store holds.
func listPages(t *testing.T, s objstore.Store) {
	const n, writers = 2100, 16
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("t/_delta_log/%020d.json", i)
	}
	together(writers, func(w int) {
		for i := w; i < n; i += writers {
			if _, err := s.Put(t.Context(), all[i], []byte("{}")); err != nil {
				t.Error(err)
				return
			}
		}
	})
	put(t, s, "t/_delta_log/_last_checkpoint", "{}")
	put(t, s, "t/a", "")
	for _, from := range []int{-1, 0, 1, 998, 999, 1000, 1001, n - 2, n - 1} {
		after := ""
		if from >= 0 {
			after = all[from]
		}
		got, err := listed(t.Context(), s, "t/_delta_log/0", after)
		noError(t, err)
		if !slices.Equal(got, all[from+1:]) {
			t.Errorf("after %q: %d keys, want %d in order", after, len(got), n-from-1)
		}
	}
}

func oddKeys(t *testing.T, s objstore.Store) {
	deep := strings.Repeat("d/", 100) + "k"
	long := strings.Repeat(strings.Repeat("p", 99)+"/", 9) + strings.Repeat("q", 100)
	keys := []string{
		"-", "...", "=", "_", "a..b", "date=2026-11-20/part-0.c000.zstd.parquet", "lower/k", "LOWER2/k",
		"x/-/=/_/.../k", "0", strings.Repeat("n", 255), deep, long, "k.", ".k", "a=b=c/d=e",
	}
	for _, key := range keys {
		_, err := s.Create(t.Context(), key, []byte(key))
		noError(t, err)
	}
	for _, key := range keys {
		got, info, err := s.Get(t.Context(), key)
		if err != nil || string(got) != key || info.Key != key {
			t.Errorf("get %s: %q, %+v, %v", key, got, info, err)
		}
		_, err = s.Create(t.Context(), key, nil)
		wantError(t, err, objstore.ErrExists)
	}
	slices.Sort(keys)
	got, err := listed(t.Context(), s, "", "")
	noError(t, err)
	if !slices.Equal(got, keys) {
		t.Errorf("listed\n %q, want\n %q", got, keys)
	}
	for _, key := range keys {
		noError(t, s.Delete(t.Context(), key))
	}
	if got, err := listed(t.Context(), s, "", ""); err != nil || len(got) > 0 {
		t.Errorf("after all were deleted: %q, %v", got, err)
	}
}
