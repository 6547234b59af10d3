package lvdash

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// relative is now, now-7d, now/M, now-12M/M.
var relative = regexp.MustCompile(`^now(?:([-+])(\d{1,5})([smhdwMyQ]))?(?:/([smhdwMyQ]))?$`)

// dateForms are the absolute dates seen in files.
var dateForms = []string{
	"2006-01-02", "2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04",
}

// resolveTime reads a date of the file or of a viewer: absolute, or relative to now. A floor such
// as /d gives the start of the unit, or its last microsecond when end is set, so that now/d as the
// upper bound of a range means all of today. A bare date as an upper bound means all of that day
// too. All times are UTC and weeks start on Monday.
func resolveTime(s string, now time.Time, end bool) (time.Time, error) {
	s = strings.TrimSpace(s)
	if m := relative.FindStringSubmatch(s); m != nil {
		t := now.UTC()
		if m[1] != "" {
			n, _ := strconv.Atoi(m[2]) // five digits always fit
			if m[1] == "-" {
				n = -n
			}
			t = shift(t, n, m[3])
		}
		return floor(t, m[4], end), nil
	}
	for _, form := range dateForms {
		t, err := time.Parse(form, s)
		if err != nil {
			continue
		}
		if form == "2006-01-02" {
			return floor(t, "d", end), nil
		}
		return t.UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q is not a date: want 2006-01-02, 2006-01-02T15:04:05, or one like now-7d/d", printable(s))
}

func shift(t time.Time, n int, unit string) time.Time {
	switch unit {
	case "s":
		return t.Add(time.Duration(n) * time.Second)
	case "m":
		return t.Add(time.Duration(n) * time.Minute)
	case "h":
		return t.Add(time.Duration(n) * time.Hour)
	case "d":
		return t.AddDate(0, 0, n)
	case "w":
		return t.AddDate(0, 0, 7*n)
	case "Q":
		return addMonths(t, 3*n)
	case "M":
		return addMonths(t, n)
	}
	return addMonths(t, 12*n)
}

// addMonths keeps to the month: the 31st of a month before February is its last day.
func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month(), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC).AddDate(0, n, 0)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

func floor(t time.Time, unit string, end bool) time.Time {
	if unit == "" {
		return t
	}
	y, m, d := t.Date()
	at := func(m time.Month, d, h, mi, s int) time.Time { return time.Date(y, m, d, h, mi, s, 0, time.UTC) }
	var start time.Time
	switch unit {
	case "s":
		start = t.Truncate(time.Second)
	case "m":
		start = t.Truncate(time.Minute)
	case "h":
		start = t.Truncate(time.Hour)
	case "d":
		start = at(m, d, 0, 0, 0)
	case "w":
		start = at(m, d-(int(t.Weekday())+6)%7, 0, 0, 0)
	case "M":
		start = at(m, 1, 0, 0, 0)
	case "Q":
		start = at((m-1)/3*3+1, 1, 0, 0, 0)
	default:
		start = at(1, 1, 0, 0, 0)
	}
	if !end {
		return start
	}
	return shift(start, 1, unit).Add(-time.Microsecond)
}

// timeText writes a time as the value of a parameter of the type.
func timeText(t time.Time, d DataType) string {
	if d == Date {
		return t.Format("2006-01-02")
	}
	return t.Format("2006-01-02 15:04:05.999999")
}
