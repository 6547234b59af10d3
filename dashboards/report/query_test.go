package report

import (
	"strings"
	"testing"
	"time"
)

func TestQueries(t *testing.T) {
	for name, o := range map[string]Options{
		"team_model.sql": options(t, "team,model", "2026-11-01", "2026-12-01", berlin(t)),
		"day.sql":        options(t, "day,tag:day", "2026-10-24", "2026-10-28", berlin(t)),
		"month_key.sql":  options(t, "month,key,endpoint,requester,provider", "2026-09", "2026-12", berlin(t)),
		"plain.sql":      options(t, "", "2026-11", "", time.UTC),
	} {
		ws := windows(o)
		if len(ws) != 1 {
			t.Fatalf("%s: %d windows", name, len(ws))
		}
		golden(t, name, query(o.By, ws[0], nil)+"\n")
	}
}

func TestParseBy(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		" team , model ":        "team model",
		"Model,DAY,month":       "model day month",
		"tag:model,model":       "tag:model model",
		"tag:team":              "team",
		"cost center,Abteilung": "cost center Abteilung",
		"tag:tag:x":             "tag:tag:x",
	} {
		by, err := ParseBy(in)
		var got []string
		for _, d := range by {
			got = append(got, d.String())
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q is %q (%v), want %q", in, got, err, want)
		}
		if again, err := ParseBy(strings.Join(got, ",")); err != nil || len(again) != len(by) {
			t.Errorf("%q does not read back: %v", got, err)
		}
	}
	for in, want := range map[string]string{
		"team,":                  "a name is empty",
		"team,,model":            "a name is empty",
		"tag:":                   "a name is empty",
		"team,team":              "team is there twice",
		"team,tag:team":          "team is there twice",
		"model,MODEL":            "model is there twice",
		`a\b`:                    "backslashes",
		"a\nb":                   "control characters",
		"a\xff":                  "control characters",
		strings.Repeat("x", 256): "longer than 255 bytes",
	} {
		if _, err := ParseBy(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", in, err, want)
		}
	}
}

// Whatever a tag is called, it stays inside its string.
func TestTagsAreStrings(t *testing.T) {
	for _, key := range []string{"it's", "'", "''", "x'] IS NULL) OR 1=1 --", "x']; DROP TABLE t; --", `"`, "`", "$$", ":p", "/* */", "ключ"} {
		by, err := ParseBy("tag:" + key)
		if err != nil {
			t.Fatal(err)
		}
		sql := query(by, windows(options(t, "", "2026-11", "", time.UTC))[0], nil)
		strip := strings.ReplaceAll(sql, "'"+strings.ReplaceAll(key, "'", "''")+"'", "'team'")
		plain, _ := ParseBy("team")
		if strip != query(plain, windows(options(t, "", "2026-11", "", time.UTC))[0], nil) {
			t.Errorf("tag %q changes the query:\n%s", key, sql)
		}
	}
}

func TestParseFormat(t *testing.T) {
	for _, f := range []Format{Table, CSV, JSON, Markdown} {
		if got, err := ParseFormat(string(f)); err != nil || got != f {
			t.Errorf("%s: %s, %v", f, got, err)
		}
	}
	if _, err := ParseFormat("xls"); err == nil || !strings.Contains(err.Error(), "use table, csv, json or md") {
		t.Errorf("error %v", err)
	}
}

func TestQueryOfAVersion(t *testing.T) {
	w := windows(options(t, "", "2026-11", "", time.UTC))[0]
	sql := query(nil, w, &AsOf{Version: 41})
	if n := strings.Count(sql, "FROM "+Ledger+" VERSION AS OF 41\n"); n != 2 || strings.Count(sql, Ledger) != 2 {
		t.Errorf("not all of the query reads version 41:\n%s", sql)
	}
	corrections := int64(3)
	sql = query(nil, w, &AsOf{Version: 41, Corrections: &corrections})
	if strings.Count(sql, Ledger+" VERSION AS OF 41 u\n") != 2 || strings.Count(sql, Corrections+" VERSION AS OF 3 GROUP") != 2 {
		t.Errorf("not all of the query reads version 41 with version 3 of the corrections:\n%s", sql)
	}
}
