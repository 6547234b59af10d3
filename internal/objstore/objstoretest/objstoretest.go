// Package objstoretest is the suite that every implementation of objstore.Store must pass.
//
// It checks what the interface promises: whole objects, exactly one winner of a conditional write,
// listings in key order, keys refused. It does not check durability, nor what several processes do
// to each other: those tests are the implementations' own.
package objstoretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lakegate/lakegate/internal/objstore"
)

// Run runs the suite; open returns a new empty store each time.
func Run(t *testing.T, open func(t *testing.T) objstore.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, objstore.Store)
	}{
		{"round trip", roundTrip},
		{"large objects", large},
		{"ranges", ranges},
		{"missing", missing},
		{"create once", createOnce},
		{"replace", replace},
		{"delete", deletes},
		{"bytes are the caller's", ownership},
		{"keys", keys},
		{"odd keys", oddKeys},
		{"cancelled context", cancelled},
		{"list", list},
		{"list stops", listStops},
		{"list of many pages", listPages},
		{"one of many creates wins", createRace},
		{"counting by replace", replaceRace},
		{"replace and put and delete", mixedRace},
		{"readers see whole objects", wholeObjects},
		{"self-test", func(t *testing.T, s objstore.Store) { noError(t, objstore.SelfTest(t.Context(), s)) }},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func roundTrip(t *testing.T, s objstore.Store) {
	for _, key := range []string{"a", "a.b/c=d/_e-f", ".hidden", "_delta_log/00000000000000000000.json"} {
		for _, data := range []string{"", "one", strings.Repeat("x", 1<<20), "two"} {
			put, err := s.Put(t.Context(), key, []byte(data))
			noError(t, err)
			got, info, err := s.Get(t.Context(), key)
			noError(t, err)
			if string(got) != data {
				t.Fatalf("get %s: %d bytes, want %d", key, len(got), len(data))
			}
			stat, err := s.Stat(t.Context(), key)
			noError(t, err)
			for _, i := range []objstore.Info{put, info, stat} {
				if i.Key != key || i.Size != int64(len(data)) || i.ETag == "" || i.Modified.IsZero() || i.ETag != put.ETag {
					t.Errorf("info of %s: %+v, want size %d, ETag %s", key, i, len(data), put.ETag)
				}
			}
		}
	}
}

func missing(t *testing.T, s objstore.Store) {
	put(t, s, "there/is", "x")
	for _, key := range []string{"no", "there", "there/no", "there/is/below", "no/no"} {
		_, _, err := s.Get(t.Context(), key)
		wantError(t, err, objstore.ErrNotFound)
		_, _, err = s.GetRange(t.Context(), key, 0, 1)
		wantError(t, err, objstore.ErrNotFound)
		_, err = s.Stat(t.Context(), key)
		wantError(t, err, objstore.ErrNotFound)
	}
}

func createOnce(t *testing.T, s objstore.Store) {
	info, err := s.Create(t.Context(), "a/b", []byte("first"))
	noError(t, err)
	_, err = s.Create(t.Context(), "a/b", []byte("second"))
	wantError(t, err, objstore.ErrExists)
	got, now, err := s.Get(t.Context(), "a/b")
	noError(t, err)
	if string(got) != "first" || now.ETag != info.ETag {
		t.Errorf("after a refused create: %q, ETag %s, want the first and %s", got, now.ETag, info.ETag)
	}
}

func replace(t *testing.T, s objstore.Store) {
	_, err := s.Replace(t.Context(), "k", "anything", []byte("x"))
	wantError(t, err, objstore.ErrChanged)
	first, err := s.Create(t.Context(), "k", []byte("same"))
	noError(t, err)
	second, err := s.Replace(t.Context(), "k", first.ETag, []byte("next"))
	noError(t, err)
	_, err = s.Replace(t.Context(), "k", first.ETag, []byte("late"))
	wantError(t, err, objstore.ErrChanged)
	_, err = s.Replace(t.Context(), "k", "", []byte("late"))
	wantError(t, err, objstore.ErrChanged)
	third := put(t, s, "k", "more")
	_, err = s.Replace(t.Context(), "k", second.ETag, []byte("late"))
	wantError(t, err, objstore.ErrChanged)
	_, err = s.Replace(t.Context(), "k", third.ETag, []byte("last"))
	noError(t, err)
	got, _, err := s.Get(t.Context(), "k")
	noError(t, err)
	if string(got) != "last" {
		t.Errorf("got %q, want last", got)
	}
}

func deletes(t *testing.T, s objstore.Store) {
	noError(t, s.Delete(t.Context(), "never/was"))
	info := put(t, s, "a/b", "x")
	noError(t, s.Delete(t.Context(), "a/b"))
	noError(t, s.Delete(t.Context(), "a/b"))
	_, _, err := s.Get(t.Context(), "a/b")
	wantError(t, err, objstore.ErrNotFound)
	_, err = s.Replace(t.Context(), "a/b", info.ETag, []byte("x"))
	wantError(t, err, objstore.ErrChanged)
	_, err = s.Create(t.Context(), "a/b", []byte("again"))
	noError(t, err)
}

func ownership(t *testing.T, s objstore.Store) {
	data := []byte("abc")
	_, err := s.Put(t.Context(), "k", data)
	noError(t, err)
	data[0] = 'X'
	got, _, err := s.Get(t.Context(), "k")
	noError(t, err)
	got[1] = 'X'
	again, _, err := s.Get(t.Context(), "k")
	noError(t, err)
	if string(again) != "abc" {
		t.Errorf("got %q, want abc", again)
	}
}

func keys(t *testing.T, s objstore.Store) {
	bad := []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", "a/.", "a b", "a\\b", "a\x00", "ä", "a%20b", "a:b",
		".tmp-x", "a/.tmp-x/b", strings.Repeat("k", 256), strings.Repeat("k/", 600) + "k",
	}
	for _, key := range bad {
		_, err := s.Put(t.Context(), key, nil)
		refused(t, "put", key, err)
		_, err = s.Create(t.Context(), key, nil)
		refused(t, "create", key, err)
		_, err = s.Replace(t.Context(), key, "e", nil)
		refused(t, "replace", key, err)
		_, _, err = s.Get(t.Context(), key)
		refused(t, "get", key, err)
		_, _, err = s.GetRange(t.Context(), key, 0, 1)
		refused(t, "get range", key, err)
		_, err = s.Stat(t.Context(), key)
		refused(t, "stat", key, err)
		refused(t, "delete", key, s.Delete(t.Context(), key))
	}
	for _, prefix := range []string{"/", "../", "a/../", "a//"} {
		_, err := listed(t.Context(), s, prefix, "")
		refused(t, "list", prefix, err)
	}
}

