package format

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/sql/protocol"
)

func ptr(s string) *string { return &s }

var columns = []protocol.Column{
	{Name: "team", TypeName: "STRING"}, {Name: "n", TypeName: "LONG"}, {Name: "dollars", TypeName: "DECIMAL"}, {Name: "ok", TypeName: "BOOLEAN"},
}

var rows = [][]*string{
	{ptr("search"), ptr("9007199254740993"), ptr("1.500000000"), ptr("true")},
	{ptr("a|b,\"c\"\nd\x1b[31m"), nil, ptr("12.000000001"), nil},
	{ptr(""), ptr("7"), nil, ptr("false")},
}

func TestFormats(t *testing.T) {
	want := map[Format]string{
		CSV:      "team,n,dollars,ok\r\nsearch,9007199254740993,1.500000000,true\r\n\"a|b,\"\"c\"\"\nd\x1b[31m\",,12.000000001,\r\n\"\",7,,false\r\n",
		JSON:     "[\n{\"team\":\"search\",\"n\":9007199254740993,\"dollars\":1.500000000,\"ok\":true},\n{\"team\":\"a|b,\\\"c\\\"\\nd\\u001b[31m\",\"n\":null,\"dollars\":12.000000001,\"ok\":null},\n{\"team\":\"\",\"n\":7,\"dollars\":null,\"ok\":false}\n]\n",
		Markdown: "| team | n | dollars | ok |\n| --- | --: | --: | --- |\n| search | 9007199254740993 | 1.500000000 | true |\n| a\\|b,\"c\"⏎d\ufffd[31m | NULL | 12.000000001 | NULL |\n|  | 7 | NULL | false |\n",
	}
	for f, w := range want {
		var b strings.Builder
		if err := Write(&b, f, columns, rows); err != nil {
			t.Fatal(err)
		}
		if b.String() != w {
			t.Errorf("%s:\n got %q\nwant %q", f, b.String(), w)
		}
	}
}

func TestTableIsAlignedAndPlain(t *testing.T) {
	var b strings.Builder
	if err := Write(&b, Table, columns[:2], [][]*string{{ptr("ä"), ptr("1")}, {ptr("long\ntext"), ptr("1000")}, {ptr("\x1b[31m"), nil}}); err != nil {
		t.Fatal(err)
	}
	want := "team          n\n---------  ----\nä             1\nlong⏎text  1000\n\ufffd[31m      NULL\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// A plan is for reading: a lone text of several lines is not squeezed into a cell.
func TestLoneText(t *testing.T) {
	var b strings.Builder
	plan := "== Files ==\nt: reads 1 of 2 files\n\tpart\x1b[31m\n"
	if err := Write(&b, Table, []protocol.Column{{Name: "plan", TypeName: "STRING"}}, [][]*string{{&plan}}); err != nil {
		t.Fatal(err)
	}
	if want := "== Files ==\nt: reads 1 of 2 files\n part\ufffd[31m\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestMachineFormatsReadBack(t *testing.T) {
	var c, j strings.Builder
	if err := Write(&c, CSV, columns, rows); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(c.String())).ReadAll()
	if err != nil || len(records) != 4 || records[2][0] != *rows[1][0] {
		t.Errorf("csv: %v %q", err, records)
	}
	if err := Write(&j, JSON, columns, nil); err != nil {
		t.Fatal(err)
	}
	var empty []map[string]any
	if err := json.Unmarshal([]byte(j.String()), &empty); err != nil || empty == nil {
		t.Errorf("no rows: %v %q", err, j.String())
	}
}

func TestParse(t *testing.T) {
	for s, want := range map[string]Format{"table": Table, "CSV": CSV, "json": JSON, "md": Markdown, "markdown": Markdown} {
		if f, err := Parse(s); err != nil || f != want {
			t.Errorf("%s: %v %v", s, f, err)
		}
	}
	if _, err := Parse("xml"); err == nil {
		t.Error("xml passed")
	}
}
