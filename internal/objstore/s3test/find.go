package s3test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrUnavailable says that there is no S3 server to run here, and why.
var ErrUnavailable = errors.New("no S3 server to test with")

// Version is that of versitygw which is built where there is none. It is the one that our docs'
// claims about it were measured with.
const Version = "v1.8.0"

// find returns the program: that named by LAKEGATE_VERSITYGW, one in the PATH, or the one in the
// user's cache folder, which it builds the first time (about a minute).
func find(ctx context.Context) (string, error) {
	if path := os.Getenv("LAKEGATE_VERSITYGW"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("LAKEGATE_VERSITYGW: %w", err)
		}
		return path, nil
	}
	if path, err := exec.LookPath("versitygw"); err == nil {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: no cache folder to build versitygw in: %w", ErrUnavailable, err)
	}
	dir := filepath.Join(cache, "lakegate", "versitygw-"+Version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	path := filepath.Join(dir, "versitygw")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, build(ctx, dir, path)
}

// build installs the program into dir. Test binaries run side by side; the first one builds.
func build(ctx context.Context, dir, path string) error {
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer lock.Close() // and unlock
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	half := filepath.Join(dir, "half")
	cmd := exec.CommandContext(ctx, "go", "install", "github.com/versity/versitygw/cmd/versitygw@"+Version)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOBIN="+half)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: set LAKEGATE_VERSITYGW to a versitygw binary, or let go install fetch one: %w\n%s", ErrUnavailable, err, out)
	}
	return os.Rename(filepath.Join(half, "versitygw"), path)
}
