package warehouse

import (
	"math"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithParent has the kernel kill the process when we end, however that happens. The closed
// pipe would end it as well, unless it hangs.
func dieWithParent(cmd *exec.Cmd) {
	// Files that Go opened are not inherited. Those that we were started with would be, such as the
	// lock of a shell script. An old kernel knows no such call, and then they are.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
