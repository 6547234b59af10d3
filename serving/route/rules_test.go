package route

import (
	"net/http"
	"testing"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// BenchmarkRule looks at 100 rules, of which the call meets the last.
func BenchmarkRule(b *testing.B) {
	var rules []endpoint.Rule
	for range 99 {
		rules = append(rules, endpoint.Rule{When: endpoint.Condition{
			Headers: []endpoint.Named{{Name: "X-Priority", Is: is("high", "urgent*")}}, Requesters: is("*@corp.example", "bot-*"),
		}})
	}
	rules = append(rules, endpoint.Rule{When: endpoint.Condition{Groups: is("vip")}})
	a := &Asked{Header: http.Header{"X-Priority": {"low"}}, Requester: "ann@corp.example", Groups: []string{"users", "vip"}}
	b.ReportAllocs()
	for b.Loop() {
		if Rule(rules, a) != 99 {
			b.Fatal("it meets the last")
		}
	}
}
