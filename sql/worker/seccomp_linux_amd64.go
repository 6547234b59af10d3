package worker

import "golang.org/x/sys/unix"

// openNumber is the number of open, which newer architectures do not have.
const openNumber = unix.SYS_OPEN

// forbiddenHere are the older forms of forbidden calls.
var forbiddenHere = []uint32{
	unix.SYS_CREAT, unix.SYS_UNLINK, unix.SYS_RENAME, unix.SYS_RENAMEAT, unix.SYS_MKDIR, unix.SYS_RMDIR, unix.SYS_LINK, unix.SYS_SYMLINK,
	unix.SYS_MKNOD, unix.SYS_CHMOD, unix.SYS_CHOWN, unix.SYS_LCHOWN, unix.SYS_UTIME, unix.SYS_UTIMES, unix.SYS_FUTIMESAT,
	unix.SYS_FORK, unix.SYS_VFORK,
}
