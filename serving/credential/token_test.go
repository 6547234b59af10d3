package credential

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestATokenIsFetchedOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &tokens{takes: time.Second, lasts: 3600}
		a := NewSet(server.client()).Entra(entra)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if got := token(t, a); got != "token-1" {
					t.Errorf("got %s", got)
				}
			})
		}
		all.Wait()
		if server.calls() != 1 {
			t.Errorf("%d calls of the token server, want 1", server.calls())
		}
	})
}

func TestNobodyWaitsForARefreshWhileTheTokenIsValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &tokens{takes: 10 * time.Second, lasts: 3600}
		a := NewSet(server.client()).Entra(entra)
		token(t, a)
		time.Sleep(56 * time.Minute) // within the last five minutes
		start := time.Now()
		if got := token(t, a); got != "token-1" || time.Since(start) > 0 {
			t.Errorf("got %s after %v, want the old one at once", got, time.Since(start))
		}
		time.Sleep(11 * time.Second)
		if got := token(t, a); got != "token-2" || server.calls() != 2 {
			t.Errorf("got %s after %d calls, want the new one", got, server.calls())
		}
		time.Sleep(2 * time.Hour) // nobody used it
		if got := token(t, a); got != "token-3" {
			t.Errorf("got %s, want a fresh one", got)
		}
	})
}

// Without requests nothing runs: synctest fails if a goroutine is left.
func TestNothingRunsWithoutRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &tokens{lasts: 3600}
		token(t, NewSet(server.client()).Entra(entra))
		time.Sleep(24 * time.Hour)
		if server.calls() != 1 {
			t.Errorf("%d calls, want 1", server.calls())
		}
	})
}

func TestAFailedRefreshLeavesTheOldToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &tokens{lasts: 3600}
		a := NewSet(server.client()).Entra(entra)
		token(t, a)
		server.set(errors.New("refused"), "")
		time.Sleep(56 * time.Minute)
		for range 200 { // until it ends
			if got := token(t, a); got != "token-1" {
				t.Fatalf("got %s", got)
			}
			time.Sleep(time.Second)
		}
		if n := server.calls(); n < 6 || n > 15 {
			t.Errorf("%d calls of the token server in 200 s, want one in up to 30 s", n)
		}
		time.Sleep(30 * time.Minute)
		_, err := use(t, a)
		var e *Error
		if !errors.As(err, &e) || e.Error() != "Microsoft Entra gave no credential: it can't be reached: refused" {
			t.Errorf("error = %v", err)
		}
		server.set(nil, "")
		time.Sleep(lastPause)
		if got := token(t, a); !strings.HasPrefix(got, "token-") || got == "token-1" {
			t.Errorf("got %s once the server was back", got)
		}
	})
}

func TestRequestsDoNotHammerATokenServerThatRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &tokens{lasts: 3600, says: `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1"}`}
		a := NewSet(server.client()).Entra(entra)
		for range 100 {
			_, err := use(t, a)
			const want = "Microsoft Entra gave no credential: it answered with status 401 Unauthorized: invalid_client, AADSTS7000215: Invalid client secret provided."
			if err == nil || err.Error() != want {
				t.Fatalf("error = %v", err)
			}
		}
		if server.calls() != 1 {
			t.Errorf("%d calls, want 1", server.calls())
		}
	})
}

func TestAnswersThatAreNoTokens(t *testing.T) {
	for body, want := range map[string]string{
		`<html>` + hidden: "it answered with status 401 Unauthorized",
		`{"error":"x"}`:   "it answered with status 401 Unauthorized: x",
	} {
		_, err := use(t, NewSet((&tokens{says: body}).client()).Entra(entra))
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A token that was revoked is replaced, but one that the provider never takes is not fetched for
// each request.
func TestARefusedTokenIsFetchedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &tokens{takes: time.Second, lasts: 3600}
		a := NewSet(server.client()).Entra(entra)
		a.Refused() // before there is one
		token(t, a)
		for range 240 {
			a.Refused()
			token(t, a)
			time.Sleep(time.Second)
		}
		if n := server.calls(); n < 3 || n > 5 {
			t.Errorf("%d calls of the token server in four minutes of refusals", n)
		}
		if got := token(t, a); got == "token-1" {
			t.Error("the refused token is still in use")
		}
	})
}

// A request that leaves takes nobody's token with it.
func TestARequestThatLeavesDoesNotStopTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &tokens{takes: 5 * time.Second, lasts: 3600}
		a := NewSet(server.client()).Entra(entra)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := applyWithin(ctx, a); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v", err)
		}
		if got := token(t, a); got != "token-1" || server.calls() != 1 {
			t.Errorf("got %s after %d calls", got, server.calls())
		}
	})
}

func TestAServerThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := use(t, NewSet((&tokens{takes: time.Hour}).client()).Entra(entra))
		if err == nil || !strings.HasSuffix(err.Error(), "it did not answer in time") || time.Since(start) != fetchTimeout {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestATokenThatIsTooShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &tokens{lasts: 5}
		a := NewSet(server.client()).Entra(entra)
		for range 10 {
			if _, err := use(t, a); err == nil || !strings.Contains(err.Error(), "only") {
				t.Fatalf("error = %v", err)
			}
		}
		if server.calls() != 1 {
			t.Errorf("%d calls, want 1", server.calls())
		}
	})
}

// A new catalog goes on with the tokens of the old one, where the account is the same.
func TestAReloadKeepsTokens(t *testing.T) {
	server := &tokens{lasts: 3600}
	first := NewSet(server.client())
	token(t, first.Entra(entra))
	if first.Entra(entra) != first.Entra(entra) {
		t.Error("two credentials for one account")
	}
	second := first.Next()
	if got := token(t, second.Entra(entra)); got != "token-1" {
		t.Errorf("got %s, want the token of the catalog before", got)
	}
	other := entra
	other.Client = "app-2"
	if got := token(t, second.Entra(other)); got != "token-2" {
		t.Errorf("got %s, want another account's own", got)
	}
	if third := second.Next().Next(); token(t, third.Entra(entra)) != "token-3" {
		t.Error("a credential that a catalog did not use is kept")
	}
}

func TestEntraAsks(t *testing.T) {
	for authority, want := range map[string][2]string{
		"":                                  {"https://login.microsoftonline.com/contoso/oauth2/v2.0/token", "https://cognitiveservices.azure.com/.default"},
		"https://login.microsoftonline.us/": {"https://login.microsoftonline.us/contoso/oauth2/v2.0/token", "https://cognitiveservices.azure.us/.default"},
		"https://login.partner.microsoftonline.cn": {"https://login.partner.microsoftonline.cn/contoso/oauth2/v2.0/token", "https://cognitiveservices.azure.cn/.default"},
	} {
		server := &tokens{lasts: 3600}
		e := entra
		e.Authority = authority
		a := NewSet(server.client()).Entra(e)
		token(t, a)
		q := server.asked[0]
		if q.url != want[0] || q.form.Get("scope") != want[1] || q.form.Get("grant_type") != "client_credentials" ||
			q.form.Get("client_id") != "app" || q.form.Get("client_secret") != hidden+"secret" {
			t.Errorf("%q: %+v", authority, q)
		}
		if got := strings.Join(a.Secrets(), " "); got != hidden+"secret "+hidden+"token-1" {
			t.Errorf("secrets = %s", got)
		}
	}
}

func TestGoogleAsks(t *testing.T) {
	account, err := ParseServiceAccount(document(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	server := &tokens{lasts: 3600}
	a := NewSet(server.client()).ServiceAccount(account)
	if got := token(t, a); got != "token-1" {
		t.Errorf("got %s", got)
	}
	q := server.asked[0]
	if q.url != "https://tokens.example/token" || q.form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		t.Errorf("asked %+v", q)
	}
	parts := strings.Split(q.form.Get("assertion"), ".")
	if len(parts) != 3 {
		t.Fatalf("assertion has %d parts", len(parts))
	}
	var claims struct{ Iss, Scope, Aud string }
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil || claims.Iss != account.Email || claims.Scope != googleScope || claims.Aud != account.TokenURL {
		t.Errorf("claims %+v, %v", claims, err)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&rsaKey().PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		t.Error(err)
	}
}

func TestServiceAccountsAreChecked(t *testing.T) {
	if _, err := ParseServiceAccount(document(t, map[string]string{"token_uri": ""})); err != nil {
		t.Errorf("without token_uri: %v", err)
	}
	for _, change := range []map[string]string{
		{"type": "authorized_user"},
		{"client_email": ""},
		{"private_key": ""},
		{"private_key": hidden},
		{"private_key": "-----BEGIN PRIVATE KEY-----\naHVudGVyMi0=\n-----END PRIVATE KEY-----\n"},
		{"token_uri": hidden},
	} {
		if _, err := ParseServiceAccount(document(t, change)); err == nil || strings.Contains(err.Error(), hidden) {
			t.Errorf("%v: %v", change, err)
		}
	}
}
