package gateway

import (
	"testing"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// A credential is taken out of a provider's error however the provider writes it.
func TestScrub(t *testing.T) {
	e := &endpoint.Entity{AuthHeader: "Authorization", AuthValue: secret.New(`Bearer a/"b"\c<d>`)}
	for in, want := range map[string]string{
		`the key a/"b"\c<d> is wrong`:                     `the key [redacted] is wrong`,
		`{"message":"the key a/\"b\"\\c<d> is wrong"}`:    `{"message":"the key [redacted] is wrong"}`,
		`{"message":"the key a\/\"b\"\\c<d> is wrong"}`:   `{"message":"the key [redacted] is wrong"}`,
		`{"message":"a/\"b\"\\c\u003cd\u003e, is wrong"}`: `{"message":"[redacted], is wrong"}`,
		`{"message":"some other text"}`:                   `{"message":"some other text"}`,
		``:                                                ``,
	} {
		if got := string(scrub([]byte(in), e)); got != want {
			t.Errorf("%s became %s", in, got)
		}
	}
	e.AuthValue = secret.New("Bearer short")
	if got := string(scrub([]byte("short of money"), e)); got != "short of money" {
		t.Errorf("what is too short to be a key is no credential: %s", got)
	}
}