// refused wants an error of the key's own, before anything was looked at.
func refused(t *testing.T, op, key string, err error) {
	t.Helper()
	for _, e := range []error{objstore.ErrNotFound, objstore.ErrExists, objstore.ErrChanged, objstore.ErrUnknown} {
		if err == nil || errors.Is(err, e) {
			t.Errorf("%s of key %q: %v, want it refused", op, key, err)
			return
		}
	}
}

func cancelled(t *testing.T, s objstore.Store) {
	info := put(t, s, "k", "v")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := s.Get(ctx, "k")
	wantError(t, err, context.Canceled)
	_, _, err = s.GetRange(ctx, "k", 0, 1)
	wantError(t, err, context.Canceled)
	_, err = s.Stat(ctx, "k")
	wantError(t, err, context.Canceled)
	_, err = s.Replace(ctx, "k", info.ETag, []byte("w"))
	wantError(t, err, context.Canceled)
	wantError(t, s.Delete(ctx, "k"), context.Canceled)
	_, err = s.Put(ctx, "k", []byte("w"))
	wantError(t, err, context.Canceled)
	_, err = s.Create(ctx, "new", nil)
	wantError(t, err, context.Canceled)
	_, err = listed(ctx, s, "", "")
	wantError(t, err, context.Canceled)
	if got, _, err := s.Get(t.Context(), "k"); err != nil || string(got) != "v" {
		t.Errorf("got %q, %v, want v", got, err)
	}
}

func list(t *testing.T, s objstore.Store) {
	all := []string{
		"a-b", "a.b", "a/b", "a/b-c/d", "a/b.c", "a/b/c", "a0", "b/_delta_log/00000000000000000000.json",
		"b/_delta_log/00000000000000000001.checkpoint.parquet", "b/_delta_log/00000000000000000001.json",
		"b/_delta_log/_last_checkpoint", "b/d=2026-11-20/f", "c",
	}
	// A folder and an object cannot share a name in a file system: a/b stays out.
	all = slices.DeleteFunc(all, func(k string) bool { return k == "a/b" })
	for i, key := range all {
		put(t, s, all[(i*7)%len(all)], strings.Repeat("x", len(key)))
	}
	slices.Sort(all)
	for _, prefix := range []string{"", "a", "a/", "a/b", "a/b-", "b/_delta_log/", "b/_delta_log/0000", "d", "c", "c/", "a/b/c"} {
		for _, after := range append([]string{"", "a", "a/", "a/b", "a/b/zzz", "b", "zzz", "b/_delta_log/00000000000000000000.json"}, all...) {
			want := slices.DeleteFunc(slices.Clone(all), func(k string) bool { return !strings.HasPrefix(k, prefix) || k <= after })
			got, err := listed(t.Context(), s, prefix, after)
			noError(t, err)
			if !slices.Equal(got, want) {
				t.Errorf("list %q after %q:\n got %q\nwant %q", prefix, after, got, want)
			}
		}
	}
	for info, err := range s.List(t.Context(), "", "") {
		noError(t, err)
		stat, err := s.Stat(t.Context(), info.Key)
		noError(t, err)
		if info.Size != stat.Size || !info.Modified.Equal(stat.Modified) {
			t.Errorf("listed %+v, stat %+v", info, stat)
		}
	}
}

