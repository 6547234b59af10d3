package auth

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/inference"
)

func keys(t *testing.T, specs ...Spec) *Keys {
	t.Helper()
	k, err := NewKeys(specs)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestLookup(t *testing.T) {
	token, hash := NewToken()
	other, otherHash := NewToken()
	tags := map[string]string{"team": "search"}
	k := keys(
		t,
		Spec{Name: "search", Hash: hash, Principal: inference.Principal{Name: "s@example.com", KeyTags: tags}, Endpoints: []string{"chat"}},
		Spec{Name: "batch", Hash: "sha256:" + strings.ToUpper(otherHash[7:]), Principal: inference.Principal{Name: "b", Kind: inference.ServicePrincipal}, Admin: true},
	)
	got, ok := k.Lookup(token)
	if !ok || got.Name != "search" || got.Principal.KeyID != "search" || got.Principal.Kind != inference.User || got.Admin {
		t.Errorf("Lookup = %+v, %v", got, ok)
	}
	if tags["team"] = "changed"; got.Principal.KeyTags["team"] != "search" {
		t.Error("the key shares its tags with the spec")
	}
	if got, ok := k.Lookup(other); !ok || got.Name != "batch" || got.Principal.Kind != inference.ServicePrincipal || !got.Admin {
		t.Errorf("Lookup = %+v, %v", got, ok)
	}
	for _, wrong := range []string{"", " ", token + " ", token[:len(token)-1], strings.ToUpper(token), hash, "Bearer " + token, strings.Repeat("x", 1<<20)} {
		if got, ok := k.Lookup(wrong); ok {
			t.Errorf("Lookup(%.60q) = %+v", wrong, got)
		}
	}
	if all := k.All(); len(all) != 2 || all[0].Name != "batch" || all[1].Name != "search" {
		t.Errorf("All = %v", all)
	}
}

// The hash of the empty token, in a file, must not let in whoever sends none.
func TestTheEmptyTokenIsNobody(t *testing.T) {
	k := keys(t, Spec{Name: "a", Hash: HashToken("")})
	if got, ok := k.Lookup(""); ok {
		t.Errorf("Lookup = %+v", got)
	}
	if _, ok := keys(t).Lookup("x"); ok {
		t.Error("a key out of nothing")
	}
}

func TestNewKeysRefuses(t *testing.T) {
	good := HashToken("x")
	for name, specs := range map[string][]Spec{
		"no name":       {{Hash: good}},
		"no hash":       {{Name: "a"}},
		"no prefix":     {{Name: "a", Hash: strings.TrimPrefix(good, "sha256:")}},
		"short hash":    {{Name: "a", Hash: good[:len(good)-2]}},
		"long hash":     {{Name: "a", Hash: good + "00"}},
		"no digits":     {{Name: "a", Hash: good[:len(good)-1] + "g"}},
		"same name":     {{Name: "a", Hash: good}, {Name: "a", Hash: HashToken("y")}},
		"same hash":     {{Name: "a", Hash: good}, {Name: "b", Hash: good}},
		"token as hash": {{Name: "a", Hash: "lg-the-token-itself"}},
	} {
		_, err := NewKeys(specs)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if strings.Contains(err.Error(), "lg-") {
			t.Errorf("%s: the error shows what may be a token: %v", name, err)
		}
	}
}

func TestNewToken(t *testing.T) {
	seen := map[string]bool{}
	digits := map[rune]int{}
	const rounds = 500
	for range rounds {
		token, hash := NewToken()
		random, ok := strings.CutPrefix(token, "lg-")
		if !ok || len(random) < 40 || strings.Trim(random, base62) != "" {
			t.Fatalf("token %q", token)
		}
		if hash != HashToken(token) || seen[token] {
			t.Fatalf("hash %q, or the same token twice", hash)
		}
		seen[token] = true
		for _, r := range random {
			digits[r]++
		}
	}
	// 500 tokens have 21500 digits, 347 of each kind. A wrong alphabet or a fixed digit is far off.
	for _, r := range base62 {
		if n := digits[r]; n < 200 || n > 500 {
			t.Errorf("digit %c occurs %d times", r, n)
		}
	}
}

func TestHashToken(t *testing.T) {
	// From coreutils' sha256sum.
	if got := HashToken("abc"); got != "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Error(got)
	}
}

