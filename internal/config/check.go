package config

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checker finds what decoding can't: values out of bounds, and values that don't fit each other.
// It also fills in defaults that depend on other values.
type checker struct {
	config *Config
	vault  Vault // may be nil
	refs   []Reference
	*decoder
}

// check completes c and adds to d what is wrong with it. It returns the references to secrets, sorted
// by line.
func check(config *Config, d *decoder, vault Vault) []Reference {
	c := &checker{config: config, vault: vault, decoder: d}
	c.secrets(&config.Secrets)
	c.server()
	c.endpoints()
	c.keys()
	c.prices()
	config.inline, config.Secrets.Inline = config.Secrets.Inline, nil
	config.lakeOnly = d.lakeOnly
	slices.SortStableFunc(c.refs, func(a, b Reference) int { return cmp.Compare(a.Line, b.Line) })
	return c.refs
}

// fault notes what is wrong with the value at path, unless it or what it is part of could not
// even be decoded.
func (c *checker) fault(path, format string, args ...any) {
	if c.bad(path) {
		return
	}
	c.note(c.line(path), path, format, args...)
	p := c.places[path]
	p.bad = true
	c.places[path] = p
}

// bad reports whether the value at path, or one that it is part of, has a fault.
func (c *checker) bad(path string) bool {
	for {
		if c.places[path].bad {
			return true
		}
		if path == "" {
			return false
		}
		path = parent(path)
	}
}

// line returns where the value at path stands, or where it should have.
func (c *checker) line(path string) int {
	for path != "" && c.places[path].line == 0 {
		path = parent(path)
	}
	return c.places[path].line
}

// given reports whether the file has a value at path, whatever it is.
func (c *checker) given(path string) bool { return c.places[path].given }

// text returns the value at path as it stands in the file, for messages.
func (c *checker) text(path string) string { return quote(c.places[path].text) }

// literal reports whether the value at path is written out in the file, so that it may be shown
// where another one is at fault.
func (c *checker) literal(path, value string) bool { return c.places[path].text == value }

// parent cuts the last step off a path.
func parent(path string) string {
	if strings.HasSuffix(path, `"]`) {
		if i := strings.LastIndex(path, `["`); i >= 0 {
			return path[:i]
		}
	}
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// index appends a position in a list to a path.
func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// server checks everything but keys and endpoints.
func (c *checker) server() {
	f := c.config
	c.listen(f.Listen)
	c.required("data", f.Data)
	c.required("account_id", f.AccountID)
	c.required("workspace_id", f.WorkspaceID)
	c.durability("log.durability", f.Log.Durability)
	within(c, "log.sync_interval", f.Log.SyncInterval, time.Millisecond, time.Minute)
	within(c, "log.max_backlog", f.Log.MaxBacklog, MiB, TiB)
	within(c, "flush.interval", f.Flush.Interval, 100*time.Millisecond, 24*time.Hour)
	within(c, "flush.bytes", f.Flush.Bytes, 64*KiB, 4*GiB)
	c.lake()
	within(c, "http.max_body", f.HTTP.MaxBody, KiB, GiB)
	within(c, "http.read_header_timeout", f.HTTP.ReadHeaderTimeout, 100*time.Millisecond, time.Hour)
	within(c, "http.shutdown_timeout", f.HTTP.ShutdownTimeout, 0, time.Hour)
	within(c, "http.drain_timeout", f.HTTP.DrainTimeout, 0, time.Hour)
	within(c, "http.drain_bytes", f.HTTP.DrainBytes, 0, GiB)
	within(c, "sql.memory", f.SQL.Memory, 64*MiB, TiB)
	within(c, "sql.timeout", f.SQL.Timeout, 100*time.Millisecond, 24*time.Hour)
	within(c, "sql.max_rows", f.SQL.MaxRows, 1, 100_000_000)
	within(c, "sql.max_bytes", f.SQL.MaxBytes, KiB, 16*GiB)
	within(c, "sql.workers", f.SQL.Workers, 1, 256)
	within(c, "sql.ai_query_concurrency", f.SQL.AIQueryConcurrency, 1, 4096)
	c.telemetry()
}

func (c *checker) listen(addr string) {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		c.fault("listen", "want host:port such as 127.0.0.1:8080 or :8080, got %s", c.text("listen"))
	}
}

// within checks that a value is between two bounds, both allowed.
func within[T cmp.Ordered](c *checker, path string, v, least, most T) {
	if !(v >= least && v <= most) { // also refuses what is no number
		c.fault(path, "want %s to %s, got %s", short(least), short(most), c.text(path))
	}
}

// short writes a duration without the zeros at its end, and everything else as usual.
func short(v any) string {
	s := fmt.Sprint(v)
	if _, ok := v.(time.Duration); !ok {
		return s
	}
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// required checks that text is there, and reports whether it is.
func (c *checker) required(path, text string) bool {
	switch {
	case text == "" && c.given(path):
		c.fault(path, "it is empty")
	case text == "":
		c.fault(path, "it is required")
	}
	return text != ""
}

func (c *checker) durability(path string, d Durability) {
	if d != Relaxed && d != Strict {
		c.fault(path, "want relaxed or strict, got %s", c.text(path))
	}
}
