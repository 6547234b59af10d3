package gateway

import (
	"context"
	"encoding/json"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/openai"
)

// AskOptions says more about a question.
type AskOptions struct {
	// Params is a JSON object of further fields of the request, such as temperature; empty for
	// none. It can't set the prompt, the model or streaming.
	Params json.RawMessage
	// MayCall says which endpoints the principal may call. nil allows none.
	MayCall func(endpoint string) bool
	// Admin says that the principal may call endpoints without being granted that.
	Admin bool
	// ClientRequestID and UsageContext are as a body would have them.
	ClientRequestID string
	UsageContext    map[string]string
	// Purpose and Parent are set for a question that lakegate asks by itself, beside a client's call:
	// see inference.Record.
	Purpose string
	Parent  inference.ID
}

// apiAsk is the API type of questions from SQL.
const apiAsk = "sql/ai_query"

// Ask puts a prompt to an endpoint as p, through the same steps as any other call: permission,
// limits, record and price. It returns the answer's text: of an embeddings endpoint the first
// vector as a JSON array. The error is an *apierr.Error.
//
// When ctx ends Ask returns at once; the provider's answer is still read and recorded in the
// background, within Config.DrainTimeout.
func (g *Gateway) Ask(ctx context.Context, p inference.Principal, endpoint, prompt string, opts AskOptions) (string, error) {
	op := wire.OpChat
	if e, ok := g.Live.Load().Catalog.Lookup(endpoint); ok {
		op = wire.OperationOf(e.Task)
	}
	if opts.MayCall == nil {
		opts.MayCall = func(string) bool { return false }
	}
	answer := &collector{op: op}
	call := &Call{
		Received: time.Now(),
		Surface:  Surface{APIType: apiAsk, ByBody: true},
		Endpoint: endpoint,
		Body:     func(limit int64) ([]byte, *apierr.Error) { return askBody(op, prompt, &opts, limit) },
		purpose:  opts.Purpose, parent: opts.Parent,
		caller: &caller{principal: p, mayCall: opts.MayCall, admin: opts.Admin},
	}
	finished := make(chan struct{})
	go func() { // ends with the call: at the latest DrainTimeout after ctx
		defer close(finished)
		g.Do(ctx, call, answer)
	}()
	select {
	case <-finished:
		return answer.result()
	case <-ctx.Done():
		return "", apierr.New(apierr.ClientClosed, "the question was cancelled").Because(context.Cause(ctx))
	}
}

func askBody(op wire.Operation, prompt string, opts *AskOptions, limit int64) ([]byte, *apierr.Error) {
	body, err := openai.PromptBody(op, prompt, opts.Params)
	if err != nil {
		return nil, apierr.New(apierr.InvalidParameter, "%s", err)
	}
	body, err = wire.WithContext(body, opts.ClientRequestID, opts.UsageContext)
	if err != nil {
		return nil, apierr.New(apierr.InvalidParameter, "the request must be a JSON object: %s", err)
	}
	if int64(len(body)) > limit {
		return nil, apierr.New(apierr.TooLarge, "the prompt is larger than %d bytes", limit)
	}
	return body, nil
}

// collector is the responder of a question: it waits for the text.
type collector struct {
	op   wire.Operation
	text string
	err  *apierr.Error
}

func (c *collector) Answer(h *Head, body []byte) error {
	if c.err = h.Err; c.err != nil {
		return nil
	}
	var ok bool
	if c.text, ok = openai.AnswerText(c.op, body); !ok {
		c.err = apierr.New(apierr.BadGateway, "the model's answer has no text")
	}
	return nil
}

// Start and Send are not called: a question asks neither for a stream nor for sound.
func (c *collector) Start(*Head) error { return nil }

func (c *collector) Send([]byte) error { return nil }

// Abort is not called either.
func (c *collector) Abort() {}

func (c *collector) result() (string, error) {
	if c.err != nil {
		return "", c.err
	}
	return c.text, nil
}
