package wal

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// crashChild appends from several goroutines for ever and prints each record once it was
// acknowledged, in one write of its own. It never returns.
func crashChild(dir string) {
	l, _, err := Open(dir, Config{SyncInterval: time.Millisecond})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var out sync.Mutex
	for g := range 4 {
		go func() {
			for i := 0; ; i++ {
				payload := fmt.Sprintf("%d.%d.%d.", os.Getpid(), g, i) + strings.Repeat("z", i*37%3000)
				pos, err := l.Append(byte(g), []byte(payload))
				if err == nil && i%20 == 0 {
					err = l.Sync(pos)
				}
				if err == nil && i%100 == 99 {
					_, err = l.Rotate()
				}
				out.Lock()
				if err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				fmt.Printf("%.*s\n", strings.LastIndexByte(payload, '.'), payload)
				out.Unlock()
			}
		}()
	}
	select {}
}

// A process that is killed at any moment has lost no record it acknowledged.
func TestKilledProcessLosesNothing(t *testing.T) {
	dir := t.TempDir()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	acked := map[string]bool{}
	for range 8 {
		killAfter(t, dir, 50+rnd.IntN(2000), acked)
		v, r, err := OpenView(dir)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		c := v.Cursor()
		for e, err := range c.Scan(Pos{}, v.End()) {
			if err != nil {
				t.Fatal(err)
			}
			key := string(e.Payload[:strings.LastIndexByte(string(e.Payload), '.')])
			if seen[key] {
				t.Fatalf("%s is there twice", key)
			}
			seen[key] = true
		}
		c.Close()
		v.Close()
		for key := range acked {
			if !seen[key] {
				t.Fatalf("%s was acknowledged and is lost; recovery %+v", key, r)
			}
		}
	}
	t.Logf("%d records acknowledged", len(acked))
}

// killAfter runs a child and kills it once it has acknowledged n records; what it managed to
// acknowledge meanwhile counts too.
func killAfter(t *testing.T, dir string, n int, acked map[string]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "WAL_CRASH_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for i := 0; ; i++ {
		if i == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil || strings.HasPrefix(line, "error") {
			cmd.Process.Kill()
			t.Fatalf("child: %s%v", line, err)
		}
		acked[strings.TrimSpace(line)] = true
	}
	_ = cmd.Wait() // it was killed
}
