package worker_test
import "testing"
func TestQ(t *testing.T) {
	w := start(t, newLake(t), nil)
	for _, q := range []string{"SELECT unix_timestamp(TIMESTAMP '2026-11-20 00:00:00')", "SELECT unix_timestamp('2026-11-20', 'yyyy-MM-dd')", "select unix_timestamp()", "select unix_timestamp(now())","select timestamp_millis(1500)", "select unix_date(date '1970-01-02')"} {
		r, err := ask(w, q)
		if err != nil { t.Log(q, err); continue }
		t.Log(q, text(r))
	}
}
