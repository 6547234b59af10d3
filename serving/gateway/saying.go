package gateway

import (
	"fmt"
	"strconv"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// maxSaid bounds how many entities a row compares.
const maxSaid = 4

// saying says why the first of a sorted list is first: what is known of it and of the next.
func (w *work) saying(all []rated, by endpoint.StrategyKind) string {
	if by == endpoint.LowestCost && !all[0].known {
		return "lowest cost: no price is known"
	}
	b := make([]byte, 0, 80)
	b = append(b, map[endpoint.StrategyKind]string{
		endpoint.LeastBusy: "least busy: ", endpoint.LowestLatency: "lowest latency: ", endpoint.LowestCost: "lowest cost: about ",
	}[by]...)
	for i := range all {
		if i == maxSaid {
			b = fmt.Appendf(b, ", and %d more", len(all)-i)
			break
		}
		if i > 0 {
			b = append(append(append(b, ", "...), w.endpoint.Entities[all[i].place].Name...), ' ')
		}
		b = all[i].append(b, by, i == 0)
	}
	return string(b)
}

// append says what is known of an entity.
func (r *rated) append(b []byte, by endpoint.StrategyKind, first bool) []byte {
	switch {
	case by == endpoint.LeastBusy:
		b = strconv.AppendInt(b, int64(r.shown), 10)
		if first {
			b = append(b, " in flight"...)
		}
		if failed := r.value - r.shown; failed > 0 {
			b = fmt.Appendf(b, " and %g failed lately", failed)
		}
	case by == endpoint.LowestLatency && r.shown == 0:
		b = append(b, "not measured yet"...)
	case by == endpoint.LowestLatency:
		b = append(b, humanTime(time.Duration(r.shown))...)
		if first && r.old {
			b = append(b, ", which is old"...)
		}
	case !r.known:
		b = append(b, "unknown"...)
	default:
		b = append(append(b, '$'), dollars(r.shown)...)
	}
	if r.rests {
		b = append(b, " with its circuit open"...)
	}
	return b
}

// humanTime writes a time as people say it: 210 ms, 2.4 s.
func humanTime(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2g ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// dollars writes nano-dollars in two digits that count, without an exponent.
func dollars(nano float64) string {
	usd := nano / 1e9
	if usd >= 1 || usd == 0 {
		return strconv.FormatFloat(usd, 'f', 2, 64)
	}
	digits := 2
	for x := usd; x < 0.1; x *= 10 {
		digits++
	}
	return strconv.FormatFloat(usd, 'f', digits, 64)
}

// maxOutput returns how many tokens of output the caller allows, 0 for no bound that is known.
func (w *work) maxOutput() int64 {
	for _, name := range [...]string{"max_tokens", "max_completion_tokens", "max_output_tokens"} {
		if v, k := w.req.Member(name); k == rawjson.Number {
			if n, err := strconv.ParseInt(string(v), 10, 64); err == nil && n > 0 {
				return n
			}
		}
	}
	if w.codec.Format != wire.GeminiGenerate {
		return 0
	}
	var most int64
	for _, name := range [...]string{"generationConfig", "generation_config"} {
		config, _ := w.req.Member(name)
		rawjson.Members(config, func(name []byte, k rawjson.Kind, v []byte) bool {
			if k == rawjson.Number && (string(name) == "maxOutputTokens" || string(name) == "max_output_tokens") {
				most, _ = strconv.ParseInt(string(v), 10, 64)
			}
			return true
		})
	}
	return max(most, 0)
}
