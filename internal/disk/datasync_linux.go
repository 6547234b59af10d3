package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// datasync calls fdatasync: unlike fsync it leaves out the time of the last change.
func datasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err != unix.EINTR {
			return err
		}
	}
}
