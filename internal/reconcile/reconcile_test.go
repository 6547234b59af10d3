package reconcile

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func show(r *Row) string {
	if r == nil {
		return "-"
	}
	n := func(p *int64) string {
		if p == nil {
			return "?"
		}
		return fmt.Sprint(*p)
	}
	return fmt.Sprintf("%s %s req=%s in=%s out=%s cached=%s written=%s nanos=%s", r.Day, r.Model, n(r.Requests), n(r.Input), n(r.Output), n(r.Cached), n(r.Written), n(r.Nanos))
}

func showAll(rows []Row) string {
	var out []string
	for i := range rows {
		out = append(out, show(&rows[i]))
	}
	return strings.Join(out, "\n")
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, in string
		columns  map[string]string
		format   Format
		want     string
	}{
		{
			"two pages of OpenAI's usage", `{"object":"page","data":[{"object":"bucket","start_time":1763596800,"end_time":1763683200,"results":[
				{"object":"organization.usage.completions.result","input_tokens":1000,"output_tokens":50,"input_cached_tokens":800,"num_model_requests":5,"model":"gpt-4o-2024-08-06","batch":false},
				{"object":"organization.usage.completions.result","input_tokens":10,"output_tokens":5,"input_cached_tokens":0,"num_model_requests":1,"model":"gpt-4o-2024-08-06","batch":true}]}],"has_more":true}
				{"object":"page","data":[{"object":"bucket","start_time":1763683200,"results":[{"input_tokens":7,"num_model_requests":1,"model":"text-embedding-3-small"}]}],"has_more":false}`,
			nil, OpenAIUsage,
			"2025-11-20 gpt-4o-2024-08-06 req=6 in=1010 out=55 cached=800 written=? nanos=?\n2025-11-21 text-embedding-3-small req=1 in=7 out=? cached=? written=? nanos=?",
		},
		{
			"OpenAI's costs", `{"data":[{"start_time":1763596800,"results":[
				{"object":"organization.costs.result","amount":{"value":0.06,"currency":"usd"},"line_item":"gpt-4o-2024-08-06, input"},
				{"object":"organization.costs.result","amount":{"value":1.25e-7,"currency":"usd"},"line_item":"gpt-4o-2024-08-06, cached input"},
				{"object":"organization.costs.result","amount":{"value":"0.1000000004","currency":"usd"},"line_item":"gpt-4o-2024-08-06, output"}]}]}`,
			nil, OpenAICosts, "2025-11-20 gpt-4o-2024-08-06 req=? in=? out=? cached=? written=? nanos=160000125",
		},
		{
			"Anthropic's usage", `{"data":[{"starting_at":"2026-11-20T00:00:00Z","ending_at":"2026-11-21T00:00:00Z","results":[
				{"uncached_input_tokens":1500,"cache_creation":{"ephemeral_1h_input_tokens":1000,"ephemeral_5m_input_tokens":500},"cache_read_input_tokens":200,"output_tokens":500,
				 "server_tool_use":{"web_search_requests":10},"model":"claude-sonnet-4-20250514","service_tier":"standard"}]}],"has_more":false,"next_page":null}`,
			nil, AnthropicUsage, "2026-11-20 claude-sonnet-4-20250514 req=? in=3200 out=500 cached=200 written=1500 nanos=?",
		},
		{
			"Anthropic's costs are cents", `[{"data":[{"starting_at":"2026-11-20T00:00:00Z","results":[{"currency":"USD","amount":"123.78912","description":"Claude Sonnet 4 Usage - Input Tokens","model":"claude-sonnet-4","token_type":"uncached_input_tokens"}]}]}]`,
			nil, AnthropicCost, "2026-11-20 claude-sonnet-4 req=? in=? out=? cached=? written=? nanos=1237891200",
		},
		{
			"CSV", "\ufeffdate,Model,input_tokens,output_tokens,cost_usd\n2026-11-20,m,\"1,200\",3.0,$0.5\n2026-11-20T23:59:00Z,M,1,,0.25\n",
			nil, CSV, "2026-11-20 m req=? in=1201 out=3 cached=? written=? nanos=750000000",
		},
		{
			"CSV with columns of its own", "ChargePeriodStart,SkuId,EffectiveCost\n2026-11-20 00:00:00,sku,1\n",
			map[string]string{"model": "SkuId", "cost": "effectivecost"},
			CSV, "2026-11-20 sku req=? in=? out=? cached=? written=? nanos=1000000000",
		},
	} {
		rows, format, err := Read(strings.NewReader(c.in), c.columns)
		if err != nil || format != c.format || showAll(rows) != c.want {
			t.Errorf("%s: %s %v\n got %s\nwant %s", c.name, format, err, showAll(rows), c.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "empty",
		" \n":                            "empty",
		`{"data":`:                       "page 1",
		`{"error":{"message":"no key"}}`: `no "data"`,
		`{"data":[{"results":[]}]}`:      "neither start_time",
		`{"data":[{"start_time":1,"results":[{"input_tokens":1}]}]}`:                                                     "group_by=model",
		`{"data":[{"start_time":1,"results":[{"amount":{"value":1,"currency":"eur"},"line_item":"x"}]}]}`:                "in eur",
		`{"data":[{"start_time":1,"results":[{"amount":{"value":1,"currency":"usd"}}]}]}`:                                "group_by=line_item",
		`{"data":[{"starting_at":"2026-11-20T00:00:00Z","results":[{"currency":"USD","amount":"1/0","model":"m"}]}]}`:    "not an amount",
		`{"data":[{"starting_at":"2026-11-20T00:00:00Z","results":[{"currency":"USD","amount":"1e9999","model":"m"}]}]}`: "not an amount",
		`{"data":[{"start_time":1,"results":[{"model":"m"},{"amount":{"value":1},"line_item":"m"}]}]}`:                   "results[1]: it is of openai-costs",
		"a,b\n1,2\n":                               "no column is the date",
		"date,b\n1,2\n":                            "no column is the model",
		"date,model\n2026-11-20,m\n":               "no column has tokens",
		"date,model,cost\nyesterday,m,1":           "line 2: \"yesterday\" is not a date",
		"date,model,cost\n2026-11-20,m,x":          "line 2: cost",
		"date,model,input_tokens\n2026-11-20,m,-1": "line 2: input",
		"date,model,input_tokens\n2026-11-20":      "wrong number of fields",
	} {
		_, _, err := Read(strings.NewReader(in), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", in, err, want)
		}
	}
	if _, _, err := Read(strings.NewReader("date,model,cost\n"), map[string]string{"price": "cost"}); err == nil || !strings.Contains(err.Error(), `no "price"`) {
		t.Errorf("error %v", err)
	}
}

func TestCompare(t *testing.T) {
	n := func(v int64) *int64 { return &v }
	theirs := []Row{
		{Day: "2026-11-20", Model: "a", Requests: n(3), Input: n(1000), Output: n(100)},
		{Day: "2026-11-20", Model: "b", Input: n(1000), Nanos: n(500)},
		{Day: "2026-11-20", Model: "elsewhere", Input: n(5)},
		{Day: "2026-11-21", Model: "idle", Input: n(0)},
	}
	ours := []Row{
		{Day: "2026-11-20", Model: "A", Requests: n(2), Input: n(1005), Output: n(100), Cached: n(7), Nanos: n(9)},
		{Day: "2026-11-20", Model: "b", Input: n(900), Nanos: nil},
		{Day: "2026-11-22", Model: "unbilled", Input: n(1), Nanos: n(3)},
	}
	got := map[string][]string{}
	for _, d := range Compare(theirs, ours, 0.01, false) {
		got[d.Model] = d.Off
	}
	want := map[string][]string{"a": nil, "b": {"input"}, "elsewhere": {"input"}, "idle": nil, "unbilled": {"input", "cost"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if d := Compare(theirs[:1], ours[:1], 0, true); !reflect.DeepEqual(d[0].Off, []string{"requests", "input"}) {
		t.Errorf("without tolerance: %v", d[0].Off)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"data":[{"start_time":1,"results":[{"model":"m"}]}]}`)
	f.Add("date,model,cost\n2026-11-20,m,1")
	f.Fuzz(func(t *testing.T, in string) {
		rows, _, err := Read(strings.NewReader(in), nil)
		if err != nil && rows != nil {
			t.Error("rows beside an error")
		}
	})
}
