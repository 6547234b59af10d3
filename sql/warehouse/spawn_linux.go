package warehouse

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the process when we end, however that happens. The closed
// pipe would end it as well, unless it hangs.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
