package main

import (
	"slices"
	"testing"
	"time"
)

func TestForPeople(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.00 KiB", 10_235: "10.0 KiB", 1<<20 - 1: "1.00 MiB", 130 << 20: "130 MiB", 5 << 40: "5.00 TiB", 1 << 62: "4096 PiB",
	} {
		if got := humanBytes(n); got != want {
			t.Errorf("%d bytes: %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := humanCount(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		time.Millisecond: "just now", 59 * time.Second: "59 s ago", 90 * time.Minute: "1 h ago", 50 * time.Hour: "2 d ago", -time.Minute: "in 1 min",
	} {
		if got := humanAge(now.Add(-d), now); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	if got := humanAge(time.Time{}, now); got != "-" {
		t.Errorf("no time: %s", got)
	}
}

func TestNearestNames(t *testing.T) {
	names := []string{"system.serving.endpoint_usage", "system.serving.served_entities", "main.ai.chat_payload"}
	for wrote, want := range map[string][]string{
		"endpont_usage": names[:1], "usage": names[:1], "system.serving.served_entitys": names[1:2], "chat": names[2:], "zebra": nil,
	} {
		if got := nearest(wrote, names); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", wrote, got, want)
		}
	}
}
