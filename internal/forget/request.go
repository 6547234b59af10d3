package forget

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/state"
)

// Kind is the kind of the requests' documents, and partKind that of what gateways say of their folders.
const (
	Kind     = "forget"
	partKind = "forget-parts"
)

// State is how far a request is.
type State string

// The states, in order. A request that waits for a gateway is otherwise done.
const (
	Landing   State = "landing"   // gateways bring their logs into the tables
	Rewriting State = "rewriting" // the subject leaves the tables
	Cleaning  State = "cleaning"  // gateways drop their copies
	Waiting   State = "waiting"   // a gateway that is down has not done its part
	Done      State = "done"
)

// Request is the document of a request.
type Request struct {
	ID        string    `json:"id"`
	Subject   *Subject  `json:"subject,omitempty"` // nil once it is done
	Mode      Mode      `json:"mode"`
	Requested time.Time `json:"requested_at"`
	Asked     int       `json:"asked"` // how often; a request that was not finished can be made again
	Round     int       `json:"round"` // how often gateways were to drop copies
	By        string    `json:"by,omitempty"`
	State     State     `json:"state"`
	Gone      []string  `json:"gone_gateways,omitempty"`
	Waiting   []string  `json:"waiting_for,omitempty"` // log ids
	// Deleted is the keys of the data files that were deleted, for gateways to drop their copies.
	Deleted []string `json:"deleted,omitempty"`
	// Salt and Hash let somebody who names a subject find out whether it was this one, and nobody else.
	Salt   string  `json:"salt"`
	Hash   string  `json:"subject_hash"`
	Report *Report `json:"report,omitempty"`
	// Statements says that frozen statements are to lose the subject's name.
	Statements bool `json:"redact_statements,omitempty"`
	DryRun     bool `json:"-"`

	version state.Version
}

func newRequest(s Subject, o Options) *Request {
	if o.Mode == "" {
		o.Mode = Delete
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // it never fails
	r := &Request{
		ID: uuid.Must(uuid.NewV7()).String(), Subject: &s, Mode: o.Mode, Requested: time.Now().UTC().Truncate(time.Microsecond),
		By: o.By, State: Landing, Asked: 1, Gone: o.Gone, Salt: hex.EncodeToString(salt), DryRun: o.DryRun, Statements: o.RedactStatements,
	}
	r.Hash = r.hash(s)
	return r
}

// hash is a salted hash of the subject.
func (r *Request) hash(s Subject) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings only
	}
	mac := hmac.New(sha256.New, []byte(r.Salt))
	mac.Write(text)
	return hex.EncodeToString(mac.Sum(nil))
}

// Is reports whether the request was about the subject.
func (r *Request) Is(s Subject) bool { return hmac.Equal([]byte(r.hash(s)), []byte(r.Hash)) }

// ack is what a gateway acknowledges: a step of the request, as it was asked for last.
func (r *Request) ack(step string) string {
	if step == ackCleaned {
		return fmt.Sprintf("%s/%d.%d/%s", r.ID, r.Asked, r.Round, step)
	}
	return fmt.Sprintf("%s/%d/%s", r.ID, r.Asked, step)
}

// save writes the document. An answer that was lost is read back: the process has the lease, so the
// document is its own.
func (r *Request) save(ctx context.Context, docs *state.Docs) error {
	doc, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	if r.version == "" {
		r.version, err = docs.Create(ctx, Kind, r.ID, doc)
	} else {
		r.version, err = docs.Replace(ctx, Kind, r.ID, r.version, doc)
	}
	if err != nil {
		return fmt.Errorf("save request to forget: %w", err)
	}
	return nil
}

// Load reads a request. ErrNoRequest.
func Load(ctx context.Context, docs *state.Docs, id string) (*Request, error) {
	doc, version, err := docs.Get(ctx, Kind, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, fmt.Errorf("%w: %s", ErrNoRequest, id)
	}
	if err != nil {
		return nil, err
	}
	r := &Request{version: version}
	if err := json.Unmarshal(doc, r); err != nil {
		return nil, fmt.Errorf("request to forget %s: %w", id, err)
	}
	return r, nil
}

// List returns all requests, oldest first.
func List(ctx context.Context, docs *state.Docs) ([]*Request, error) {
	names, err := docs.List(ctx, Kind)
	if err != nil {
		return nil, err
	}
	var all []*Request
	for _, id := range names {
		r, err := Load(ctx, docs, id)
		if errors.Is(err, ErrNoRequest) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// unfinished returns a request for the same thing that was begun and not ended.
func unfinished(ctx context.Context, docs *state.Docs, s Subject, mode Mode) (*Request, error) {
	all, err := List(ctx, docs)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.State != Done && r.Mode == mode && r.Subject != nil && reflect.DeepEqual(*r.Subject, s) {
			return r, nil
		}
	}
	return nil, nil
}

// Part is what a gateway says of its folder.
type Part struct {
	Log      string `json:"log_id"`
	Host     string `json:"host"`
	Segments int    `json:"segments_dropped"` // of its log, with everything in them in the tables
	Copies   int    `json:"copies_dropped"`   // cached files
	Proof    Proof  `json:"proof"`
}

func (p Part) save(ctx context.Context, docs *state.Docs, request string) error {
	doc, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode part: %w", err)
	}
	id := request + "." + p.Log
	_, version, err := docs.Get(ctx, partKind, id)
	switch {
	case errors.Is(err, state.ErrNotFound):
		_, err = docs.Create(ctx, partKind, id, doc)
	case err == nil:
		_, err = docs.Replace(ctx, partKind, id, version, doc)
	}
	return err
}

// partsOf returns what gateways said of a request.
func partsOf(ctx context.Context, docs *state.Docs, request string) ([]Part, error) {
	names, err := docs.List(ctx, partKind)
	if err != nil {
		return nil, err
	}
	var parts []Part
	for _, id := range names {
		if len(id) <= len(request) || id[:len(request)+1] != request+"." {
			continue
		}
		doc, _, err := docs.Get(ctx, partKind, id)
		if err != nil {
			return nil, err
		}
		var p Part
		if err := json.Unmarshal(doc, &p); err != nil {
			return nil, fmt.Errorf("part %s: %w", id, err)
		}
		parts = append(parts, p)
	}
	return parts, nil
}
