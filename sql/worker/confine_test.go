//go:build linux && (amd64 || arm64)

package worker_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/warehouse"
	"github.com/lakegate/lakegate/sql/worker"
)

// probeMark makes the test binary shut itself in like a worker and try what it can do.
const probeMark = "probe-confinement"

// probe prints, for each thing tried, whether it worked.
func probe(dir string) {
	out, _ := os.OpenFile(os.DevNull, os.O_RDONLY, 0)
	ready := worker.Confine(&protocol.Init{Dirs: []string{dir}})
	worked := map[string]bool{"landlock": ready.Landlock, "seccomp": ready.Seccomp}
	try := func(what string, err error) { worked[what] = err == nil }
	_, err := os.ReadFile(filepath.Join(dir, "allowed"))
	try("read below the folder", err)
	_, err = os.ReadFile("/etc/passwd")
	try("read elsewhere", err)
	_, err = os.Create(filepath.Join(dir, "new"))
	try("create below the folder", err)
	_, err = os.OpenFile(filepath.Join(dir, "allowed"), os.O_RDWR, 0)
	try("open for writing", err)
	try("remove", os.Remove(filepath.Join(dir, "allowed")))
	try("rename", os.Rename(filepath.Join(dir, "allowed"), filepath.Join(dir, "renamed")))
	try("make a folder", os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	try("change the mode", os.Chmod(filepath.Join(dir, "allowed"), 0o777))
	try("make a link", os.Symlink("/etc/passwd", filepath.Join(dir, "link")))
	_, err = net.Listen("tcp", "127.0.0.1:0")
	try("listen", err)
	_, err = net.Dial("udp", "127.0.0.1:53")
	try("dial", err)
	try("start a program", exec.Command("/bin/true").Run())
	done := make(chan struct{})
	go func() { close(done) }()
	<-done
	try("start a goroutine", nil)
	out.Close()
	if err := json.NewEncoder(os.Stdout).Encode(worked); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// TestConfinement shuts a process in and looks at what it can still do. What the kernel does not
// offer is not asked of it.
func TestConfinement(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "allowed"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(self, probeMark, dir)
	cmd.Stderr = &stderr
	b, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var worked map[string]bool
	if err := json.Unmarshal(b, &worked); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if !worked["read below the folder"] || !worked["start a goroutine"] {
		t.Errorf("a worker must still be able to work: %v", worked)
	}
	if worked["seccomp"] {
		for _, what := range []string{"create below the folder", "open for writing", "remove", "rename", "make a folder", "change the mode", "make a link", "listen", "dial", "start a program"} {
			if worked[what] {
				t.Errorf("with seccomp it could still %s", what)
			}
		}
	}
	if worked["landlock"] && worked["read elsewhere"] {
		t.Error("with landlock it could still read elsewhere")
	}
	t.Logf("landlock %v, seccomp %v", worked["landlock"], worked["seccomp"])
}

// TestNoInheritance checks that a worker has neither our environment nor our files.
func TestNoInheritance(t *testing.T) {
	t.Setenv("LAKEGATE_PROVIDER_KEY", "TOPSECRET")
	w := start(t, newLake(t), nil)
	if _, err := ask(w, "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	children := workersOf(t, os.Getpid())
	if len(children) != 1 {
		t.Fatalf("%d workers, want 1", len(children))
	}
	env, err := os.ReadFile(children[0] + "/environ")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(env), "TOPSECRET") {
		t.Error("the worker has our environment")
	}
	fds, err := os.ReadDir(children[0] + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		target, _ := os.Readlink(children[0] + "/fd/" + fd.Name())
		if !strings.HasPrefix(target, "pipe:") && !strings.HasPrefix(target, "anon_inode:") && !strings.HasPrefix(target, "/proc/") && !strings.HasPrefix(target, "/sys/") && target != os.DevNull && target != "" {
			t.Errorf("the worker holds %s", target)
		}
	}
}

// TestDeadWorker kills a worker from outside: the next query gets another.
func TestDeadWorker(t *testing.T) {
	w := start(t, newLake(t), nil)
	if _, err := ask(w, "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	for _, c := range workersOf(t, os.Getpid()) {
		var pid int
		if _, err := fmt.Sscanf(c, "/proc/%d", &pid); err != nil {
			t.Fatal(err)
		}
		p, err := os.FindProcess(pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ask(w, "SELECT 1"); err != nil && warehouse.ClassOf(err) != "memory" {
		t.Errorf("got %v", err)
	}
	if _, err := ask(w, "SELECT 1"); err != nil {
		t.Errorf("the query after: %v", err)
	}
}

// parentMark makes the test binary a gateway that starts a worker, says so and waits for its end.
const parentMark = "run-as-parent"

func parent(dir string) {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cfg := warehouse.DefaultConfig()
	cfg.Command, cfg.Dirs, cfg.ScratchDir, cfg.Workers = []string{self, workerMark}, []string{dir}, dir, 1
	if raceEnabled {
		cfg.AddressSpace = 0
	}
	w, err := warehouse.New(cfg, &lake{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	go func() { // a query that no interrupt ends
		_, _ = ask(w, "SELECT levenshtein(repeat(s, 100000), repeat(s || 'b', 100000)) FROM (VALUES ('ab')) AS t(s)")
	}()
	for w.Stats().Running == 0 {
		runtime.Gosched()
	}
	fmt.Println("running")
	select {}
}

// TestDiesWithParent kills a gateway while its worker is deep inside the engine.
func TestDiesWithParent(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, parentMark, t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	workers := workersOf(t, cmd.Process.Pid)
	if len(workers) != 1 {
		t.Errorf("%d workers, want 1", len(workers))
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	for _, w := range workers {
		for deadline := time.Now().Add(10 * time.Second); alive(w); runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatalf("%s outlived its parent", w)
			}
		}
	}
}

// alive reports whether a /proc folder is of a process that still runs.
func alive(proc string) bool {
	status, err := os.ReadFile(proc + "/status")
	return err == nil && !strings.Contains(string(status), "State:\tZ")
}

// workersOf returns the /proc folders of a process's workers.
func workersOf(t *testing.T, parent int) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range all {
		line, err := os.ReadFile(p + "/cmdline")
		if err != nil || !strings.Contains(string(line), workerMark) {
			continue
		}
		status, _ := os.ReadFile(p + "/status")
		if strings.Contains(string(status), fmt.Sprintf("PPid:\t%d\n", parent)) {
			out = append(out, p)
		}
	}
	return out
}
