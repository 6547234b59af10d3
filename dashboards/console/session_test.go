package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
)

func TestSessionCookie(t *testing.T) {
	f := newFixture(t)
	a := f.call("POST", "/ui/api/session", `{"key":" ann-key\n"}`, writeHeader, "1")
	f.want(a, 200, `"name":"ann"`, `"key":"k1"`)
	c := a.header.Get("Set-Cookie")
	for _, want := range []string{"lakegate_session=", "Path=/ui", "HttpOnly", "SameSite=Strict", "Max-Age=43200"} {
		if !strings.Contains(c, want) {
			t.Errorf("the cookie %q lacks %s", c, want)
		}
	}
	if strings.Contains(c, "ann-key") || strings.Contains(c, "Secure") {
		t.Errorf("the cookie %q holds the key, or is Secure over http", c)
	}
	f.e.SchemeExtractor = func(*http.Request) string { return "https" }
	over := f.call("POST", "/ui/api/session", `{"key":"ann-key"}`, writeHeader, "1")
	if !strings.Contains(over.header.Get("Set-Cookie"), "Secure") {
		t.Error("the cookie is not Secure over https")
	}
}

func TestSessionsEnd(t *testing.T) {
	f := newFixture(t)
	f.want(f.call("POST", "/ui/api/session", `{"key":"wrong"}`, writeHeader, "1"), 401, "not valid")
	f.want(f.call("POST", "/ui/api/session", `{}`, writeHeader, "1"), 401)
	f.want(f.ui("lakegate_session=guess", "GET", "/dashboards", ""), 401)
	f.want(f.ui("", "GET", "/session", ""), 200, "null")

	left := f.signIn("ann-key")
	f.want(f.ui(left, "GET", "/session", ""), 200, "ann")
	f.want(f.ui(left, "DELETE", "/session", ""), 204)
	f.want(f.ui(left, "GET", "/dashboards", ""), 401)

	revoked := f.signIn("bob-key")
	delete(f.keys, "bob-key")
	f.want(f.ui(revoked, "GET", "/dashboards", ""), 401)

	old := f.signIn("ann-key")
	f.now = f.now.Add(11*time.Hour + 59*time.Minute)
	f.want(f.ui(old, "GET", "/dashboards", ""), 200)
	f.now = f.now.Add(time.Minute)
	f.want(f.ui(old, "GET", "/dashboards", ""), 401)
}

func TestSignInLinkWorksOnce(t *testing.T) {
	f := newFixture(t)
	link := f.c.SignInLink("http://localhost:8080/", secret.New("ann-key"))
	token, ok := strings.CutPrefix(link, "http://localhost:8080/ui/#sign-in=")
	if !ok || strings.Contains(link, "ann-key") {
		t.Fatalf("link %q", link)
	}
	body := `{"link":"` + token + `"}`
	f.want(f.call("POST", "/ui/api/session", body, writeHeader, "1"), 200, `"name":"ann"`)
	f.want(f.call("POST", "/ui/api/session", body, writeHeader, "1"), 401, "used already")

	late := f.c.SignInLink("http://localhost:8080", secret.New("ann-key"))
	_, token, _ = strings.Cut(late, "#sign-in=")
	f.now = f.now.Add(25 * time.Hour)
	f.want(f.call("POST", "/ui/api/session", `{"link":"`+token+`"}`, writeHeader, "1"), 401)
}

func TestOtherSitesCannotWrite(t *testing.T) {
	f := newFixture(t)
	cookie := f.signIn("ann-key")
	f.want(f.call("POST", "/ui/api/session", `{"key":"ann-key"}`), 403, writeHeader)
	f.want(f.call("DELETE", "/ui/api/dashboards/x", "", "Cookie", cookie), 403)
	f.want(f.call("POST", "/ui/api/dashboards", "{}", "Cookie", cookie, writeHeader, "1", "Sec-Fetch-Site", "cross-site"), 403)
	f.want(f.call("GET", "/ui/api/dashboards", "", "Cookie", cookie, "Sec-Fetch-Site", "same-site"), 403)
	a := f.call("GET", "/ui/api/dashboards", "", "Cookie", cookie, "Sec-Fetch-Site", "same-origin")
	f.want(a, 200)
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("headers %v", a.header)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	f := newFixture(t)
	first := f.signIn("ann-key")
	s := f.c.sessions
	for i := 0; i < maxSessions; i++ {
		f.now = f.now.Add(time.Millisecond)
		s.add(s.live, secret.New("ann-key"), time.Hour*13)
	}
	if n := len(s.live); n > maxSessions {
		t.Fatalf("%d sessions are kept", n)
	}
	f.want(f.ui(first, "GET", "/dashboards", ""), http.StatusUnauthorized)
}
