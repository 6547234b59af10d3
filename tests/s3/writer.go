package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	inferencetables "github.com/lakegate/lakegate/inference_tables"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/s3store"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
	"github.com/lakegate/lakegate/internal/tablewriter"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// A child process is a writer: childDir is its data folder, childEndpoint the server's URL, childFor
// how long it appends.
const (
	childDir      = "LAKEGATE_TEST_S3_DIR"
	childEndpoint = "LAKEGATE_TEST_S3_ENDPOINT"
	childFor      = "LAKEGATE_TEST_S3_FOR"
)

const payloadTable = "main.ai.chat_payload"

// done is what a writer says at its end.
type done struct {
	Accepted int64   // requests
	Seconds  float64 // until all had landed
}

func openStore(ctx context.Context, endpoint string) (objstore.Store, error) {
	return s3store.Open(ctx, s3store.Config{
		Bucket: s3test.Bucket, Prefix: "writers", Region: s3test.Region, Endpoint: endpoint, PathStyle: true,
		AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey,
	}, slog.Default())
}

func feeds() []tablewriter.Feed {
	cfg := systemtables.Config{AccountID: "account", WorkspaceID: "workspace"}
	return []tablewriter.Feed{systemtables.NewUsageFeed(cfg), systemtables.NewEntityFeed(cfg), inferencetables.NewFeed()}
}

// writerConfig has rows landed as fast as they can.
func writerConfig(dir string, store objstore.Store) tablewriter.Config {
	c := tablewriter.DefaultConfig(dir)
	c.Store, c.Tables, c.FlushInterval = store, systemtables.Tables(), 10*time.Millisecond
	return c
}

// child appends until its time is over, lands everything and says how much that was.
func child(dir string) error {
	ctx := context.Background()
	length, err := time.ParseDuration(os.Getenv(childFor))
	if err != nil {
		return err
	}
	store, err := openStore(ctx, os.Getenv(childEndpoint))
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w, err := tablewriter.Open(ctx, writerConfig(dir, store), feeds(), logger)
	if err != nil {
		return err
	}
	began := time.Now()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	var d done
	for ; time.Since(began) < length; <-tick.C {
		if err := w.Record(record(time.Now().UTC()), false); err != nil {
			return fmt.Errorf("request %d: %w", d.Accepted+1, err)
		}
		d.Accepted++
	}
	if err := w.Close(ctx); err != nil {
		return err
	}
	d.Seconds = time.Since(began).Seconds()
	return json.NewEncoder(os.Stdout).Encode(d)
}

func record(now time.Time) *inference.Record {
	n := int64(10)
	return &inference.Record{
		ID: inference.NewID(), Time: now, APIType: "openai/v1/chat/completions", URL: "/v1/chat/completions",
		Status: 200, Outcome: inference.OK, Latency: time.Millisecond,
		Usage: inference.Usage{Source: inference.UsageProvider, Input: &n, Output: &n, Total: &n},
		Payload: inference.Payload{
			Table: payloadTable, SamplingFraction: 1,
			Request: []byte(`{"messages":[{"role":"user","content":"hello"}]}`), Response: []byte(`{"choices":[]}`),
		},
	}
}