func TestMayCall(t *testing.T) {
	token, hash := NewToken()
	for _, x := range []struct {
		patterns string
		endpoint string
		want     bool
	}{
		{"chat", "chat", true},
		{"chat", "Chat", false},
		{"chat", "chat2", false},
		{"chat", "achat", false},
		{"chat", "", false},
		{"", "chat", false},
		{"*", "chat", true},
		{"*", "", true},
		{"a,chat,b", "chat", true},
		{"chat-*", "chat-eu", true},
		{"chat-*", "chat-", true},
		{"chat-*", "chat", false},
		{"*-eu", "chat-eu", true},
		{"*-eu", "chat-eu-2", false},
		{"c*t", "ct", true},
		{"c*t", "c", false},
		{"c*c", "c", false},
		{"a*b*c", "abc", true},
		{"a*b*c", "axxbyybzzc", true},
		{"a*b*c", "acb", false},
		{"**", "x", true},
		{"a*a", "aa", true},
		{"a*ab*b", "aab", false},
		{"a*ab*b", "aabb", true},
		{".", "x", false},
		{"?", "x", false},
		{"[a-z]", "x", false},
	} {
		spec := Spec{Name: "k", Hash: hash, Admin: true}
		if x.patterns != "" {
			spec.Endpoints = strings.Split(x.patterns, ",")
		}
		k, _ := keys(t, spec).Lookup(token)
		if got := k.MayCall(x.endpoint); got != x.want {
			t.Errorf("%q may call %q: %v", x.patterns, x.endpoint, got)
		}
	}
}

func TestMayRead(t *testing.T) {
	token, hash := NewToken()
	for _, x := range []struct {
		admin    bool
		patterns []string
		table    string
		want     bool
	}{
		{true, nil, "main.ai.chat_payload", true},
		{false, nil, "system.serving.endpoint_usage", false},
		{false, []string{"system.serving.*"}, "system.serving.endpoint_usage", true},
		{false, []string{"System.Serving.*"}, "system.SERVING.endpoint_usage", true},
		{false, []string{"system.serving.*"}, "system.servings.x", false},
		{false, []string{"system.serving.*"}, "system.serving", false},
		{false, []string{"main.ai.chat_payload"}, "main.ai.chat_payload", true},
		{false, []string{"main.ai.chat_payload"}, "main.ai.chat_payloads", false},
		{false, []string{"main.ai.chat_payload"}, "mainxai.chat_payload", false},
		{false, []string{"*"}, "main.ai.chat_payload", true},
		{false, []string{"*_payload"}, "main.ai.chat_payload", true},
	} {
		k, _ := keys(t, Spec{Name: "k", Hash: hash, Admin: x.admin, Tables: x.patterns}).Lookup(token)
		if got := k.MayRead(x.table); got != x.want {
			t.Errorf("admin=%v %q may read %q: %v", x.admin, x.patterns, x.table, got)
		}
	}
}

// A pattern with many stars must not take the time of all ways to match it.
func TestMatchIsNotExponential(t *testing.T) {
	if match(strings.Repeat("a*", 200)+"b", strings.Repeat("a", 20_000)) {
		t.Error("matched")
	}
}

func BenchmarkLookup(b *testing.B) {
	var specs []Spec
	var token string
	for i := range 1000 {
		t, h := NewToken()
		token = t
		specs = append(specs, Spec{Name: fmt.Sprint(i), Hash: h})
	}
	k, err := NewKeys(specs)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := k.Lookup(token); !ok {
			b.Fatal("not found")
		}
	}
}
