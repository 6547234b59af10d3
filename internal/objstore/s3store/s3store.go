// Package s3store keeps objects in a bucket of S3, or of a store that speaks S3's language and
// honours its conditional writes.
//
// Create is a PUT with If-None-Match: *, Replace one with If-Match: the server decides, so that of
// many gateways exactly one wins. Every write carries an id of its own as metadata. When an answer
// gets lost, the write is sent again with the same id and condition; a refusal is then looked into,
// and an object that bears the id is the caller's own success. What can't be decided so, because the
// store stays away, is objstore.ErrUnknown. Reads go on where a broken answer stopped, as long as
// the object is the same.
//
// Objects above Config.PartBytes are sent in parts, with the condition on the last step, and what
// was sent is taken back when that fails. Bodies carry checksums, which the server checks before it
// shows an object.
//
// A call that makes no progress ends within Config.Timeout, tries included; one that sends or
// receives bytes may take as long as they take. A call is tried at most three times, with jitter in
// between; a longer outage is the caller's to sit out.
//
// Keys are as in objstore, below Config.Prefix. Everything may be called from many goroutines and
// processes at once. The server's clock gives Info.Modified, in whole seconds. An ETag may be that
// of the content: see objstore.Info. memstore is the fake; s3test runs a real server for tests.
package s3store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithylog "github.com/aws/smithy-go/logging"

	"github.com/lakegate/lakegate/internal/objstore"
)

// Config says where the bucket is. Zero fields have the defaults that DefaultConfig names.
type Config struct {
	Bucket string
	Prefix string // of all keys, for example "lakegate/prod"; slashes at its ends don't matter
	Region string // "": as the environment or the profile says; us-east-1 when there is an Endpoint

	Endpoint  string // URL of a store other than AWS
	PathStyle bool   // bucket in the path, not in the host name: most stores on one's own machines

	// Keys given here are used as they are. Without them the SDK looks for some: environment,
	// profile, web identity, container, instance role.
	AccessKeyID, SecretAccessKey, SessionToken string

	Timeout   time.Duration // of a call that makes no progress
	PartBytes int           // size of a part, and of the largest object that is sent whole; at least MinPartBytes
}

// MinPartBytes is the smallest part that S3 takes, but for the last.
const MinPartBytes = 5 << 20

// DefaultConfig is what zero fields of a Config mean.
func DefaultConfig() Config { return Config{Timeout: 30 * time.Second, PartBytes: 16 << 20} }

func (c Config) withDefaults() Config {
	d := DefaultConfig()
	c.Prefix = strings.Trim(c.Prefix, "/")
	if c.Timeout == 0 {
		c.Timeout = d.Timeout
	}
	if c.PartBytes == 0 {
		c.PartBytes = d.PartBytes
	}
	return c
}

// Validate reports every fault of the configuration.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Bucket == "" || strings.Contains(c.Bucket, "/") {
		bad("bucket %q: want its name", c.Bucket)
	}
	if c.Prefix != "" {
		if err := objstore.ValidKey(c.Prefix); err != nil {
			bad("prefix: %w", err)
		}
	}
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
			bad("endpoint %q: want a URL like https://s3.example.com, without a path", c.Endpoint)
		}
	}
	if (c.AccessKeyID == "") != (c.SecretAccessKey == "") {
		bad("access key id and secret access key: want both or neither")
	}
	if c.SessionToken != "" && c.AccessKeyID == "" {
		bad("session token: it belongs to an access key, which isn't there")
	}
	if c.Timeout < 0 {
		bad("timeout %v: want more than 0", c.Timeout)
	}
	if c.PartBytes < MinPartBytes {
		bad("part size of %d bytes: want at least %d", c.PartBytes, MinPartBytes)
	}
	return errors.Join(faults...)
}

// Store is objects in a bucket. It implements objstore.Store.
type Store struct {
	api    *s3.Client
	cfg    Config
	prefix string // of keys: "" or ending in '/'
	logger *slog.Logger
}

var _ objstore.Store = (*Store)(nil)

// Open prepares to use the bucket. It doesn't call the store, which may be down: objstore.SelfTest
// does. The store holds idle connections only; there is nothing to close.
func Open(ctx context.Context, cfg Config, logger *slog.Logger) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("S3 store: %w", err)
	}
	cfg = cfg.withDefaults()
	// LoadDefaultConfig, because a client made by hand sends no checksums: a server may then show
	// an object cut short by the death of its writer.
	sdk, err := awsconfig.LoadDefaultConfig(ctx, options(cfg)...)
	if err != nil {
		return nil, fmt.Errorf("S3 store: %w", err)
	}
	if sdk.Region == "" {
		return nil, errors.New("S3 store: no region: set it beside the bucket, or AWS_REGION")
	}
	api := s3.NewFromConfig(sdk, func(o *s3.Options) {
		o.HTTPClient = watchedClient(sdk.HTTPClient, cfg.Timeout/waits)
		o.UsePathStyle = cfg.PathStyle
		if cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(cfg.Endpoint)
		}
		o.DisableLogOutputChecksumValidationSkipped = true // ranges have no checksum
	})
	s := &Store{api: api, cfg: cfg, logger: logger}
	if cfg.Prefix != "" {
		s.prefix = cfg.Prefix + "/"
	}
	return s, nil
}

func options(cfg Config) []func(*awsconfig.LoadOptions) error {
	opts := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithHTTPClient(buildable(cfg.Timeout / waits)),
		awsconfig.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }), // only we know what may be sent twice
		awsconfig.WithLogger(smithylog.Nop{}),
	}
	if cfg.Region != "" {
		opts = append(opts, awsconfig.WithRegion(cfg.Region))
	} else if cfg.Endpoint != "" {
		opts = append(opts, awsconfig.WithDefaultRegion("us-east-1"))
	}
	if cfg.AccessKeyID != "" {
		opts = append(opts, awsconfig.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(cfg.AccessKeyID, cfg.SecretAccessKey, cfg.SessionToken)))
	}
	return opts
}

// String names the place, for messages: s3://bucket/prefix.
func (s *Store) String() string { return strings.TrimSuffix("s3://"+s.cfg.Bucket+"/"+s.prefix, "/") }

// name returns the object's name in the bucket.
func (s *Store) name(ctx context.Context, key string) (*string, error) {
	if err := objstore.ValidKey(key); err != nil {
		return nil, err
	}
	if len(s.prefix)+len(key) > objstore.MaxKey {
		return nil, fmt.Errorf("object key %q: with the prefix %q it is longer than %d bytes", key, s.prefix, objstore.MaxKey)
	}
	return aws.String(s.prefix + key), ctx.Err()
}
