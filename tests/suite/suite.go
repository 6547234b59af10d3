// Package suite is what the suites that need more than Go have in common: a count of checks, loud
// skips, and the folders that hold what Python and Node install.
//
// A Suite is used by one goroutine. It prints as it goes; Finish prints the summary line that
// every suite ends with and returns the exit status.
package suite

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Suite counts checks.
type Suite struct {
	Name string
	// MustRun makes a skip a failure: on machines that are there to run everything.
	MustRun bool
	Out     io.Writer

	passed, failed, skipped int
}

// Check counts one check. A failed one is printed with what err says.
func (s *Suite) Check(name string, err error) {
	if err == nil {
		s.passed++
		return
	}
	s.failed++
	fmt.Fprintf(s.Out, "FAILED %s: %v\n", name, err)
}

// Skip notes that a part of the suite cannot run here, and why.
func (s *Suite) Skip(part, why string) {
	if s.MustRun {
		s.Check(part, fmt.Errorf("cannot run (%s), and under CI=true nothing may be skipped", why))
		return
	}
	s.skipped++
	fmt.Fprintf(s.Out, "SKIPPED %s: %s\n", part, why)
}

// Absent notes that a part of the suite cannot run because what it needs is to be had from no registry
// that a machine can be counted on to reach. It is as loud as a skip, and fails nothing, under MustRun
// neither.
func (s *Suite) Absent(part, why string) {
	s.skipped++
	fmt.Fprintf(s.Out, "SKIPPED %s: %s\n", part, why)
}

// Finish prints the summary and returns the exit status: 1 when a check failed. A suite that
// checked nothing and skipped nothing has failed too.
func (s *Suite) Finish() int {
	note := ""
	if s.skipped > 0 {
		note = fmt.Sprintf(", %d SKIPPED", s.skipped)
	}
	fmt.Fprintf(s.Out, "%s: %d passed, %d failed%s\n", s.Name, s.passed, s.failed, note)
	if s.failed > 0 || s.passed+s.skipped == 0 {
		return 1
	}
	return 0
}

// ErrNoTool says that the machine lacks a program.
var ErrNoTool = errors.New("not installed")

// Python returns the interpreter of a virtual environment in dir/.venv that has what
// dir/requirements.txt pins, making it when it is not there or the pins have changed.
func Python(dir string) (string, error) {
	system, err := exec.LookPath("python3")
	if err != nil {
		return "", fmt.Errorf("python3: %w", ErrNoTool)
	}
	venv := filepath.Join(dir, ".venv")
	python := filepath.Join(venv, "bin", "python")
	pins := filepath.Join(dir, "requirements.txt")
	return python, install(venv, pins, func() error {
		if err := run(dir, system, "-m", "venv", "--clear", ".venv"); err != nil {
			return err
		}
		abs, err := filepath.Abs(python)
		if err != nil {
			return err
		}
		return run(dir, abs, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt")
	})
}

// Node returns the interpreter, after dir/node_modules has what dir/package-lock.json pins.
func Node(dir string) (string, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return "", fmt.Errorf("node: %w", ErrNoTool)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("npm: %w", ErrNoTool)
	}
	return node, install(filepath.Join(dir, "node_modules"), filepath.Join(dir, "package-lock.json"), func() error {
		return run(dir, npm, "ci", "--no-update-notifier", "--loglevel=error")
	})
}

// install runs make unless folder was made from the very same pins. A half-made folder has no
// stamp and is made again.
func install(folder, pins string, make func() error) error {
	b, err := os.ReadFile(pins)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	want := hex.EncodeToString(sum[:])
	stamp := filepath.Join(folder, ".made-from")
	if have, err := os.ReadFile(stamp); err == nil && string(have) == want {
		return nil
	}
	if err := make(); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(want), 0o644)
}

func run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
