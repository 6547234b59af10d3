package reprice

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/inference"
)

// The columns that are read: of the ledger all that a price depends on.
var (
	ledgerColumns = []string{
		"databricks_request_id", "request_time", "provider", "model", "usage_source", "service_tier",
		"input_token_count", "output_token_count", "total_token_count", "cached_input_token_count",
		"cache_write_token_count", "cache_write_1h_token_count", "input_audio_token_count", "input_image_token_count",
		"cached_input_audio_token_count", "cached_input_image_token_count", "reasoning_token_count",
		"output_audio_token_count", "output_image_token_count", "input_video_token_count", "output_video_token_count", "search_count", "tool_prompt_token_count",
		"cost_nanos", "list_cost_nanos", "extra_cost_nanos", "price_version",
	}
	correctionColumns = []string{"databricks_request_id", "corrected_at", "cost_nanos", "list_cost_nanos", "price_version"}
)

// columns are a batch's, by name.
type columns struct {
	texts   map[string]*array.String
	numbers map[string]*array.Int64
	moments map[string]*array.Timestamp
}

func newColumns(b arrow.RecordBatch) *columns {
	c := &columns{map[string]*array.String{}, map[string]*array.Int64{}, map[string]*array.Timestamp{}}
	for i, f := range b.Schema().Fields() {
		switch a := b.Column(i).(type) {
		case *array.String:
			c.texts[f.Name] = a
		case *array.Int64:
			c.numbers[f.Name] = a
		case *array.Timestamp:
			c.moments[f.Name] = a
		}
	}
	return c
}

func (c *columns) text(name string, i int) string {
	if a := c.texts[name]; a != nil && a.IsValid(i) {
		return a.Value(i)
	}
	return ""
}

func (c *columns) number(name string, i int) *int64 {
	if a := c.numbers[name]; a != nil && a.IsValid(i) {
		n := a.Value(i)
		return &n
	}
	return nil
}

func (c *columns) micros(name string, i int) int64 {
	if a := c.moments[name]; a != nil && a.IsValid(i) {
		return int64(a.Value(i))
	}
	return 0
}

// usage is what the row's request consumed.
func usage(c *columns, i int) inference.Usage {
	n := func(name string) *int64 { return c.number(name, i) }
	return inference.Usage{
		Source: inference.UsageSource(c.text("usage_source", i)), ServiceTier: c.text("service_tier", i),
		Input: n("input_token_count"), Output: n("output_token_count"), Total: n("total_token_count"),
		CachedInput: n("cached_input_token_count"), CacheWrite: n("cache_write_token_count"), CacheWrite1h: n("cache_write_1h_token_count"),
		InputAudio: n("input_audio_token_count"), InputImage: n("input_image_token_count"),
		CachedAudio: n("cached_input_audio_token_count"), CachedImage: n("cached_input_image_token_count"),
		Reasoning: n("reasoning_token_count"), OutputAudio: n("output_audio_token_count"), OutputImage: n("output_image_token_count"),
		InputVideo: n("input_video_token_count"), OutputVideo: n("output_video_token_count"),
		Searches: n("search_count"), ToolPrompt: n("tool_prompt_token_count"),
	}
}
