package launch

import "syscall"

// dieWithParent keeps a suite that was killed from leaving processes behind.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
