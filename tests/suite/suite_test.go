package suite_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/tests/suite"
)

func TestSummaryAndStatus(t *testing.T) {
	for _, c := range []struct {
		name   string
		play   func(*suite.Suite)
		status int
		says   string
	}{
		{"nothing at all", func(*suite.Suite) {}, 1, "s: 0 passed, 0 failed\n"},
		{"passed", func(s *suite.Suite) { s.Check("a", nil) }, 0, "s: 1 passed, 0 failed\n"},
		{"failed", func(s *suite.Suite) { s.Check("a", errors.New("too few")) }, 1, "FAILED a: too few\ns: 0 passed, 1 failed\n"},
		{"skipped", func(s *suite.Suite) { s.Skip("node", "not installed") }, 0, "SKIPPED node: not installed\ns: 0 passed, 0 failed, 1 SKIPPED\n"},
		{"skipped where all must run", func(s *suite.Suite) {
			s.MustRun = true
			s.Skip("node", "not installed")
		}, 1, "s: 0 passed, 1 failed\n"},
	} {
		var b bytes.Buffer
		s := &suite.Suite{Name: "s", Out: &b}
		c.play(s)
		if got := s.Finish(); got != c.status || !strings.HasSuffix(b.String(), c.says) {
			t.Errorf("%s: status %d, %q", c.name, got, b.String())
		}
	}
}
