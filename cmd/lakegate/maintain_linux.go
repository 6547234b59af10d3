package main

import "golang.org/x/sys/unix"

// lowerPriority lets everybody else go first. The process is alone in its group; by the group all its
// threads are meant, which by the process they would not be.
func lowerPriority() { _ = unix.Setpriority(unix.PRIO_PGRP, 0, 19) }