func listStops(t *testing.T, s objstore.Store) {
	for i := range 10 {
		put(t, s, fmt.Sprintf("d%d/k", i), "")
	}
	n := 0
	for range s.List(t.Context(), "", "") {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("yielded %d times, want 3", n)
	}
}

func createRace(t *testing.T, s objstore.Store) {
	const rounds, writers = 100, 16
	for r := range rounds {
		key := fmt.Sprintf("race/%d", r)
		var won atomic.Int64
		var winner atomic.Value
		together(writers, func(i int) {
			data := []byte(strconv.Itoa(i))
			switch _, err := s.Create(t.Context(), key, data); {
			case err == nil:
				won.Add(1)
				winner.Store(string(data))
			case !errors.Is(err, objstore.ErrExists):
				t.Errorf("create: %v", err)
			}
		})
		got, _, err := s.Get(t.Context(), key)
		noError(t, err)
		if won.Load() != 1 || winner.Load() != string(got) {
			t.Fatalf("round %d: %d winners, last %v, object %q", r, won.Load(), winner.Load(), got)
		}
	}
}

func replaceRace(t *testing.T, s objstore.Store) {
	const writers, each = 8, 25
	put(t, s, "count", "0")
	together(writers, func(int) {
		for range each {
			if !increment(t, s, "count") {
				return
			}
		}
	})
	got, _, err := s.Get(t.Context(), "count")
	noError(t, err)
	if string(got) != strconv.Itoa(writers*each) {
		t.Errorf("counted %s, want %d", got, writers*each)
	}
}

func increment(t *testing.T, s objstore.Store, key string) bool {
	for {
		data, info, err := s.Get(t.Context(), key)
		if err != nil {
			t.Error(err)
			return false
		}
		n, err := strconv.Atoi(string(data))
		if err != nil {
			t.Error(err)
			return false
		}
		_, err = s.Replace(t.Context(), key, info.ETag, []byte(strconv.Itoa(n+1)))
		if err == nil {
			return true
		}
		if !errors.Is(err, objstore.ErrChanged) {
			t.Error(err)
			return false
		}
	}
}

// mixedRace has unconditional writes and conditional ones meet. Every conditional winner names the
// version it replaced; two winners over one version would be a lost update.
func mixedRace(t *testing.T, s objstore.Store) {
	put(t, s, "k", "start")
	var mu sync.Mutex
	replaced := map[string]int{}
	together(6, func(i int) {
		for n := range 50 {
			switch {
			case i == 0 && n%10 == 5:
				if err := s.Delete(t.Context(), "k"); err != nil {
					t.Error(err)
				}
			case i <= 1:
				if _, err := s.Put(t.Context(), "k", fmt.Appendf(nil, "%d-%d", i, n)); err != nil {
					t.Error(err)
				}
			default:
				info, err := s.Stat(t.Context(), "k")
				if err != nil {
					continue
				}
				if _, err := s.Replace(t.Context(), "k", info.ETag, fmt.Appendf(nil, "%d-%d", i, n)); err == nil {
					mu.Lock()
					replaced[info.ETag]++
					mu.Unlock()
				} else if !errors.Is(err, objstore.ErrChanged) {
					t.Error(err)
				}
			}
		}
	})
	for etag, n := range replaced {
		if n > 1 {
			t.Errorf("%d replaces of version %s succeeded", n, etag)
		}
	}
}

func wholeObjects(t *testing.T, s objstore.Store) {
	put(t, s, "k", strings.Repeat("a", 1<<16))
	together(4, func(i int) {
		for n := range 40 {
			if i == 0 {
				if _, err := s.Put(t.Context(), "k", bytes.Repeat([]byte{'a' + byte(n%26)}, 1<<16-n*1000)); err != nil {
					t.Error(err)
				}
				continue
			}
			data, info, err := s.Get(t.Context(), "k")
			if err != nil || int64(len(data)) != info.Size || len(bytes.Trim(data, string(data[:1]))) != 0 {
				t.Errorf("half an object: %d bytes of %d, %v", len(data), info.Size, err)
				return
			}
		}
	})
}

func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

func listed(ctx context.Context, s objstore.Store, prefix, after string) ([]string, error) {
	var keys []string
	for info, err := range s.List(ctx, prefix, after) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, info.Key)
	}
	return keys, nil
}

func put(t *testing.T, s objstore.Store, key, data string) objstore.Info {
	t.Helper()
	info, err := s.Put(t.Context(), key, []byte(data))
	noError(t, err)
	return info
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}
