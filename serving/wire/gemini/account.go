package gemini

import (
	"slices"
	"strings"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// account notes what an answer used while its pieces go by, whole or streamed.
type account struct {
	model   string
	usage   []byte   // the last usageMetadata with counts
	queries []string // different searches, in the order they came
}

// maxQueries bounds how many searches are told apart.
const maxQueries = 1000

func (a *account) noteModel(k rawjson.Kind, v []byte) {
	if k == rawjson.String && len(v) > 2 && string(v[1:len(v)-1]) != a.model {
		a.model = rawjson.Unquote(v)
	}
}

func (a *account) noteUsage(object []byte) {
	if hasCounts(object) {
		a.usage = append(a.usage[:0], object...)
	}
}

// noteGrounding collects the searches of a groundingMetadata.
func (a *account) noteGrounding(object []byte) {
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		if k != rawjson.Array || string(name) != "webSearchQueries" && string(name) != "imageSearchQueries" {
			return true
		}
		c := rawjson.Walk(v)
		for ok := c.Enter(); ok; ok = c.Next() {
			kind := c.Kind()
			q := rawjson.Unquote(c.Take())
			if kind == rawjson.String && q != "" && len(a.queries) < maxQueries && !slices.Contains(a.queries, q) {
				a.queries = append(a.queries, q)
			}
		}
		return true
	})
}

// result returns the usage as far as it is known; Searches may be there without counts.
func (a *account) result() (inference.Usage, bool) {
	u, ok := ParseUsage(a.usage)
	if n := int64(len(a.queries)); n > 0 {
		if strings.HasPrefix(a.model, "gemini-1") || strings.HasPrefix(a.model, "gemini-2") {
			n = 1 // billed by the grounded call, however many searches it took
		}
		u.Searches = &n
	}
	return u, ok
}
