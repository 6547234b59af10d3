package worker_test

import "testing"

// TestLaterMember reads files from before a struct in a list got another member, beside one that has it.
func TestLaterMember(t *testing.T) {
	const before = "id INT\nd DATE\nlist ARRAY<STRUCT<a: INT, b: STRING>>"
	const after = "id INT\nd DATE\nlist ARRAY<STRUCT<a: INT, b: STRING, why: STRING>>"
	l := newLake(t)
	l.write(t, l.define(t, "main.t.later", "d", before), "lake", "2026-11-01", `[{"id":1,"list":[{"a":1,"b":"x"},{"a":2}]},{"id":2,"list":null}]`)
	l.tables = l.tables[:len(l.tables)-1]
	w := start(t, l, nil)
	const sql = "SELECT id, list[0].a, list[0].b, list[0].why FROM main.t.later ORDER BY id"
	l.write(t, l.define(t, "main.t.later", "d", after), "lake", "2026-11-02", `[{"id":3,"list":[{"a":3,"b":"y","why":"z"}]}]`)
	r, err := ask(w, sql)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text(r), "1|1|x|NULL\n2|NULL|NULL|NULL\n3|3|y|z\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	r, err = ask(w, "SELECT list[0].why, list[1].a FROM main.t.later WHERE d = '2026-11-01' AND id = 1")
	if err != nil || text(r) != "NULL|2\n" {
		t.Errorf("an old file alone: %v %v", r, err)
	}
}
