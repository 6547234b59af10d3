package config

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// FuzzParse: whatever the file, Parse answers with a Config that compiles or with faults that
// say something, and no secret shows.
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"bad", "good"} {
		for _, path := range files(f, dir) {
			data, err := os.ReadFile(path)
			must(f, err)
			f.Add(data)
		}
	}
	const secretText = "zq9-the-secret-zq9"
	env := func(name string) (string, bool) { return secretText, len(name)%2 == 0 }
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data, env)
		if err == nil {
			if _, err := c.Catalog(endpoint.Memory{}, time.Unix(0, 0), credential.NewSet(nil)); err != nil {
				t.Errorf("the catalog does not compile: %v", err)
			}
			if _, err := c.AuthKeys(); err != nil {
				t.Errorf("the keys do not compile: %v", err)
			}
			return
		}
		var faults Faults
		if c != nil || !errors.As(err, &faults) || len(faults) == 0 {
			t.Fatalf("Parse = %v, %v", c, err)
		}
		if strings.Contains(err.Error(), secretText) {
			t.Errorf("a value of the environment is shown: %v", err)
		}
		for i, x := range faults {
			if x.Message == "" || strings.ContainsAny(x.String(), "\n\r\x00") {
				t.Errorf("fault without a message, or of several lines: %q", x.String())
			}
			if i > 0 && x.Line < faults[i-1].Line {
				t.Errorf("faults are not sorted")
			}
		}
	})
}
