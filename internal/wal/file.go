package wal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/disk"
)

// lockDir locks the folder against other processes: alone for a writer, shared for readers. The
// lock ends when it is closed, or with the process.
func lockDir(fs disk.FS, dir string, alone bool) (io.Closer, error) {
	lock, err := fs.Lock(filepath.Join(dir, "LOCK"), alone)
	if errors.Is(err, disk.ErrLocked) {
		return nil, fmt.Errorf("%s: %w: %w", dir, ErrLocked, err)
	}
	if err != nil {
		return nil, fmt.Errorf("lock log %s: %w", dir, err)
	}
	return lock, nil
}

// readID returns the identity of the log in dir; ok is false when there is none yet.
func readID(fs disk.FS, dir string) (id uuid.UUID, ok bool, err error) {
	path := filepath.Join(dir, "ID")
	b, err := disk.ReadFile(fs, path)
	if errors.Is(err, os.ErrNotExist) {
		return id, false, nil
	}
	if err != nil {
		return id, false, fmt.Errorf("read log identity: %w", err)
	}
	id, err = uuid.Parse(strings.TrimSpace(string(b)))
	if err != nil {
		return id, false, &DamageError{Path: path, Reason: "not a UUID", Hint: "restore the file from a copy; its text is also the appId in the tables' transactions"}
	}
	return id, true, nil
}

// writeID stores the identity, whole or not at all.
func writeID(fs disk.FS, dir string, id uuid.UUID) error {
	if err := disk.WriteFile(fs, filepath.Join(dir, "ID"), []byte(id.String()+"\n")); err != nil {
		return fmt.Errorf("write log identity: %w", err)
	}
	return nil
}

// WriteFile replaces the file at path on the machine's disk by data: after a crash there is the old
// content or the new, and after nil the new is on disk. It is for the small files beside a log.
func WriteFile(path string, data []byte) error { return disk.WriteFile(disk.OS, path, data) }
