package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is what a run found, in figures.
type report struct {
	Machine string        `json:"machine"`
	Took    time.Duration `json:"took_ns"`
	Rounds  int           `json:"rounds"`
	Phase   time.Duration `json:"phase_ns"`
	Targets []figures     `json:"targets"`
	Ratios  []ratio       `json:"ratios"`
	Notes   []string      `json:"notes"`
}

// figures are a target's, medians over the rounds. 0 is unknown.
type figures struct {
	Name      string  `json:"name"`
	What      string  `json:"what"`
	PerSecond float64 `json:"requests_per_second"` // closed loop, 1 KB
	CPUSmall  float64 `json:"cpu_us_1kb"`
	CPULarge  float64 `json:"cpu_us_10kb"`
	CPUStream float64 `json:"cpu_us_stream"`
	// With a provider of Anthropic's format behind the same client.
	CPUToClaude   float64             `json:"cpu_us_1kb_translated"`
	CPUFlowClaude float64             `json:"cpu_us_stream_translated"`
	LatencyP50    float64             `json:"latency_ms_p50"` // at the fixed rate
	LatencyP99    float64             `json:"latency_ms_p99"`
	FirstP50      float64             `json:"first_token_ms_p50"`
	FirstP99      float64             `json:"first_token_ms_p99"`
	IdleMB        float64             `json:"rss_mb_idle"`
	FixedRateMB   float64             `json:"rss_mb_fixed_rate"` // in the first round, before full load
	PeakMB        float64             `json:"rss_mb_peak"`
	Sent          int64               `json:"rows_expected"`
	Rows          *rows               `json:"rows,omitempty"`
	Fresh         *freshness          `json:"row_visible_after,omitempty"`
	Samples       map[string][]sample `json:"samples"`
}

func newReport(l *lab, took time.Duration) *report {
	r := &report{
		Machine: fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version()),
		Took:    took, Rounds: l.o.rounds, Phase: l.o.phase, Notes: l.notes,
	}
	for _, t := range l.targets {
		r.Targets = append(r.Targets, figuresOf(t))
	}
	r.Ratios = ratiosOf(r)
	if n, of, worst := disturbances(r.Targets); n > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("the machine was not quiet: in %d of %d phases others had more than %.0f %% of it, up to %.0f %%; take no figure from this run", n, of, 100*noisy, 100*worst))
	}
	slices.Sort(r.Notes)
	return r
}

// disturbances counts the samples that others on the machine disturbed.
func disturbances(all []figures) (n, of int, worst float64) {
	for _, f := range all {
		for _, samples := range f.Samples {
			for _, s := range samples {
				of++
				if s.Disturbed > noisy {
					n++
					worst = max(worst, s.Disturbed)
				}
			}
		}
	}
	return n, of, worst
}

func figuresOf(t *target) figures {
	of := func(phase string, f func(sample) float64) float64 { return median(t.samples[phase], f) }
	cpu := func(s sample) float64 { return s.CPUMicros }
	f := figures{
		Name: t.Name, What: t.What, Samples: t.samples, Fresh: t.fresh, Sent: t.sent.Load(),
		PerSecond:   of(closedSmall, func(s sample) float64 { return s.PerSecond }),
		CPUSmall:    of(closedSmall, cpu),
		CPULarge:    of(closedLarge, cpu),
		CPUStream:   of(closedFlow, cpu),
		CPUToClaude: of(toClaude, cpu), CPUFlowClaude: of(flowClaude, cpu),
		LatencyP50: of(fixedRate, func(s sample) float64 { return ms(s.Load.Latency.P50) }),
		LatencyP99: of(fixedRate, func(s sample) float64 { return ms(s.Load.Latency.P99) }),
		FirstP50:   of(streamRate, func(s sample) float64 { return ms(s.Load.First.P50) }),
		FirstP99:   of(streamRate, func(s sample) float64 { return ms(s.Load.First.P99) }),
		IdleMB:     mb(t.idle.RSS),
	}
	if all := t.samples[fixedRate]; len(all) > 0 {
		f.FixedRateMB = mb(all[0].RSS)
	}
	for _, all := range t.samples {
		for _, s := range all {
			f.PeakMB = max(f.PeakMB, mb(s.RSS))
		}
	}
	if t.sql != nil {
		f.Rows = &t.rows
	}
	return f
}

