package config

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
)

// maxRetentionDays is a hundred years: a day count that was meant in seconds is a fault.
const maxRetentionDays = 36_500

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	// keyPrefix holds only characters that need no escaping anywhere: in a path of the Delta log, in
	// a URL, in a file name.
	keyPrefix = regexp.MustCompile(`^[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*$`)
)

// lake checks where the tables are, and how long what is in them stays.
func (c *checker) lake() {
	l, m := &c.config.Lake, c.config.Maintenance
	if l.URL == "" && c.given("lake.url") {
		c.fault("lake.url", "it is empty; leave it out for the folder lake in data, or write s3://bucket/prefix")
	}
	c.s3(&l.S3)
	if strings.Contains(l.URL, "://") {
		c.bucket(l)
	} else if c.given("lake.s3") && !c.bad("lake.url") {
		c.fault("lake.s3", "the lake is a folder, so there is nothing to reach: write lake.url as s3://bucket/prefix, or leave lake.s3 out")
	}
	within(c, "lake.cache.max_size", l.Cache.MaxSize, 16*MiB, TiB)
	c.whenFull("log.when_full", c.config.Log.WhenFull)

	within(c, "maintenance.interval", m.Interval, time.Second, 24*time.Hour)
	within(c, "maintenance.target_file_size", m.TargetFileSize, MiB, GiB)
	within(c, "maintenance.vacuum_after", m.VacuumAfter, time.Hour, maxRetentionDays*24*time.Hour)
	within(c, "maintenance.keep_history", m.KeepHistory, time.Hour, maxRetentionDays*24*time.Hour)
	if t := c.config.SQL.Timeout; m.VacuumAfter < t && !c.bad("sql.timeout") {
		c.fault("maintenance.vacuum_after", "a query may run for %s (sql.timeout) and needs its files that long; got %s",
			short(t), c.text("maintenance.vacuum_after"))
	}
	if l.Cache.MaxSize < m.TargetFileSize && !c.bad("lake.cache.max_size") && !c.bad("maintenance.target_file_size") {
		c.fault("lake.cache.max_size", "a file of maintenance.target_file_size (%s) does not fit into it", m.TargetFileSize)
	}
	within(c, "retention.usage", c.config.Retention.Usage, 0, maxRetentionDays)
	within(c, "retention.payloads", c.config.Retention.Payloads, 0, maxRetentionDays)
}

// bucket checks the URL of a lake that is no folder. It is not shown where it may hold a key.
func (c *checker) bucket(l *Lake) {
	const at = "lake.url"
	bucket, prefix, ok := l.Bucket()
	switch {
	case strings.Contains(l.URL, "@"):
		c.fault(at, "it holds a user or password; give them as lake.s3.access_key_id and lake.s3.secret_access_key")
	case strings.ContainsAny(l.URL, "?#"):
		c.fault(at, "it must end before ? and #; options have keys of their own in lake.s3")
	case strings.HasPrefix(l.URL, "file://"):
		c.fault(at, "write the folder itself, without file://")
	case !ok:
		c.fault(at, "want s3://bucket/prefix or a folder, got %s", c.text(at))
	case bucket == "":
		c.fault(at, "the bucket is missing: want s3://bucket/prefix, got %s", c.text(at))
	case !bucketName.MatchString(bucket):
		c.fault(at, "want a bucket of 3 to 63 small letters, digits, '.' or '-', as in s3://bucket/prefix, got %s", c.text(at))
	case prefix != "" && (!keyPrefix.MatchString(prefix) || len(prefix) > 400 || dotStep(prefix)):
		c.fault(at, "want a prefix of letters, digits, '.', '_', '=' or '-' between single slashes, got %s", c.text(at))
	}
}

// dotStep reports whether a step of the path is "." or "..".
func dotStep(path string) bool {
	for step := range strings.SplitSeq(path, "/") {
		if strings.Trim(step, ".") == "" {
			return true
		}
	}
	return false
}

func (c *checker) s3(s *S3) {
	const at = "lake.s3"
	c.s3Endpoint(at+".endpoint", s.Endpoint)
	if strings.ContainsFunc(s.Region, func(r rune) bool { return r <= ' ' || r > '~' }) {
		c.fault(at+".region", "want a region such as eu-central-1, got %s", c.text(at+".region"))
	}
	within(c, at+".timeout", s.Timeout, time.Second, 10*time.Minute)
	value, ok := c.secretValue(at, "secret_access_key", s.SecretAccessKey, secret.String{})
	if name, unset := strings.CutPrefix(value.Reveal(), unsetSecret); unset {
		c.fault(at+".secret_access_key", "environment variable %s is not set", name)
		ok = false
	}
	s.SecretAccessKey = value
	switch {
	case !ok || c.bad(at+".access_key_id"):
	case s.AccessKeyID == "" && !value.IsZero():
		c.fault(at+".access_key_id", "it is required with secret_access_key; leave both out to use the AWS SDK's own chain of credentials")
	case s.AccessKeyID != "" && value.IsZero():
		c.fault(at+".secret_access_key", "it is required with access_key_id; leave both out to use the AWS SDK's own chain of credentials")
	case strings.ContainsFunc(s.AccessKeyID, func(r rune) bool { return r <= ' ' || r > '~' }):
		c.fault(at+".access_key_id", "it holds spaces or other characters that no key id has")
	}
}

// s3Endpoint checks the address of a server. It is not shown: it may hold a password by mistake.
func (c *checker) s3Endpoint(path, s string) {
	if s == "" {
		return
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		c.fault(path, "want an address such as https://s3.example.com or http://localhost:9000")
	case u.User != nil:
		c.fault(path, "it holds a user or password; give them as access_key_id and secret_access_key")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		c.fault(path, "it must end after host and port; bucket and prefix belong in lake.url")
	}
}

func (c *checker) whenFull(path string, w WhenFull) {
	if w != Block && w != ShedPayloads && w != Drop {
		c.fault(path, "want block, shed_payloads or drop, got %s", c.text(path))
	}
}
