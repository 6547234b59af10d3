package serving_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lakegate/lakegate/serving"
	"github.com/lakegate/lakegate/serving/warm"
)

func TestWarmConnectionsInMetrics(t *testing.T) {
	c := serving.NewWarmCollector(func() warm.Stats {
		return warm.Stats{
			Entities: []warm.Entity{{Endpoint: "chat", Provider: "openai", Name: "gpt", Open: true}, {Endpoint: "chat", Provider: "custom", Name: "own"}},
			Rounds:   map[warm.Result]int64{warm.Opened: 2, warm.Kept: 7},
		}
	})
	want := `
# HELP lakegate_warm_connection Whether a connection to a served entity's provider was open when that was last looked at, for endpoints with warm_up.
# TYPE lakegate_warm_connection gauge
lakegate_warm_connection{endpoint="chat",provider="custom",served_entity="own"} 0
lakegate_warm_connection{endpoint="chat",provider="openai",served_entity="gpt"} 1
# HELP lakegate_warm_ups_total How often a provider was asked for a connection without a call, by what came of it: opened, kept, closed by the provider, or failed.
# TYPE lakegate_warm_ups_total counter
lakegate_warm_ups_total{result="closed"} 0
lakegate_warm_ups_total{result="failed"} 0
lakegate_warm_ups_total{result="kept"} 7
lakegate_warm_ups_total{result="opened"} 2
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