func median(all []sample, f func(sample) float64) float64 {
	if len(all) == 0 {
		return 0
	}
	v := make([]float64, len(all))
	for i, s := range all {
		v[i] = f(s)
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func mb(b int64) float64         { return float64(b) / 1e6 }

// find returns the figures of a target, or none.
func (r *report) find(name string) (figures, bool) {
	for _, f := range r.Targets {
		if f.Name == name {
			return f, true
		}
	}
	return figures{}, false
}

// text is the report as Markdown.
func (r *report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n# lakegate benchmark\n\n%s; %d rounds of %v a phase, %v in all. Provider, gateways and load share the machine:\n"+
		"CPU of the gateway's process is the robust figure, and only ratios within one run mean something.\n\n",
		r.Machine, r.Rounds, r.Phase, r.Took.Round(time.Second))
	table(&b, r.mainTable())
	b.WriteString("\nAdded is to no gateway at all. CPU is the gateway's own, with landing its rows in tables afterwards.\n" +
		"Translated: the client speaks OpenAI's format, the provider Anthropic's.\n\n")
	table(&b, r.rowTable())
	b.WriteString("\n")
	table(&b, ratioTable(r.Ratios))
	if len(r.Notes) > 0 {
		b.WriteString("\nNotes:\n\n")
		for _, n := range r.Notes {
			fmt.Fprintf(&b, "- %s\n", n)
		}
	}
	return b.String()
}

func (r *report) mainTable() [][]string {
	all := [][]string{{
		"", "req/s", "CPU µs/req 1 KB", "10 KB", "1 KB translated", "CPU µs/stream", "translated", "p50 ms at 1,000/s", "p99", "added p50", "first token p50 ms", "added",
		"RSS MB idle", "at 1,000/s", "peak",
	}}
	base, _ := r.find(direct)
	for _, f := range r.Targets {
		row := []string{f.Name, number(f.PerSecond, 0), number(f.CPUSmall, 0), number(f.CPULarge, 0), number(f.CPUToClaude, 0), number(f.CPUStream, 0), number(f.CPUFlowClaude, 0), number(f.LatencyP50, 2), number(f.LatencyP99, 2)}
		if f.Name == direct {
			row = append(row, "-", number(f.FirstP50, 2), "-")
		} else {
			row = append(row, fmt.Sprintf("%.2f", f.LatencyP50-base.LatencyP50), number(f.FirstP50, 2), fmt.Sprintf("%.2f", f.FirstP50-base.FirstP50))
		}
		all = append(all, append(row, number(f.IdleMB, 0), number(f.FixedRateMB, 0), number(f.PeakMB, 0)))
	}
	return all
}

func (r *report) rowTable() [][]string {
	all := [][]string{{"", "rows expected", "found", "distinct ids", "payload rows", "verify", "row visible p50 ms", "p99", "at 200/s p50", "p99"}}
	for _, f := range r.Targets {
		if f.Rows == nil {
			continue
		}
		verdict := "ok"
		if f.Rows.Verify != nil {
			verdict = "FAILED"
		}
		row := []string{f.Name, fmt.Sprint(f.Sent), fmt.Sprint(f.Rows.Found), fmt.Sprint(f.Rows.Distinct), fmt.Sprint(f.Rows.Payloads), verdict}
		if f.Fresh != nil {
			row = append(row, number(ms(f.Fresh.Idle.P50), 1), number(ms(f.Fresh.Idle.P99), 1), number(ms(f.Fresh.Busy.P50), 1), number(ms(f.Fresh.Busy.P99), 1))
		} else {
			row = append(row, "-", "-", "-", "-")
		}
		all = append(all, row)
	}
	return all
}

// number writes a figure, or a dash for one that is unknown.
func number(v float64, digits int) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.*f", digits, v)
}

// table writes rows, the first of which is the head, as a Markdown table with aligned columns.
func table(b *strings.Builder, all [][]string) {
	width := make([]int, len(all[0]))
	for _, row := range all {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for n, row := range all {
		for i, cell := range row {
			fmt.Fprintf(b, "| %s%s ", cell, strings.Repeat(" ", width[i]-len([]rune(cell))))
		}
		b.WriteString("|\n")
		if n == 0 {
			for _, w := range width {
				b.WriteString("|" + strings.Repeat("-", w+2))
			}
			b.WriteString("|\n")
		}
	}
}

// write keeps the report in a folder.
func (r *report) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	j, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "bench.json"), j, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "bench.md"), []byte(strings.TrimPrefix(r.text(), "\n")), 0o644)
}
