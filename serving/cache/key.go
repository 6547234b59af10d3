package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"net/http"
	"slices"

	"github.com/lakegate/lakegate/serving/wire"
)

// Sum is the hash of a question.
type Sum [sha256.Size]byte

// Question is all that an answer depends on. Two questions with one field different are different.
type Question struct {
	EndpointID      string
	ConfigVersion   int32 // of the endpoint
	DropUnsupported bool
	// Scope says among whom answers are shared, and Tenant which of them asks.
	Scope, Tenant string
	// Route says which of the endpoint's entities the call is for, where that depends on the call.
	Route    string
	Format   wire.Format // of the client
	DataOnly bool        // its streams have data lines only
	// Header has what of the client's header goes on to the provider.
	Header http.Header
	Body   []byte // valid JSON, an object
}

// ignored are members of a body that change nothing in the answer: which model is asked is the
// endpoint's affair, how the answer is given is the Shape, and the rest says who asks what for.
// Members of the same name deeper in the body count.
var ignored = [...]string{
	"model", "stream", "stream_options", "usage_context", "client_request_id",
	"user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
}

// repeated is where those of ignored begin that answers of OpenAI's Responses API repeat: there they
// count, or one caller would read another's.
const repeated = 5

func (q *Question) ignores(name []byte) bool {
	list := ignored[:]
	if q.Format == wire.OpenAIResponses {
		list = ignored[:repeated]
	}
	for _, n := range list {
		if string(name) == n {
			return true
		}
	}
	return false
}

// ignoredHeader only says that a call is the same as another.
const ignoredHeader = "Idempotency-Key"

// Key returns the hash of a question. It is of the body's canonical form: white space and the order
// of members don't matter. Numbers and strings count as they are written, so that 1 and 1.0 are
// different questions, which costs a call and is never wrong. false: the body can't be read.
func (q *Question) Key() (Sum, bool) {
	body, ok := canonical(make([]byte, 0, len(q.Body)), q.Body, q.ignores)
	if !ok {
		return Sum{}, false
	}
	h := sha256.New()
	text(h, "lakegate response cache 1", q.EndpointID, q.Scope, q.Tenant, q.Route, string(q.Format))
	flags := [3]byte{}
	if q.DropUnsupported {
		flags[0] = 1
	}
	if q.DataOnly {
		flags[1] = 1
	}
	h.Write(flags[:])
	h.Write(binary.LittleEndian.AppendUint32(nil, uint32(q.ConfigVersion)))
	header(h, q.Header)
	h.Write(body)
	return Sum(h.Sum(nil)), true
}

// text writes strings, each with its length before it.
func text(h hash.Hash, list ...string) {
	for _, s := range list {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
}

func header(h hash.Hash, from http.Header) {
	names := make([]string, 0, len(from))
	for n := range from {
		if n != ignoredHeader {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		h.Write([]byte{byte(len(from[n]))}) // how many follow
		text(h, n)
		text(h, from[n]...)
	}
	h.Write([]byte{0})
}
