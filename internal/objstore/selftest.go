package objstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

// ErrUnsafe says that a store doesn't keep what it was asked to promise: tables in it would lose
// rows. Other errors of SelfTest say that it couldn't find out.
var ErrUnsafe = errors.New("the object store is not safe for tables")

const (
	probeFolder  = "_lakegate/self-test/"
	probeWriters = 8
	probeRounds  = 3
)

// SelfTest proves on a few small objects of its own, which it deletes, that the store honours the
// conditions of Create and Replace, keeps listings in order and gives ranges. ErrUnsafe when it
// doesn't; the error says what to do. It is meant for the start of a process, many at once if
// need be.
func SelfTest(ctx context.Context, s Store) (err error) {
	dir := probeFolder + uuid.NewString() + "/"
	var made []string
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		for _, key := range made {
			if derr := s.Delete(ctx, key); derr != nil && err == nil {
				err = fmt.Errorf("self-test of the object store: clean up: %w", derr)
			}
		}
	}()
	for i := range probeRounds {
		key := dir + strconv.Itoa(i)
		made = append(made, key)
		if err := probeCreate(ctx, s, key); err != nil {
			return fmt.Errorf("self-test of the object store: %w", err)
		}
	}
	for _, probe := range []func(context.Context, Store, string) error{probeReplace, probeList, probeRange} {
		if err := probe(ctx, s, dir); err != nil {
			return fmt.Errorf("self-test of the object store: %w", err)
		}
	}
	return nil
}

func unsafeStore(format string, args ...any) error {
	return fmt.Errorf("%w: %s; use a store with conditional writes (docs/storage.md lists them), "+
		"and nothing in front of it that drops headers", ErrUnsafe, fmt.Sprintf(format, args...))
}

// probeCreate has several callers create one object, and then one more.
func probeCreate(ctx context.Context, s Store, key string) error {
	var wg sync.WaitGroup
	var errs [probeWriters]error
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.Create(ctx, key, []byte(strconv.Itoa(i))) })
	}
	wg.Wait()
	winners := 0
	for _, err := range errs {
		switch {
		case err == nil:
			winners++
		case !errors.Is(err, ErrExists):
			return err // down, refused or unknown: nothing is proven
		}
	}
	if winners != 1 {
		return unsafeStore("%d of %d callers that created one object at once were told that they did (If-None-Match is ignored)", winners, probeWriters)
	}
	got, _, err := s.Get(ctx, key)
	if err != nil {
		return err
	}
	if w, err := strconv.Atoi(string(got)); err != nil || w < 0 || w >= probeWriters || errs[w] != nil {
		return unsafeStore("the object is not that of the caller which created it")
	}
	switch _, err := s.Create(ctx, key, []byte("late")); {
	case err == nil:
		return unsafeStore("an object that was there was created again (If-None-Match is ignored)")
	case !errors.Is(err, ErrExists):
		return err
	}
	return nil
}

// probeReplace replaces an object by its ETag, and then by the ETag that is stale.
func probeReplace(ctx context.Context, s Store, dir string) error {
	key := dir + "0"
	first, err := s.Stat(ctx, key)
	if err != nil {
		return err
	}
	if _, err := s.Replace(ctx, key, first.ETag, []byte("second")); err != nil {
		if errors.Is(err, ErrChanged) {
			return unsafeStore("a replace naming the version that is there was refused")
		}
		return err
	}
	switch _, err := s.Replace(ctx, key, first.ETag, []byte("third")); {
	case err == nil:
		return unsafeStore("an object was replaced by a caller that named an older version (If-Match is ignored)")
	case !errors.Is(err, ErrChanged):
		return err
	}
	return nil
}

func probeList(ctx context.Context, s Store, dir string) error {
	var got []string
	for info, err := range s.List(ctx, dir, dir+"0") {
		if err != nil {
			return err
		}
		got = append(got, info.Key)
	}
	if want := []string{dir + "1", dir + "2"}; !slices.Equal(got, want) {
		return unsafeStore("a listing after %s0 has %q, want %q", dir, got, want)
	}
	return nil
}

func probeRange(ctx context.Context, s Store, dir string) error {
	got, _, err := s.GetRange(ctx, dir+"0", 3, 100)
	if err != nil {
		return err
	}
	if string(got) != "ond" {
		return unsafeStore("bytes 3 and up of \"second\" are %q, want \"ond\"", got)
	}
	return nil
}
