package main

import "fmt"

// ratio is a figure that the project has a goal for.
type ratio struct {
	Figure  string  `json:"figure"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"` // "x" for a ratio
	Goal    float64 `json:"goal"` // 0: there is none
	Beyond  float64 `json:"extraordinary"`
	Exactly bool    `json:"exactly,omitempty"` // the goal is a value to meet, not a bound
}

// verdict says in a word how the value stands to its goal.
func (r ratio) verdict() string {
	switch {
	case r.Goal == 0:
		return ""
	case r.Exactly && r.Value == r.Goal:
		return "met"
	case r.Exactly:
		return "MISSED"
	case r.Value <= r.Beyond:
		return "extraordinary"
	case r.Value <= r.Goal:
		return "met"
	}
	return "missed"
}

// ratiosOf computes the figures with goals.
func ratiosOf(r *report) []ratio {
	base, _ := r.find(direct)
	rp, _ := r.find(proxy)
	var all []ratio
	add := func(x ratio) {
		if x.Value == x.Value { // not 0/0, of a phase that was not run
			all = append(all, x)
		}
	}
	bounds := map[string][2]float64{off: {1.25, 1}, relaxed: {1.25, 1}, strict: {1.5, 1.2}}
	for _, name := range []string{off, relaxed, strict} {
		f, ok := r.find(name)
		if !ok {
			continue
		}
		b := bounds[name]
		add(ratio{Figure: name + ": CPU per request to reverse proxy, 1 KB", Value: f.CPUSmall / rp.CPUSmall, Unit: "x", Goal: b[0], Beyond: b[1]})
		add(ratio{Figure: name + ": the same, 10 KB", Value: f.CPULarge / rp.CPULarge, Unit: "x", Goal: b[0], Beyond: b[1]})
		add(ratio{Figure: name + ": CPU per 50-chunk stream to reverse proxy", Value: f.CPUStream / rp.CPUStream, Unit: "x", Goal: 1.2, Beyond: 1})
		add(ratio{Figure: name + ": the same, 1 KB translated to Anthropic", Value: f.CPUToClaude / rp.CPUSmall, Unit: "x"})
		add(ratio{Figure: name + ": the same, stream translated from Anthropic", Value: f.CPUFlowClaude / rp.CPUStream, Unit: "x"})
		add(ratio{
			Figure: name + ": added p50 at 1,000/s to reverse proxy's", Value: (f.LatencyP50 - base.LatencyP50) / (rp.LatencyP50 - base.LatencyP50),
			Unit: "x", Goal: 1.3, Beyond: 1.1,
		})
		add(ratio{Figure: name + ": time to first token added, p50", Value: f.FirstP50 - base.FirstP50, Unit: " ms", Goal: 0.3, Beyond: 0.15})
		if f.FixedRateMB > 0 {
			add(ratio{Figure: name + ": memory under 1,000/s", Value: f.FixedRateMB, Unit: " MB", Goal: 150, Beyond: 100})
		}
		if f.Rows != nil {
			add(ratio{Figure: name + ": rows found / rows expected", Value: float64(f.Rows.Found) / float64(f.Sent), Unit: "", Goal: 1, Beyond: 1, Exactly: true})
		}
		if f.Fresh != nil {
			add(ratio{Figure: name + ": row visible to SQL, p99", Value: ms(f.Fresh.Idle.P99), Unit: " ms", Goal: 1000, Beyond: 50})
			add(ratio{Figure: name + ": the same, at 200 requests/s", Value: ms(f.Fresh.Busy.P99), Unit: " ms", Goal: 1000, Beyond: 50})
		}
	}
	return all
}

func ratioTable(all []ratio) [][]string {
	rows := [][]string{{"figure", "value", "goal", "extraordinary", ""}}
	for _, r := range all {
		digits := 2
		if r.Unit == " MB" {
			digits = 0
		}
		if r.Exactly {
			rows = append(rows, []string{r.Figure, fmt.Sprint(r.Value), "1", "1", r.verdict()})
			continue
		}
		if r.Goal == 0 {
			rows = append(rows, []string{r.Figure, fmt.Sprintf("%.*f%s", digits, r.Value, r.Unit), "-", "-", r.verdict()})
			continue
		}
		rows = append(rows, []string{
			r.Figure, fmt.Sprintf("%.*f%s", digits, r.Value, r.Unit), fmt.Sprintf("≤ %v%s", r.Goal, r.Unit), fmt.Sprintf("≤ %v%s", r.Beyond, r.Unit), r.verdict(),
		})
	}
	return rows
}
