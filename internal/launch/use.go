package launch

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Use is what processes have consumed.
type Use struct {
	CPU  time.Duration // user and system time, to a hundredth of a second
	RSS  int64         // bytes of memory in use now
	Peak int64         // the most there were; of several processes, the sum of each one's most
}

// Use reads what the child has consumed: itself, without its children.
func (p *Process) Use() (Use, error) { return useOf(p.PID()) }

// UseWithChildren adds what its living children, and theirs, have consumed.
func (p *Process) UseWithChildren() (Use, error) {
	var sum Use
	err := addTree(&sum, p.PID())
	return sum, err
}

func addTree(sum *Use, pid int) error {
	u, err := useOf(pid)
	if err != nil {
		return err
	}
	sum.CPU, sum.RSS, sum.Peak = sum.CPU+u.CPU, sum.RSS+u.RSS, sum.Peak+u.Peak
	for _, child := range childrenOf(pid) {
		if err := addTree(sum, child); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err // one that has just ended is none
		}
	}
	return nil
}

// ticksPerSecond is the unit of /proc/PID/stat; the kernel fixes it at 100 for programs.
const ticksPerSecond = 100

// useOf reads Linux's process files. Elsewhere there are none, and it fails.
func useOf(pid int) (Use, error) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return Use{}, err
	}
	// The name, in brackets, may hold blanks; fields are counted after it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return Use{}, fmt.Errorf("%sstat: %d fields", dir, len(fields))
	}
	var u Use
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return Use{}, fmt.Errorf("%sstat: %w", dir, err)
		}
		u.CPU += time.Duration(n) * time.Second / ticksPerSecond
	}
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		return Use{}, err
	}
	u.RSS, u.Peak = kilobytes(string(status), "VmRSS:"), kilobytes(string(status), "VmHWM:")
	return u, nil
}

// kilobytes reads a line such as "VmRSS:  1234 kB" as bytes. A process that is ending has none.
func kilobytes(status, name string) int64 {
	_, rest, _ := strings.Cut(status, name)
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

func childrenOf(pid int) []int {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil
	}
	var all []int
	for _, t := range tasks {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name()))
		if err != nil {
			continue
		}
		for _, f := range strings.Fields(string(b)) {
			if n, err := strconv.Atoi(f); err == nil {
				all = append(all, n)
			}
		}
	}
	return all
}
