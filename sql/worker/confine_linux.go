//go:build linux && (amd64 || arm64)

package worker

import (
	"errors"
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"

	"github.com/lakegate/lakegate/sql/protocol"
)

// confine shuts the process in, for good, with what the kernel offers. Missing features are no
// error; Ready tells.
func confine(cfg *protocol.Init) *protocol.Ready {
	r := &protocol.Ready{}
	var rules []landlock.Rule
	for _, d := range cfg.Dirs {
		rules = append(rules, landlock.RODirs(d).IgnoreIfMissing())
	}
	if err := landlock.V6.BestEffort().Restrict(rules...); err != nil {
		r.Notes = append(r.Notes, "landlock: "+err.Error())
	}
	// The proof is in trying.
	f, err := os.Open("/")
	if err == nil {
		f.Close()
	}
	r.Landlock = errors.Is(err, os.ErrPermission)
	if err := filterSyscalls(); err != nil {
		r.Notes = append(r.Notes, "seccomp: "+err.Error())
	} else {
		r.Seccomp = true
	}
	return r
}

// setLimits bounds the address space, forbids core dumps, which would hold tables' rows, and
// files from growing.
func setLimits(cfg *protocol.Init) error {
	limits := map[int]uint64{unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: 0}
	if cfg.AddressSpace > 0 {
		limits[unix.RLIMIT_AS] = uint64(cfg.AddressSpace)
	}
	for what, n := range limits {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			return fmt.Errorf("set resource limit %d: %w", what, err)
		}
	}
	return nil
}
