package loadgen

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// preciseThread ties the goroutine to its thread and makes the thread's sleeps exact, until the
// function it returns is called: the runtime's own timers wake up to a millisecond late, which
// would be the largest part of what is measured.
func preciseThread() (release func()) {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // without it sleeps are 50 µs late, not wrong
	return func() {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // 0 is the thread's default
		runtime.UnlockOSThread()
	}
}

// sleepUntil returns at t, or soon after the context's end.
func sleepUntil(ctx context.Context, t time.Time) {
	for ctx.Err() == nil {
		left := time.Until(t)
		if left <= 0 {
			return
		}
		ts := unix.NsecToTimespec(min(left, 50*time.Millisecond).Nanoseconds())
		_ = unix.Nanosleep(&ts, nil) // cut short by a signal, it goes round again
	}
}
