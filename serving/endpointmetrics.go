package serving

import "fmt"

// counts are the calls of one endpoint.
type counts struct {
	all, refused, failed float64
	bounds               []float64 // of the histogram, in seconds
	below                []uint64  // calls up to each of bounds
	count                uint64
	seconds              float64
}

// of adds an endpoint's series up.
func (m *Metrics) of(endpoint string) (*counts, error) {
	families, err := m.registry.Gather()
	if err != nil {
		return nil, fmt.Errorf("gather metrics: %w", err)
	}
	n := &counts{}
	for _, f := range families {
		for _, series := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range series.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["endpoint"] != endpoint {
				continue
			}
			switch f.GetName() {
			case "lakegate_requests_total":
				v := series.GetCounter().GetValue()
				n.all += v
				switch labels["status"] {
				case "4xx":
					n.refused += v
				case "5xx":
					n.failed += v
				}
			case "lakegate_request_duration_seconds":
				h := series.GetHistogram()
				n.count += h.GetSampleCount()
				n.seconds += h.GetSampleSum()
				for i, b := range h.GetBucket() {
					if i == len(n.bounds) {
						n.bounds, n.below = append(n.bounds, b.GetUpperBound()), append(n.below, 0)
					}
					n.below[i] += b.GetCumulativeCount()
				}
			}
		}
	}
	return n, nil
}
