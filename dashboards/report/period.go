package report

import (
	"fmt"
	"sort"
	"strings"
	"time"
	_ "time/tzdata" // machines and containers without a zone database report all the same
)

// LoadZone finds a time zone by its IANA name; "" is UTC. The machine's own zone has no name here:
// a report must say the same on every machine.
func LoadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil || strings.EqualFold(name, "local") {
		return nil, fmt.Errorf("time zone %q is not known: use an IANA name such as Europe/Berlin, or UTC", name)
	}
	return loc, nil
}

// ParsePeriod reads the first day of a period and the first day after it. Each is a day such as
// 2026-11-01 or a month such as 2026-11, which is its first day. Without to, a month is that
// month; without both it is the month of now.
func ParsePeriod(from, to string, loc *time.Location, now time.Time) (start, end time.Time, err error) {
	if from == "" && to == "" {
		from = now.In(loc).Format(monthForm)
	}
	if from == "" {
		return start, end, fmt.Errorf("the period has an end, %s, but no beginning", to)
	}
	first, month, err := parseDate(from)
	if err != nil {
		return start, end, err
	}
	last := first.AddDate(0, 1, 0)
	switch {
	case to != "":
		if last, _, err = parseDate(to); err != nil {
			return start, end, err
		}
	case !month:
		return start, end, fmt.Errorf("the period begins on %s but has no end", from)
	}
	if !first.Before(last) {
		return start, end, fmt.Errorf("the period is empty: it begins with %s, which is not before %s (the end is the first day that is not in it)", from, to)
	}
	return startOfDay(first, loc), startOfDay(last, loc), nil
}

const monthForm = "2006-01"

// parseDate returns a calendar date as midnight UTC, and whether it was a month.
func parseDate(s string) (date time.Time, month bool, err error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, false, nil
	}
	if t, err := time.Parse(monthForm, s); err == nil {
		return t, true, nil
	}
	return date, false, fmt.Errorf("date %q: use a day such as 2026-11-01 or a month such as 2026-11", s)
}

// startOfDay is the first instant of a calendar date in a zone: not always midnight, for there are
// zones whose clocks skip it or show it twice.
func startOfDay(date time.Time, loc *time.Location) time.Time {
	midnight := time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, loc)
	if midnight.Day() == date.Day() && midnight.Hour() == 0 && midnight.Add(-time.Second).Day() != date.Day() {
		return midnight
	}
	want := date.Format(time.DateOnly)
	base := time.Date(date.Year(), date.Month(), date.Day(), 12, 0, 0, 0, loc).Add(-36 * time.Hour)
	seconds := sort.Search(72*3600, func(i int) bool {
		return base.Add(time.Duration(i)*time.Second).Format(time.DateOnly) >= want
	})
	return base.Add(time.Duration(seconds) * time.Second)
}

// window is a part of the period that one query covers, with the beginnings of its days.
type window struct {
	from, to time.Time
	loc      *time.Location
	starts   []time.Time // the first is from; only when days or months are asked for
}

// maxDays bounds the days of one window, and with them the text of its query.
const maxDays = 400

// windows cuts the period into parts: one, unless days or months of more than maxDays are asked
// for.
func windows(o Options) []window {
	if !byTime(o.By) {
		return []window{{from: o.From, to: o.To, loc: o.Location}}
	}
	var all []window
	starts := []time.Time{o.From}
	local := o.From.In(o.Location)
	for date := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, time.UTC); ; date = date.AddDate(0, 0, 1) {
		next := startOfDay(date, o.Location)
		if !next.Before(o.To) {
			return append(all, window{starts[0], o.To, o.Location, starts})
		}
		if len(starts) == maxDays {
			all = append(all, window{starts[0], next, o.Location, starts})
			starts = nil
		}
		if len(starts) == 0 || starts[len(starts)-1].Before(next) {
			starts = append(starts, next)
		}
	}
}

func byTime(by []Dimension) bool {
	for _, d := range by {
		if d.name == "day" || d.name == "month" {
			return true
		}
	}
	return false
}

// name is the day or month that begins at a start.
func (w window) name(unit string, start time.Time) string {
	if unit == "month" {
		return start.In(w.loc).Format(monthForm)
	}
	return start.In(w.loc).Format(time.DateOnly)
}

// label is SQL for the day or month of request_time: a binary search written as nested CASEs.
func (w window) label(unit string) string {
	var starts []time.Time
	for _, s := range w.starts {
		if len(starts) == 0 || w.name(unit, s) != w.name(unit, starts[len(starts)-1]) {
			starts = append(starts, s)
		}
	}
	return w.search(unit, starts)
}

func (w window) search(unit string, starts []time.Time) string {
	if len(starts) == 1 {
		return quote(w.name(unit, starts[0]))
	}
	mid := len(starts) / 2
	return "CASE WHEN request_time < " + instant(starts[mid]) +
		" THEN " + w.search(unit, starts[:mid]) + " ELSE " + w.search(unit, starts[mid:]) + " END"
}

// instant is a moment in SQL, in UTC.
func instant(t time.Time) string {
	return "TIMESTAMP '" + t.UTC().Format("2006-01-02T15:04:05.999999Z") + "'"
}
