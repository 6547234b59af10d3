//go:build !linux

package loadgen

import (
	"context"
	"time"
)

func preciseThread() (release func()) { return func() {} }

// sleepUntil returns at t, or at the context's end.
func sleepUntil(ctx context.Context, t time.Time) {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
