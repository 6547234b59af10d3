//go:build linux && (amd64 || arm64)

package worker

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets of seccomp_data, little endian.
const (
	offNumber = 0
	offArch   = 4
	offArg0   = 16
)

func argOffset(i int) uint32 { return uint32(offArg0 + 8*i) }

// forbidden are calls a worker has no business with on any architecture: the network, other
// processes, changing the file system, and the kernel's larger doors.
var forbidden = []uint32{
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KILL,
	unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL,
	unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2, unix.SYS_MKDIRAT, unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_MKNODAT,
	unix.SYS_TRUNCATE, unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT,
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_MEMFD_CREATE, unix.SYS_USERFAULTFD, unix.SYS_BPF,
	unix.SYS_PERF_EVENT_OPEN, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_IO_URING_SETUP,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF,
}

// writeFlags are the flags of open that could change a file.
const writeFlags = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC | unix.O_APPEND

// filterSyscalls installs the filter on every thread. What it forbids fails with EPERM, so that
// the engine reports an error instead of dying.
func filterSyscalls() error {
	arch, ok := auditArch[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("not written for %s", runtime.GOARCH)
	}
	prog := buildFilter(arch, append(forbidden, forbiddenHere...))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	fprog := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	const allThreads = unix.SECCOMP_FILTER_FLAG_TSYNC
	if r, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, allThreads, uintptr(unsafe.Pointer(&fprog))); errno != 0 {
		return fmt.Errorf("install filter: %w", errno)
	} else if r != 0 {
		return fmt.Errorf("install filter: thread %d did not take it", r)
	}
	return nil
}

var auditArch = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// buildFilter writes the program: the architecture must be ours; forbidden calls, opening for
// writing and new processes fail; clone3 and openat2, whose arguments a filter cannot see, are
// said not to exist, so that their callers fall back.
func buildFilter(arch uint32, numbers []uint32) []unix.SockFilter {
	eperm := uint32(unix.SECCOMP_RET_ERRNO) | uint32(unix.EPERM)
	enosys := uint32(unix.SECCOMP_RET_ERRNO) | uint32(unix.ENOSYS)
	p := []unix.SockFilter{
		load(offArch),
		jumpEqual(arch, 1, 0),
		answer(unix.SECCOMP_RET_KILL_PROCESS),
		load(offNumber),
	}
	for _, n := range numbers {
		p = append(p, jumpEqual(n, 0, 1), answer(eperm))
	}
	p = append(p, jumpEqual(unix.SYS_CLONE3, 0, 1), answer(enosys), jumpEqual(unix.SYS_OPENAT2, 0, 1), answer(enosys))
	// openat(dir, path, flags): a forbidden flag fails. The number is loaded again after.
	p = append(p, jumpEqual(unix.SYS_OPENAT, 0, 4), load(argOffset(2)), jumpSet(writeFlags, 0, 1), answer(eperm), answer(unix.SECCOMP_RET_ALLOW))
	if openNumber != 0 {
		p = append(p, jumpEqual(openNumber, 0, 4), load(argOffset(1)), jumpSet(writeFlags, 0, 1), answer(eperm), answer(unix.SECCOMP_RET_ALLOW))
	}
	// clone(flags): threads only.
	p = append(p, jumpEqual(unix.SYS_CLONE, 0, 4), load(argOffset(0)), jumpSet(unix.CLONE_THREAD, 1, 0), answer(eperm), answer(unix.SECCOMP_RET_ALLOW))
	return append(p, answer(unix.SECCOMP_RET_ALLOW))
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func jumpEqual(k uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: yes, Jf: no, K: k}
}

func jumpSet(k uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, Jt: yes, Jf: no, K: k}
}

func answer(k uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k}
}
