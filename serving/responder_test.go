package serving

import (
	"strings"
	"testing"
)

func TestFieldList(t *testing.T) {
	if got := fieldList([]string{"seed", "messages[0].\r\nX-Evil: 1", "größe"}); got != "seed, messages[0].??X-Evil: 1, gr??e" {
		t.Errorf("%q", got)
	}
	if got := fieldList(strings.Split(strings.Repeat("field ", 2000), " ")); len(got) > 3<<10 || !strings.HasSuffix(got, ", ...") {
		t.Errorf("%d bytes", len(got))
	}
}
