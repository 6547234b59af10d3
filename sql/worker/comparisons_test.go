package worker_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

const comparisonColumns = `databricks_request_id STRING
	request_date DATE
	comparison_time TIMESTAMP
	endpoint_name STRING
	comparison STRING
	baseline STRING
	challenger STRING
	answered STRING
	first_shown STRING
	winner STRING
	baseline_latency_ms BIGINT
	challenger_latency_ms BIGINT
	baseline_cost_nanos BIGINT
	challenger_cost_nanos BIGINT
	judge_cost_nanos BIGINT`

// verdicts makes rows of a comparison, one for each letter: b, c and t for a winner or a tie, - for
// no verdict. The first answer shown is the baseline's at even places.
func verdicts(name, letters string) []string {
	winners := map[rune]string{'b': "baseline", 'c': "challenger", 't': "tie", '-': "none"}
	var rows []string
	for i, l := range letters {
		first, cost := "baseline", "2000"
		if i%2 == 1 {
			first, cost = "challenger", "null"
		}
		rows = append(rows, fmt.Sprintf(`{"databricks_request_id":"%s-%d","comparison_time":"2026-11-20T%02d:%02d:%02dZ","endpoint_name":"chat","comparison":"%s",
			"baseline":"gpt","challenger":"claude","answered":"baseline","first_shown":"%s","winner":"%s","baseline_latency_ms":%d,"challenger_latency_ms":%d,
			"baseline_cost_nanos":1000,"challenger_cost_nanos":%s,"judge_cost_nanos":500}`,
			name, i, i/3600, i/60%60, i%60, name, first, winners[l], 100+i, 200+i, cost))
	}
	return rows
}

func comparisonLake(t *testing.T, rows []string) *lake {
	t.Helper()
	l := newLake(t)
	table := l.define(t, "system.serving.comparisons", "request_date", comparisonColumns)
	for len(rows) > 0 {
		n := min(len(rows), 50_000)
		l.write(t, table, "lake", "2026-11-20", "["+strings.Join(rows[:n], ",")+"]")
		rows = rows[n:]
	}
	return l
}

// signTest is the exact two-sided sign test, in integers.
func signTest(a, b int64) float64 {
	sum := new(big.Int)
	for i := range min(a, b) + 1 {
		sum.Add(sum, new(big.Int).Binomial(a+b, i))
	}
	p, _ := new(big.Rat).SetFrac(sum.Lsh(sum, 1), new(big.Int).Lsh(big.NewInt(1), uint(a+b))).Float64()
	return min(1, p)
}

// alwaysValid is the smallest inverse of the Bayes factor of a fair coin against a coin of any
// fairness, all equally likely, up to the end of the letters: (n+1)! / (2^n b! c!), in integers.
func alwaysValid(letters string) float64 {
	best := 1.0
	var b, c int64
	for _, l := range letters {
		switch l {
		case 'b':
			b++
		case 'c':
			c++
		}
		product := new(big.Int).Mul(new(big.Int).MulRange(1, b), new(big.Int).MulRange(1, c))
		p, _ := new(big.Rat).SetFrac(new(big.Int).MulRange(1, b+c+1), product.Lsh(product, uint(b+c))).Float64()
		best = min(best, p)
	}
	return best
}

