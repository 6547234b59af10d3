package config

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0": 0, "17": 17, "17B": 17, "1kB": 1000, "1KB": 1000, "1KiB": 1024, "10 MB": 10_000_000, "64MiB": 64 * MiB,
		"3GiB": 3 * GiB, "2TiB": 2 * TiB, "2TB": 2e12, "9223372036854775807": math.MaxInt64,
	} {
		got, err := ParseBytes(text)
		if err != nil || got != want {
			t.Errorf("ParseBytes(%q) = %d, %v; want %d", text, got, err, want)
		}
		if back, err := ParseBytes(got.String()); err != nil || back != got {
			t.Errorf("%q is written %q, which reads %d, %v", text, got, back, err)
		}
	}
	for _, text := range []string{"", "B", "MiB", "-1", "+1", "1.5MiB", "1 000", "1mib", "1M", "9223372036854775808", "9007199254740992KiB", "0x10", " 1", "1  x"} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("ParseBytes(%q) = %d, want an error", text, got)
		}
	}
}

func TestShort(t *testing.T) {
	for want, v := range map[string]any{
		"0s": 0 * time.Second, "10s": 10 * time.Second, "10m": 10 * time.Minute, "10m5s": 605 * time.Second, "1h": time.Hour,
		"10h": 10 * time.Hour, "1h20m": 80 * time.Minute, "20ms": 20 * time.Millisecond, "10m0s": "10m0s", "100": 100,
	} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %s, want %s", v, got, want)
		}
	}
}

func TestExpand(t *testing.T) {
	vars := func(name string) (string, bool) {
		v, ok := map[string]string{"A": "1", "B_2": "${A}", "E": ""}[name]
		return v, ok
	}
	for text, want := range map[string]string{
		"": "", "x": "x", "$": "$", "$A": "$A", "${A}": "1", "<${A}${A}>": "<11>", "${E}": "", "a$${A}b": "a${A}b", "$$${A}": "$${A}",
		"${B_2}": "${A}", "$$": "$$", "$${": "${", "100$": "100$", "{A}": "{A}", "$ {A}": "$ {A}",
	} {
		got, unset, err := expand(text, vars)
		if got != want || unset != nil || err != nil {
			t.Errorf("expand(%q) = %q, %v, %v; want %q", text, got, unset, err, want)
		}
	}
	for _, text := range []string{"${", "${A", "${}", "${ A}", "${A:-x}", "${1}", "${ä}", "x${A}${"} {
		if got, _, err := expand(text, vars); err == nil {
			t.Errorf("expand(%q) = %q, want an error", text, got)
		}
	}
	if _, unset, err := expand("${X}${A}${Y}", vars); err != nil || strings.Join(unset, " ") != "X Y" {
		t.Errorf("unset: %v, %v", unset, err)
	}
}

func TestNearest(t *testing.T) {
	candidates := []string{"listen", "data", "endpoints", "usage_tracking_config", "config"}
	for name, want := range map[string]string{
		"lisen": "listen", "Listen": "listen", "lsiten": "listen", "endpoint": "endpoints", "end-points": "endpoints",
		"usage_tracking": "usage_tracking_config", "confg": "config", "con": "", "colour": "", "": "", "d": "", "date": "data",
	} {
		if got, ok := nearest(name, candidates); got != want || ok != (want != "") {
			t.Errorf("nearest(%q) = %q, %v; want %q", name, got, ok, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, x := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"abc", "abd", 1},
		{"abc", "acb", 1},
		{"abcd", "bcd", 1},
		{"kitten", "sitting", 3},
	} {
		if got := distance(x.a, x.b); got != x.want {
			t.Errorf("distance(%q, %q) = %d, want %d", x.a, x.b, got, x.want)
		}
	}
}
