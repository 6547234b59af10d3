package console

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/secret"
)

const (
	cookieName  = "lakegate_session"
	writeHeader = "X-Lakegate-Console" // other sites can't send it without a CORS preflight
	maxSessions = 10_000
)

// sessions maps the hash of a cookie or of a link to the API key that signed in.
type sessions struct {
	cfg Config
	now func() time.Time

	mu    sync.Mutex
	live  map[[32]byte]session
	links map[[32]byte]session
}

type session struct {
	key     secret.String
	expires time.Time
}

func newSessions(cfg Config, now func() time.Time) *sessions {
	return &sessions{cfg: cfg, now: now, live: map[[32]byte]session{}, links: map[[32]byte]session{}}
}

func newToken() string {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		panic(err) // crypto/rand never fails
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// add remembers key under a new token until ttl has passed.
func (s *sessions) add(m map[[32]byte]session, key secret.String, ttl time.Duration) string {
	token := newToken()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(m) >= maxSessions {
		s.evict(m)
	}
	m[sha256.Sum256([]byte(token))] = session{key, s.now().Add(ttl)}
	return token
}

// evict drops what has expired, or the entry closest to it.
func (s *sessions) evict(m map[[32]byte]session) {
	var oldest [32]byte
	for h, x := range m {
		if !x.expires.After(s.now()) {
			delete(m, h)
			continue
		}
		if o, ok := m[oldest]; !ok || x.expires.Before(o.expires) {
			oldest = h
		}
	}
	if len(m) >= maxSessions {
		delete(m, oldest)
	}
}

func (s *sessions) find(token string) (secret.String, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.live[sha256.Sum256([]byte(token))]
	return x.key, ok && x.expires.After(s.now())
}

func (s *sessions) drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, sha256.Sum256([]byte(token)))
}

// redeem takes a sign-in link; it works once. The key is zero when the link is not good.
func (s *sessions) redeem(token string) secret.String {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := sha256.Sum256([]byte(token))
	x := s.links[h]
	delete(s.links, h)
	if !x.expires.After(s.now()) {
		return secret.String{}
	}
	return x.key
}

// SignInLink returns an address below base, such as http://localhost:8080, that signs in once with
// the key. The token is in the fragment, which browsers don't send to servers or other sites.
func (c *Console) SignInLink(base string, key secret.String) string {
	token := c.sessions.add(c.sessions.links, key, c.cfg.LinkTTL)
	return strings.TrimSuffix(base, "/") + "/ui/#sign-in=" + token
}

// guard refuses writes that a page of another site could have caused, and keeps answers out of caches.
func (c *Console) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(ec echo.Context) error {
		h := ec.Response().Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		r := ec.Request()
		if r.Method != http.MethodGet && r.Header.Get(writeHeader) == "" {
			return reply(ec, apierr.New(apierr.PermissionDenied, "this request needs the header %s", writeHeader))
		}
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "same-origin", "none":
			return next(ec)
		}
		return reply(ec, apierr.New(apierr.PermissionDenied, "this API answers only lakegate's own pages"))
	}
}

type viewerHandler func(ec echo.Context, p inference.Principal) error

// asViewer runs h as the principal of the session.
func (c *Console) asViewer(h viewerHandler) echo.HandlerFunc {
	return func(ec echo.Context) error {
		p, ok := c.viewer(ec)
		if !ok {
			return reply(ec, apierr.New(apierr.Unauthenticated, "sign in first"))
		}
		return h(ec, p)
	}
}

func (c *Console) viewer(ec echo.Context) (inference.Principal, bool) {
	cookie, err := ec.Cookie(cookieName)
	if err != nil {
		return inference.Principal{}, false
	}
	key, ok := c.sessions.find(cookie.Value)
	if !ok {
		return inference.Principal{}, false
	}
	return c.deps.Authenticate(key.Reveal())
}

// signIn takes {"key": API key} or {"link": token of a sign-in link}.
func (c *Console) signIn(ec echo.Context) error {
	var in struct {
		Key  secret.String `json:"key"`
		Link string        `json:"link"`
	}
	if err := readJSON(ec, &in, 64<<10); err != nil {
		return reply(ec, err)
	}
	key, refusal := secret.New(strings.TrimSpace(in.Key.Reveal())), "This API key is not valid."
	if in.Link != "" {
		key = c.sessions.redeem(in.Link)
		refusal = "This sign-in link was used already or has expired. Sign in with an API key."
	}
	p, ok := c.deps.Authenticate(key.Reveal())
	if key.IsZero() || !ok {
		return reply(ec, apierr.New(apierr.Unauthenticated, "%s", refusal))
	}
	token := c.sessions.add(c.sessions.live, key, c.cfg.SessionTTL)
	ec.SetCookie(c.cookie(ec, token, int(c.cfg.SessionTTL/time.Second)))
	return ec.JSON(http.StatusOK, me(p))
}

func (c *Console) cookie(ec echo.Context, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/ui", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: ec.Scheme() == "https",
	}
}

// whoAmI answers null to who isn't signed in: asking is no fault.
func (c *Console) whoAmI(ec echo.Context) error {
	p, ok := c.viewer(ec)
	if !ok {
		return ec.JSON(http.StatusOK, nil)
	}
	return ec.JSON(http.StatusOK, me(p))
}

func (c *Console) signOut(ec echo.Context) error {
	if cookie, err := ec.Cookie(cookieName); err == nil {
		c.sessions.drop(cookie.Value)
	}
	ec.SetCookie(c.cookie(ec, "", -1))
	return ec.NoContent(http.StatusNoContent)
}

// me is what a page shows of who is signed in.
func me(p inference.Principal) any {
	return struct {
		Name string                  `json:"name"`
		Kind inference.PrincipalKind `json:"kind"`
		Key  string                  `json:"key"`
	}{p.Name, p.Kind, p.KeyID}
}
