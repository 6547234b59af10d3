package gemini

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// TestForeignRequests encodes requests, written as the common form, that say what Google's clients
// can't.
func TestForeignRequests(t *testing.T) {
	goldentest.Run(t, "testdata/requests/*.json", func(t *testing.T, in []byte) string {
		var f struct {
			Model   string
			Request chat.Request
		}
		d := json.NewDecoder(bytes.NewReader(in))
		d.DisallowUnknownFields()
		if err := d.Decode(&f); err != nil {
			t.Fatal(err)
		}
		body, lost, err := encodeRequest(&f.Request, chat.Options{Model: f.Model})
		if err != nil {
			return "# refused: " + err.Message + " (at " + err.Param + ")\n"
		}
		return goldentest.Indented(t, body) + goldentest.Lean(lost)
	})
}
