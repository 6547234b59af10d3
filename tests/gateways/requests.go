package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What AWS asks for in us-east-1, in dollars for a request to S3 Standard.
const (
	priceList = 0.005 / 1000 // PUT and LIST
	priceGet  = 0.0004 / 1000
)

const hoursOfMonth = 730

// settled is how long after changes of endpoints nothing more is expected of them.
const settled = 12 * time.Second

// requestLine is what of a line of the access log is counted: operation and path.
var requestLine = regexp.MustCompile(` s3_([A-Za-z0-9]+) \S+ (\S+) `)

// requests counts what gateways ask the store for while nobody asks them for anything.
func (s *stage) requests(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(settled): // gateways look more often after a change
	}
	before, err := os.ReadFile(s.store.Log)
	if err != nil {
		return err
	}
	began := time.Now()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.o.quiet): // nothing happens, and that is measured
	}
	after, err := os.ReadFile(s.store.Log)
	if err != nil {
		return err
	}
	took := time.Since(began)
	counts := map[string]int{}
	for _, m := range requestLine.FindAllStringSubmatch(string(after[len(before):]), -1) {
		counts[m[1]+" "+kindOf(m[2])]++
	}
	if len(counts) == 0 {
		return errors.New("the server's log has no requests")
	}
	total, others := 0.0, 0.0
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		perHour := float64(counts[what]) / float64(len(s.all)) * float64(time.Hour) / float64(took)
		price := priceList
		if strings.HasPrefix(what, "Get") || strings.HasPrefix(what, "Head") {
			price = priceGet
		}
		if strings.HasPrefix(what, "Delete") {
			price = 0
		}
		dollars := perHour * hoursOfMonth * price
		if !polled[what] {
			others += dollars // what was going on before still lands and is maintained
			continue
		}
		total += dollars
		fmt.Printf("gateways: quiet, each: %-40s %6.0f an hour, $%6.2f a month\n", what, perHour, dollars)
	}
	fmt.Printf("gateways: quiet, following the control plane costs $%.2f a month for each gateway, $%.2f for three, at AWS' list prices; tables and their maintenance now $%.2f each\n", total, 3*total, others)
	if total > mostDollars {
		return fmt.Errorf("it costs $%.2f a month for each gateway; the limit is $%.2f", total, mostDollars)
	}
	return nil
}

// polled are the requests by which gateways follow each other.
var polled = map[string]bool{
	"HeadObject _lakegate/changes": true, "ListObjectsV2 _lakegate/endpoint": true,
	"GetObject _lakegate/rollout": true, "PutObject _lakegate/rollout": true, "GetObject _lakegate/secrets": true,
}

// mostDollars is what following may cost a gateway each month, with two rollouts.
const mostDollars = 5.0

// kindOf names the documents or tables that a path is of.
func kindOf(path string) string {
	path, query, _ := strings.Cut(path, "?")
	if _, prefix, ok := strings.Cut(query, "prefix="); ok {
		prefix, _, _ = strings.Cut(prefix, "&")
		path = strings.ReplaceAll(prefix, "%2F", "/")
	}
	_, path, _ = strings.Cut(path, "gateways/")
	parts := strings.Split(path, "/")
	return strings.Join(parts[:min(2, len(parts))], "/")
}
