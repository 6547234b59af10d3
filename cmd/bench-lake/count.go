package main

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
)

// counted is a folder store that counts what an object store would charge for, and that can be away.
type counted struct {
	*fsstore.Store
	puts, gets, lists atomic.Int64
	away              atomic.Bool
}

var errAway = errors.New("the store is away")

func (c *counted) call(n *atomic.Int64) error {
	n.Add(1)
	if c.away.Load() {
		return errAway
	}
	return nil
}

func (c *counted) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	if err := c.call(&c.gets); err != nil {
		return nil, objstore.Info{}, err
	}
	return c.Store.Get(ctx, key)
}

func (c *counted) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, objstore.Info, error) {
	if err := c.call(&c.gets); err != nil {
		return nil, objstore.Info{}, err
	}
	return c.Store.GetRange(ctx, key, offset, length)
}

func (c *counted) Stat(ctx context.Context, key string) (objstore.Info, error) {
	if err := c.call(&c.gets); err != nil {
		return objstore.Info{}, err
	}
	return c.Store.Stat(ctx, key)
}

func (c *counted) Put(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	if err := c.call(&c.puts); err != nil {
		return objstore.Info{}, err
	}
	return c.Store.Put(ctx, key, data)
}

func (c *counted) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	if err := c.call(&c.puts); err != nil {
		return objstore.Info{}, err
	}
	return c.Store.Create(ctx, key, data)
}

func (c *counted) Replace(ctx context.Context, key, etag string, data []byte) (objstore.Info, error) {
	if err := c.call(&c.puts); err != nil {
		return objstore.Info{}, err
	}
	return c.Store.Replace(ctx, key, etag, data)
}

func (c *counted) List(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Info, error] {
	if err := c.call(&c.lists); err != nil {
		return func(yield func(objstore.Info, error) bool) { yield(objstore.Info{}, err) }
	}
	return c.Store.List(ctx, prefix, startAfter)
}

// ops are the calls of a store so far.
type ops struct{ puts, gets, lists int64 }

func (c *counted) ops() ops { return ops{c.puts.Load(), c.gets.Load(), c.lists.Load()} }

func (o ops) minus(p ops) ops { return ops{o.puts - p.puts, o.gets - p.gets, o.lists - p.lists} }

// Prices of S3 Standard in us-east-1 in US dollars, https://aws.amazon.com/s3/pricing/. DELETE is free.
const (
	pricePut     = 0.005 / 1000 // PUT, COPY, POST, LIST
	priceGet     = 0.0004 / 1000
	priceStorage = 0.023 / 1e9 // a byte for a month
	priceSource  = "S3 Standard, us-east-1, list price: $0.005 per 1,000 PUT and LIST, $0.0004 per 1,000 GET, $0.023 per GB and month (aws.amazon.com/s3/pricing)"
)

func (o ops) dollars() float64 {
	return float64(o.puts+o.lists)*pricePut + float64(o.gets)*priceGet
}
