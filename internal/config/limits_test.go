package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAHugeFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lakegate.yaml")
	write(t, path, "listen: :8080\n"+strings.Repeat("# nothing\n", maxFile/10+1))
	_, err := Load(path, env)
	if want := path + ": the file is larger than 8MiB"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Aliases can unfold to more than memory holds. The work and the number of faults stay bounded,
// whether the keys are known or not.
func TestAliasBombsAreRefused(t *testing.T) {
	tag := strings.Repeat("{key: k, value: v}, ", 400)
	unknown := strings.Builder{}
	for i := range 400 {
		fmt.Fprintf(&unknown, "unknown%d: x, ", i)
	}
	for name, first := range map[string]string{
		"known":   "&e {name: a, tags: [" + tag + "]}",
		"unknown": "&e {" + unknown.String() + "}",
	} {
		t.Run(name, func(t *testing.T) {
			text := "endpoints: [" + first + strings.Repeat(", *e", 100_000) + "]\n"
			_, err := Parse([]byte(text), env)
			var faults Faults
			if !errors.As(err, &faults) {
				t.Fatalf("error is %T: %v", err, err)
			}
			why := fmt.Sprintf("line 1: with its aliases, the file has more than %d values", maxValues)
			if name == "known" && !strings.Contains(err.Error(), why) {
				t.Errorf("no fault says why; the first is %v", faults[0])
			}
			if n := strings.Count(err.Error(), "\n"); n > maxFaults {
				t.Errorf("the text has %d lines", n+1)
			}
		})
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("[", 1_000_000), strings.Repeat("{a: ", 1_000_000),
		"endpoints: " + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000),
	} {
		var faults Faults
		if _, err := Parse([]byte(text), env); !errors.As(err, &faults) {
			t.Errorf("error is %T: %.200v", err, err)
		}
	}
}

func TestAFileThatIsNotThere(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"), env)
	var faults Faults
	if !errors.Is(err, os.ErrNotExist) || errors.As(err, &faults) {
		t.Errorf("got %v", err)
	}
}

func TestFaultsSayWhere(t *testing.T) {
	for want, f := range map[string]Fault{
		"a.yaml:3: keys[0].name: bad": {File: "a.yaml", Line: 3, Path: "keys[0].name", Message: "bad"},
		"a.yaml: bad":                 {File: "a.yaml", Message: "bad"},
		"line 3: bad":                 {Line: 3, Message: "bad"},
		"data: bad":                   {Path: "data", Message: "bad"},
		"bad":                         {Message: "bad"},
	} {
		if got := f.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What a file does not say comes from DefaultConfig, which therefore has to pass its own checks.
func TestDefaultsAreValid(t *testing.T) {
	c, err := Parse([]byte("keys: []\n"), env)
	must(t, err)
	d := DefaultConfig()
	if c.Listen != d.Listen || c.SQL != d.SQL || c.HTTP != d.HTTP || c.Log != d.Log || c.Flush != d.Flush ||
		c.Lake != d.Lake || c.Maintenance != d.Maintenance || c.Retention != d.Retention {
		t.Errorf("got %+v, want the defaults %+v", c, d)
	}
	if d.Log.SyncInterval > time.Second {
		t.Errorf("relaxed rows stay off the disk for %v", d.Log.SyncInterval)
	}
}
