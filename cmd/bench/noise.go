package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// noisy is the disturbed share above which a phase is run once more, and named in the notes.
const noisy = 0.10

// spent is how the machine's time was spent up to a moment.
type spent struct {
	all, busy, stolen time.Duration // of all cores, by Linux's count
	ours              time.Duration // of busy: by the load, the provider and the target
}

// spent reads it; where there is no /proc nothing is known, and nothing counts as disturbed.
func (l *lab) spent(t *target) spent {
	var s spent
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return s
	}
	line, _, _ := strings.Cut(string(b), "\n")
	for i, f := range strings.Fields(line) {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || i > 8 { // "cpu"; guest time is in user time already
			continue
		}
		d := time.Duration(n) * 10 * time.Millisecond
		s.all += d
		switch i {
		case 4, 5: // idle, waiting for a disk
		case 8:
			s.stolen = d
		default:
			s.busy += d
		}
	}
	var self syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &self) == nil {
		s.ours = time.Duration(self.Utime.Nano() + self.Stime.Nano())
	}
	if u, err := l.provider.Use(); err == nil {
		s.ours += u.CPU
	}
	if t.process != nil {
		if u, err := t.process.UseWithChildren(); err == nil {
			s.ours += u.CPU
		}
	}
	return s
}

// disturbed is the share of the machine's time since then that others had: the host, or processes
// that are no part of the measurement.
func (s spent) disturbed(since spent) float64 {
	all := s.all - since.all
	if all <= 0 {
		return 0
	}
	others := (s.busy - since.busy) - (s.ours - since.ours) + (s.stolen - since.stolen)
	return max(0, float64(others)/float64(all))
}
