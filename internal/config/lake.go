package config

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
)

// Lake says where the tables and the control documents are.
type Lake struct {
	URL   string `yaml:"url"` // s3://bucket/prefix, or a folder; "" for the folder lake in the data folder
	S3    S3     `yaml:"s3"`
	Cache Cache  `yaml:"cache"`
}

// S3 says how the bucket of an s3:// lake is reached. Everything may be left out: the AWS SDK then
// looks at the environment, its shared files and the machine's role.
type S3 struct {
	Endpoint        string        `yaml:"endpoint"` // "" for AWS
	Region          string        `yaml:"region"`
	PathStyle       bool          `yaml:"path_style"`
	AccessKeyID     string        `yaml:"access_key_id"` // given together with the next, or neither
	SecretAccessKey secret.String `yaml:"secret_access_key"`
	Timeout         time.Duration `yaml:"timeout"` // of a call that makes no progress, tries included
}

// Cache bounds the local copies of an s3:// lake's files.
type Cache struct {
	MaxSize Bytes `yaml:"max_size"`
}

const s3Scheme = "s3://"

// Bucket returns the bucket and the prefix in it, without slashes at its ends; false when the lake
// is a folder.
func (l Lake) Bucket() (bucket, prefix string, ok bool) {
	rest, ok := strings.CutPrefix(l.URL, s3Scheme)
	bucket, prefix, _ = strings.Cut(rest, "/")
	return bucket, strings.Trim(prefix, "/"), ok
}

// LakeFolder returns the folder the tables are in, "" when they are in a bucket.
func (c *Config) LakeFolder() string {
	if _, _, ok := c.Lake.Bucket(); ok {
		return ""
	}
	if c.Lake.URL != "" {
		return c.Lake.URL
	}
	return filepath.Join(c.Data, "lake")
}

// WhenFull says what happens to a call whose rows have no room left in the log.
type WhenFull string

// The policies. ShedPayloads keeps the rows of the usage table and drops bodies; what is dropped is
// counted, and the count is a row.
const (
	Block        WhenFull = "block"
	ShedPayloads WhenFull = "shed_payloads"
	Drop         WhenFull = "drop"
)

// Maintenance is the work in the background that keeps tables small and fast.
type Maintenance struct {
	Enabled        bool          `yaml:"enabled"`
	Interval       time.Duration `yaml:"interval"`
	TargetFileSize Bytes         `yaml:"target_file_size"`
	VacuumAfter    time.Duration `yaml:"vacuum_after"` // how long a file that no table names any more stays
	KeepHistory    time.Duration `yaml:"keep_history"` // how long old versions can be looked up
}

// Retention says after how many whole days rows are deleted, 0 for never.
type Retention struct {
	Usage    int `yaml:"usage"`    // rows of the system tables
	Payloads int `yaml:"payloads"` // of payload tables whose endpoint doesn't say
}

func defaultLake() Lake {
	return Lake{S3: S3{Timeout: 30 * time.Second}, Cache: Cache{MaxSize: 10 * GiB}}
}

func defaultMaintenance() Maintenance {
	return Maintenance{
		Enabled: true, Interval: time.Minute, TargetFileSize: 128 * MiB,
		VacuumAfter: 7 * 24 * time.Hour, KeepHistory: 30 * 24 * time.Hour,
	}
}
