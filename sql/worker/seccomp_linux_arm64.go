package worker

import "golang.org/x/sys/unix"

// openNumber is 0: this architecture has only openat.
const openNumber = 0

// forbiddenHere are the older forms of forbidden calls.
var forbiddenHere = []uint32{unix.SYS_RENAMEAT}
