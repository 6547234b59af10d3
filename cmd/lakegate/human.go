package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// humanBytes is a size for people: three digits and a unit.
func humanBytes(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	v, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for v >= 1023.5 && i < len(units)-1 {
		v /= 1024
		i++
	}
	if v < 9.995 {
		return fmt.Sprintf("%.2f %s", v, units[i])
	}
	if v < 99.95 {
		return fmt.Sprintf("%.1f %s", v, units[i])
	}
	return fmt.Sprintf("%.0f %s", v, units[i])
}

// humanCount groups the digits of a number by three.
func humanCount(n int64) string {
	s := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// humanAge is how long ago a time is, in the largest unit that fits; "" for no time.
func humanAge(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	d := now.Sub(t)
	switch {
	case d < 0:
		return "in " + humanDuration(-d)
	case d < time.Second:
		return "just now"
	}
	return humanDuration(d) + " ago"
}

// humanDuration is a duration in the largest unit that fits.
func humanDuration(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if d >= u.size || u.size == time.Second && d > 0 {
			return fmt.Sprintf("%d %s", d/u.size, u.name)
		}
	}
	return "0 s"
}

// printable is text of others, such as another engine's name, safe to print and not too long.
func printable(s string) string {
	clean := []rune(printableLong(s))
	if len(clean) > 160 {
		clean = append(clean[:159], '…')
	}
	return string(clean)
}

// printableLong is printable for text of any length.
func printableLong(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return unicode.ReplacementChar
	}, s)
}

// nearest returns the names that are most like what somebody wrote, the best first.
func nearest(wrote string, names []string) []string {
	type match struct {
		name string
		d    int
	}
	var best []match
	for _, n := range names {
		last := n[strings.LastIndexByte(n, '.')+1:]
		d := min(distance(strings.ToLower(wrote), strings.ToLower(n)), distance(strings.ToLower(wrote), strings.ToLower(last)))
		if d <= max(2, len(wrote)/3) || strings.Contains(strings.ToLower(n), strings.ToLower(wrote)) {
			best = append(best, match{n, d})
		}
	}
	for i := range best { // a handful
		for j := i; j > 0 && best[j].d < best[j-1].d; j-- {
			best[j], best[j-1] = best[j-1], best[j]
		}
	}
	var out []string
	for _, m := range best[:min(3, len(best))] {
		out = append(out, m.name)
	}
	return out
}

// distance is how many letters have to be added, removed or changed to make a of b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before, row[j+1] = row[j+1], min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
