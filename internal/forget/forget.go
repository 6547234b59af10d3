// Package forget erases what a lake knows of somebody, and proves it by looking at every byte.
//
// # What it promises
//
// When Run returns a Report whose Clean is true, then of the requests that had ended when it began,
// no row of the subject is in any table, in any older version of a table, in a file that no version
// names, in the log, the hot files or the cached files of any gateway that was ever seen, in the
// Delta log or in a document; and a scan of all of them (the Proof) has found nothing. Rows that are
// not the subject's are as they were, in as many files or fewer, and every row that went is accounted
// for, so that lakegate verify tells erasure from loss (package rowtags).
//
// Usage rows are deleted, or, with Anonymize, lose everything that leads to a person, their request
// id included, and keep tokens and cost. Payload rows are deleted always. Rows that only name the
// subject, somebody else's prompt for example, are not the subject's rows: the Proof counts them as
// mentions, and the caller decides.
//
// # How
//
// A document (kind "forget") says what is to be done and how far it is; a lease lets one process at a
// time do it. Gateways see the document, land their logs, drop every segment and say so (Agent).
// Then tables are rewritten, a commit for some files at a time, each refused if somebody else rewrote
// one of them, and then planned again. Then every file that no version names is looked at, and
// deleted at once if it has rows of the subject; then gateways drop copies; then comes the Proof.
// Each step looks at what is there and does what is left, so a crash anywhere is finished by running
// it again: by Resume, which a gateway's Agent calls when the lease is free. A gateway that is down
// keeps the request waiting, and does its part before it serves. The subject's name is in the
// document only until then; what stays is a salted hash.
//
// # What it does not
//
// It does not reach backups, noncurrent versions of S3 objects, copies that other engines made, or
// disk blocks of deleted files: docs/privacy.md says what to do. Requests that run while it runs are
// later ones. Ids of erased requests may stand in the statistics of old entries of the Delta log
// until the log is cleaned; without rows they lead nowhere, and the Proof counts them.
//
// Run and Resume may be called by any number of processes. The fake is memstore.
package forget

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/rowtags"
	"github.com/lakegate/lakegate/internal/state"
)

// Subject is who or what is to be forgotten: exactly one of the three.
type Subject struct {
	Requester string `json:"requester,omitempty"`
	// TagKey and TagValue name requests by an entry of their usage_context.
	TagKey     string   `json:"tag_key,omitempty"`
	TagValue   string   `json:"tag_value,omitempty"`
	RequestIDs []string `json:"request_ids,omitempty"`
}

// ParseTag makes a Subject of key=value.
func ParseTag(s string) (Subject, error) {
	key, value, ok := strings.Cut(s, "=")
	if !ok || key == "" || value == "" {
		return Subject{}, fmt.Errorf("tag %q: want key=value", s)
	}
	return Subject{TagKey: key, TagValue: value}, nil
}

// Validate reports what is wrong with the subject.
func (s Subject) Validate() error {
	n := 0
	for _, given := range []bool{s.Requester != "", s.TagKey != "" || s.TagValue != "", len(s.RequestIDs) > 0} {
		if given {
			n++
		}
	}
	if n != 1 {
		return errors.New("forget: name a requester, or a tag, or request ids")
	}
	if (s.TagKey == "") != (s.TagValue == "") {
		return errors.New("forget: a tag has a key and a value")
	}
	for _, id := range s.RequestIDs {
		if _, err := uuid.Parse(id); err != nil {
			return fmt.Errorf("forget: request id %q is no UUID: it is the one of the header x-databricks-request-id", id)
		}
	}
	return nil
}

// kind says what names the subject, for reports that do not name it.
func (s Subject) kind() string {
	switch {
	case s.Requester != "":
		return "requester"
	case s.TagKey != "":
		return "tag"
	default:
		return "request id"
	}
}

// Mode says what happens to usage rows.
type Mode string

// The modes.
const (
	Delete    Mode = "delete"
	Anonymize Mode = "anonymize"
)

// Config is what a forgetting process works with.
type Config struct {
	Store  objstore.Store
	Logger *slog.Logger
	// Version is lakegate's, for the tables' commits; Holder names the process, for people.
	Version, Holder string
	// Folders are data folders of gateways on this machine: the Proof scans what is below them.
	Folders []string
	// Patience is how long a gateway that is heard of may take to do its part. 0 is a minute.
	Patience time.Duration
	// Poll is how often documents are read again while waiting. 0 is half a second.
	Poll time.Duration
	// FailPoint, when set, is called between the steps. Nil in production.
	FailPoint func(point string) error

	// self does the part of the gateway that this process is, nil when it is none.
	self func(context.Context, *Request) error
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Patience == 0 {
		c.Patience = time.Minute
	}
	if c.Poll == 0 {
		c.Poll = 500 * time.Millisecond
	}
	return c
}

func (c Config) docs() *state.Docs { return state.New(c.Store) }

func (c Config) failPoint(point string) error {
	if c.FailPoint == nil {
		return nil
	}
	return c.FailPoint(point)
}

// Options are for one request.
type Options struct {
	Mode   Mode // "" is Delete
	DryRun bool // find and count, change nothing
	// Gone names logs of gateways that are gone for good, disk and all: they are not waited for.
	Gone []string
	By   string // who asks, for the document
	// RedactStatements takes the subject's name out of frozen statements of months too, whose checksum
	// then no longer fits. Without it they are kept as they are, as records of accounting.
	RedactStatements bool
}

// Errors to test for with errors.Is.
var (
	// ErrRunning says that another process works on the same request.
	ErrRunning = errors.New("forget: another process is at it")
	// ErrNoRequest says that there is no request of that id.
	ErrNoRequest = errors.New("forget: no such request")
)

// ids is a set of request ids.
type ids map[[16]byte]struct{}

func (s ids) add(id [16]byte) {
	if id != ([16]byte{}) {
		s[id] = struct{}{}
	}
}

func (s ids) has(id [16]byte) bool {
	_, ok := s[id]
	return ok
}

func idsOf(texts []string) ids {
	set := ids{}
	for _, t := range texts {
		set.add(rowtags.ParseID(t, false))
	}
	return set
}

// sleep waits, or returns why it cannot.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
