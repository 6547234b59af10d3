package s3store

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// tries is how often a call is sent in all.
	tries = 3
	// contendedTries is the same for a write that meets others, which the store is quick to say.
	contendedTries = 6
	// waits is how many times a call can wait for a store that doesn't move: its tries, and reading
	// back what became of a write.
	waits      = tries + 1
	firstPause = 100 * time.Millisecond
)

// verdict is what an answer, or the lack of one, says about a request.
type verdict int

const (
	done      verdict = iota
	refused           // the store has decided against it
	unmet             // ... because of its condition
	missing           // ... because something isn't there
	undone            // not carried out, and worth another try
	contended         // ... because of another write at the same moment
	doubtful          // may have been carried out or not, and worth another try
)

// judge says what err, of a request that has or hasn't got a connection, means.
func judge(err error, sent bool) verdict {
	if err == nil {
		return done
	}
	if re := answered(err); re != nil {
		switch code := re.HTTPStatusCode(); {
		case code == http.StatusPreconditionFailed:
			return unmet
		case code == http.StatusNotFound:
			return missing
		// S3 answers so to conditional writes that meet another write, without deciding.
		case code == http.StatusConflict:
			return contended
		case code == http.StatusTooManyRequests:
			return undone
		case code >= 300 && code < 500 && code != http.StatusRequestTimeout:
			return refused
		}
		return doubtful // 5xx, and errors within a 200
	}
	if sent {
		return doubtful
	}
	var send *smithyhttp.RequestSendError
	if errors.As(err, &send) {
		return undone // no connection
	}
	return refused // no credentials, say
}

// answered returns what the store answered, nil when it didn't: the SDK wraps errors of the line in
// an answer without a status.
func answered(err error) *smithyhttp.ResponseError {
	var re *smithyhttp.ResponseError
	if errors.As(err, &re) && re.Response != nil && re.Response.Response != nil && re.HTTPStatusCode() != 0 {
		return re
	}
	return nil
}

// again says whether a request that was sent n times is worth sending once more.
func (v verdict) again(n int) bool {
	switch v {
	case undone, doubtful:
		return n < tries
	case contended:
		return n < contendedTries
	}
	return false
}

// attempt sends one request and judges it.
func attempt(ctx context.Context, send func(context.Context) error) (verdict, error) {
	var sent atomic.Bool
	err := send(noting(ctx, &sent))
	return judge(err, sent.Load()), err
}

// try sends what may be sent twice until there is a verdict or the tries are used up.
func try(ctx context.Context, send func(context.Context) error) (verdict, error) {
	for n := 1; ; n++ {
		v, err := attempt(ctx, send)
		if !v.again(n) || !pause(ctx, n) {
			return v, err
		}
	}
}

// pause waits before another try, about twice as long each time. False: the caller wants no more.
func pause(ctx context.Context, n int) bool {
	d := firstPause << min(n-1, 2)
	t := time.NewTimer(d/2 + rand.N(d))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
