package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// TestKeysRotate: a key that is of no use rests, and the call goes on with the next; the row says
// which it was, and nobody sees the key itself.
func TestKeysRotate(t *testing.T) {
	var used []string
	set := func(l *lab, e *endpoint.Endpoint) {
		e.Entities[0].MoreKeys = []secret.String{secret.New("Bearer sk-second"), secret.New("Bearer sk-third")}
		l.parts.Transport.(*playbook).onAsk = func(r *http.Request) {
			used = append(used, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer sk-"))
		}
	}
	quota := status(429).with("Retry-After: 30")
	leaky := step{status: 401, pieces: []any{`{"error":{"message":"bad key sk-second"}}`}}
	steps := map[string][]step{"a": {says(answer), quota, says(answer), leaky, says(answer), quota, says(answer), status(500), quota, quota, quota}}
	scripted(t, steps, set, func(t *testing.T, l *lab, _ *playbook) {
		for i, want := range []struct {
			wait           time.Duration
			attempts, used string
			status         int
		}{
			{0, "a 200 <- key 1 of 3", "upstream-key", 200},
			{0, "a 429 provider answered 429 <- key 1 of 3\na 200 <- key 1: provider answered 429; key 2 of 3", "upstream-key second", 200},
			{0, "a 401 provider answered 401 <- key 2 of 3\na 200 <- key 2: provider answered 401; key 3 of 3", "second third", 200},
			{30 * time.Second, "a 429 provider answered 429 <- key 3 of 3\na 200 <- key 3: provider answered 429; key 1 of 3", "third upstream-key", 200},
			{0, "a 500 provider answered 500 <- key 1 of 3", "upstream-key", 500},
			{0, "a 429 provider answered 429 <- key 1 of 3\na 429 provider answered 429 <- key 1: provider answered 429; key 2 of 3\na 429 provider answered 429 <- key 2: provider answered 429; key 3 of 3", "upstream-key second third", 429},
		} {
			time.Sleep(want.wait)
			used = nil
			c := l.do(ask)
			if got := strings.Join(used, " "); l.last() != want.attempts || got != want.used || c.head.Status != want.status {
				t.Errorf("call %d: %d by %s\n%s\nwant %d by %s\n%s", i, c.head.Status, got, l.last(), want.status, want.used, want.attempts)
			}
		}
		for _, r := range l.recorder.Records() {
			if strings.Contains(asText(r), "sk-") {
				t.Errorf("a key is in a row: %s", asText(r))
			}
		}
	})
}
