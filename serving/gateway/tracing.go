package gateway

import (
	"net/http"

	"github.com/lakegate/lakegate/internal/inference"
)

// Tracer follows calls for a collector of traces. It must not wait for anybody.
type Tracer interface {
	// Start begins a call's span.
	Start(c *Call) Span
}

// Span is that of one call. Inject comes before each attempt, End once and last.
type Span interface {
	// Inject puts the span's context into the header of a request to a provider.
	Inject(h http.Header)
	// Saw is shown what a provider answers: a whole answer, or the data of an event. It must not keep it.
	Saw(data []byte)
	// End is called once, with the finished record, which it must not keep.
	End(r *inference.Record)
}

// saw shows the span, if there is one, what a provider answers.
func (w *work) saw(data []byte) {
	if w.span != nil {
		w.span.Saw(data)
	}
}

// measured tells of the call's end.
func (w *work) measured() {
	w.Meter.Finished(w.rec)
	if w.span != nil {
		w.span.End(w.rec)
	}
}