// The views' statistics are those of exact arithmetic.
func TestComparisonStatistics(t *testing.T) {
	sequences := map[string]string{
		"none": "---", "ties": "ttt-t", "one": "c", "even": strings.Repeat("bc", 20), "mixed": "ccbctc-ccbcccbtc", "all": strings.Repeat("c", 12),
		"turned": strings.Repeat("c", 15) + strings.Repeat("b", 30), "long": strings.Repeat("cbc", 400), "most": strings.Repeat("b", 1500),
	}
	var rows []string
	for name, letters := range sequences {
		rows = append(rows, verdicts(name, letters)...)
	}
	w := start(t, comparisonLake(t, rows), nil)
	for name, letters := range sequences {
		b, c := int64(strings.Count(letters, "b")), int64(strings.Count(letters, "c"))
		r, err := ask(w, `SELECT r.p_value, r.p_always_valid, (SELECT min(o.p_always_valid) FROM system.serving.comparison_results_over_time o WHERE o.comparison = r.comparison),
			r.baseline_wins, r.challenger_wins, r.ties, r.no_verdict FROM system.serving.comparison_results r WHERE r.comparison = '`+name+`'`)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSpace(text(r)), "|")
		for i, want := range []float64{
			signTest(b, c), alwaysValid(letters), alwaysValid(letters), float64(b), float64(c), float64(strings.Count(letters, "t")), float64(strings.Count(letters, "-")),
		} {
			is, err := strconv.ParseFloat(got[i], 64)
			if err != nil || math.Abs(is-want) > 1e-9*math.Abs(want)+1e-300 {
				t.Errorf("%s: number %d is %s, want %g", name, i, got[i], want)
			}
		}
	}
	for _, c := range []struct{ sql, want string }{
		// Wilson's interval of 10 in 13, as statsmodels.stats.proportion.proportion_confint has it
		{
			"SELECT round(challenger_win_rate, 8), round(win_rate_low, 8), round(win_rate_high, 8), comparisons FROM system.serving.comparison_results WHERE comparison = 'mixed'",
			"0.76923077|0.49743624|0.91820471|16",
		},
		{"SELECT comparison, verdict FROM system.serving.comparison_results ORDER BY comparison", "all|challenger is better\neven|no difference shown yet\nlong|challenger is better\nmixed|no difference shown yet\nmost|baseline is better\nnone|no verdict yet\none|no difference shown yet\nties|no verdict yet\nturned|baseline is better"},
		{"SELECT challenger_win_rate IS NULL, p_value, p_always_valid FROM system.serving.comparison_results WHERE comparison = 'none'", "true|1.0|1.0"},
		// each answer won when it was shown first
		{"SELECT first_shown_win_rate, first_shown_p_value < 1e-9 FROM system.serving.comparison_results WHERE comparison = 'even'", "1.0|true"},
		{"SELECT baseline_latency_ms, challenger_latency_ms, baseline_cost, challenger_cost, round(experiment_cost, 12) FROM system.serving.comparison_results WHERE comparison = 'ties'", "102.0|202.0|1.0E-6|2.0E-6|8.5E-6"},
		{"SELECT winner, comparisons, challenger_wins, round(win_rate_low, 6), round(p_always_valid, 6) FROM system.serving.comparison_results_over_time WHERE comparison = 'all' ORDER BY comparisons LIMIT 2", "challenger|1|1|0.206549|1.0\nchallenger|2|2|0.34238|0.75"},
	} {
		r, err := ask(w, c.sql)
		if err != nil {
			t.Errorf("%s\n%v", c.sql, err)
			continue
		}
		if got := strings.TrimSpace(text(r)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.sql, got, c.want)
		}
	}
}

// Who looks after every request and stops at the first p below 5 % is wrong in at most 5 % of
// comparisons of equals, whatever the judge thinks of positions. The usual test of a
// fixed number of requests, used that way, is wrong far more often.
func TestPeekingAtComparisons(t *testing.T) {
	const comparisons, requests = 400, 300
	rnd := rand.New(rand.NewPCG(20261121, 7))
	var rows []string
	naive := 0
	for i := range comparisons {
		letters := make([]byte, requests)
		var b, c int64
		fooled := false
		for j := range letters {
			switch x := rnd.Float64(); {
			case x < 0.1:
				letters[j] = 't'
			case x < 0.55:
				letters[j], b = 'b', b+1
			default:
				letters[j], c = 'c', c+1
			}
			fooled = fooled || b+c >= 10 && math.Abs(float64(b-c)) > 1.96*math.Sqrt(float64(b+c))
		}
		if fooled {
			naive++
		}
		rows = append(rows, verdicts(fmt.Sprintf("equal-%d", i), string(letters))...)
	}
	for i := range 50 { // better answers in 65 % of requests
		letters := make([]byte, requests)
		for j := range letters {
			letters[j] = "bc"[min(1, int(rnd.Float64()+0.65))]
		}
		rows = append(rows, verdicts(fmt.Sprintf("better-%d", i), string(letters))...)
	}
	w := start(t, comparisonLake(t, rows), nil)
	r, err := ask(w, `SELECT split(comparison, '-')[0] AS kind, count_if(p <= 0.05) FROM (
		SELECT comparison, min(p_always_valid) AS p FROM system.serving.comparison_results_over_time GROUP BY comparison) GROUP BY kind ORDER BY kind`)
	if err != nil {
		t.Fatal(err)
	}
	var better, equal int
	if _, err := fmt.Sscanf(strings.TrimSpace(text(r)), "better|%d\nequal|%d", &better, &equal); err != nil {
		t.Fatal(err, text(r))
	}
	t.Logf("of %d comparisons of equals %d were called different, by the fixed test %d; of 50 of unequals %d", comparisons, equal, naive, better)
	if equal > comparisons/20 {
		t.Errorf("%d of %d comparisons of equals were called different", equal, comparisons)
	}
	if naive < comparisons/10 {
		t.Errorf("the fixed test was fooled only %d times: the simulation shows nothing", naive)
	}
	if better < 45 {
		t.Errorf("%d of 50 comparisons of unequals were called different", better)
	}
}
