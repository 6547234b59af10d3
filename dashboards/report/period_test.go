package report

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestStartOfDay(t *testing.T) {
	for _, c := range []struct{ zone, date, want string }{
		{"UTC", "2026-11-01", "2026-11-01T00:00:00Z"},
		{"Europe/Berlin", "2026-11-01", "2026-10-31T23:00:00Z"},
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"}, // clocks go forward at 2:00 of this day
		{"Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00Z"}, // so it has 23 hours
		{"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z"}, // back at 3:00 of this day
		{"Europe/Berlin", "2026-10-26", "2026-10-25T23:00:00Z"}, // so it has 25
		{"Asia/Kolkata", "2026-11-01", "2026-10-31T18:30:00Z"},
		{"Australia/Lord_Howe", "2026-10-05", "2026-10-04T13:00:00Z"}, // half an hour of summer time
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"},   // midnight was skipped: the day began at 1:00
		{"Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z"},         // the same
		{"Asia/Beirut", "2026-10-25", "2026-10-24T22:00:00Z"},         // and the hour before midnight came twice
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},        // a day that never was begins where the next one does
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},
		{"America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"}, // midnight comes twice
		{"Pacific/Kiritimati", "2026-11-01", "2026-10-31T10:00:00Z"},
	} {
		loc, err := LoadZone(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		date, _ := time.Parse(time.DateOnly, c.date)
		if got := startOfDay(date, loc).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %s begins at %s, want %s", c.date, c.zone, got, c.want)
		}
	}
}

// The SQL for days and months says of every instant what the zone says.
func TestLabelsOfInstants(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Beirut", "Africa/Cairo"} {
		loc, err := LoadZone(zone)
		if err != nil {
			t.Fatal(err)
		}
		o := options(t, "day,month", "2025-02-10", "2027-05-03", loc)
		ws := windows(o)
		if len(ws) != 3 || !ws[0].from.Equal(o.From) || !ws[2].to.Equal(o.To) || !ws[0].to.Equal(ws[1].from) || !ws[1].to.Equal(ws[2].from) {
			t.Fatalf("%d windows of %s do not cover the period without gaps", len(ws), zone)
		}
		for _, w := range ws {
			instants := []time.Time{w.from, w.to.Add(-time.Microsecond)}
			for _, s := range w.starts[1:] {
				instants = append(instants, s, s.Add(-time.Microsecond))
			}
			for range 200 {
				instants = append(instants, w.from.Add(time.Duration(rng.Int64N(int64(w.to.Sub(w.from))))))
			}
			day, month := w.label("day"), w.label("month")
			for _, i := range instants {
				checkLabel(t, day, i, loc, time.DateOnly)
				checkLabel(t, month, i, loc, monthForm)
			}
		}
	}
}

func checkLabel(t *testing.T, expr string, i time.Time, loc *time.Location, form string) {
	t.Helper()
	got, err := eval(expr, i)
	if err != nil {
		t.Fatal(err)
	}
	if want := i.In(loc).Format(form); got != want {
		t.Errorf("%s is in %s, want %s of %s", i.UTC().Format(time.RFC3339Nano), got, want, loc)
	}
}

func TestParsePeriod(t *testing.T) {
	now := at("2026-11-30T23:30:00Z") // December in Berlin
	for _, c := range []struct{ from, to, start, end, fault string }{
		{"2026-11-01", "2026-12-01", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z", ""},
		{"2026-11", "2026-12", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z", ""},
		{"2026-11", "", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z", ""},
		{"2026-12", "", "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z", ""},
		{"", "", "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z", ""},
		{"2026-03-29", "2026-03-30", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", ""},
		{"2026-12-01", "2026-11-01", "", "", "the period is empty"},
		{"2026-11", "2026-11-01", "", "", "the period is empty"},
		{"2026-11-01", "", "", "", "has no end"},
		{"", "2026-11-01", "", "", "no beginning"},
		{"1.11.2026", "2026-12-01", "", "", `date "1.11.2026": use a day such as 2026-11-01 or a month such as 2026-11`},
		{"2026-11-01", "2026-11-31", "", "", `date "2026-11-31"`},
		{"2026-13", "", "", "", `date "2026-13"`},
		{"2026-11-01T00:00:00Z", "2026-12", "", "", `date "2026-11-01T00:00:00Z"`},
	} {
		start, end, err := ParsePeriod(c.from, c.to, berlin(t), now)
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%q to %q: error %v, want %q", c.from, c.to, err, c.fault)
			}
			continue
		}
		if err != nil || start.UTC().Format(time.RFC3339) != c.start || end.UTC().Format(time.RFC3339) != c.end {
			t.Errorf("%q to %q is %s to %s (%v), want %s to %s", c.from, c.to, start.UTC(), end.UTC(), err, c.start, c.end)
		}
	}
}

func TestLoadZone(t *testing.T) {
	if loc, err := LoadZone(""); err != nil || loc != time.UTC {
		t.Errorf("no name: %v, %v", loc, err)
	}
	for _, bad := range []string{"Europe/Berln", "Local", "local", "CEST+1", "../etc/passwd", "+01:00"} {
		if loc, err := LoadZone(bad); err == nil || !strings.Contains(err.Error(), "use an IANA name such as Europe/Berlin") {
			t.Errorf("%q: %v, %v", bad, loc, err)
		}
	}
}
