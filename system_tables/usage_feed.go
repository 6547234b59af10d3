package systemtables

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// maxNanos is the largest cost that fits DECIMAL(18,9): just under a billion dollars.
const maxNanos = 999_999_999_999_999_999

// UsageFeed turns records into rows of system.serving.endpoint_usage.
type UsageFeed struct {
	cfg    Config
	schema schemaCheck
	row    row
}

// NewUsageFeed returns a feed whose rows carry cfg.
func NewUsageFeed(cfg Config) *UsageFeed {
	return &UsageFeed{cfg: cfg, schema: schemaCheck{want: endpointUsage.Arrow()}}
}

// Table returns endpoint_usage for a record and nil for any other fact.
func (f *UsageFeed) Table(fact inference.Fact) *tableschema.Table {
	if fact.Record == nil {
		return nil
	}
	return endpointUsage
}

// Append adds the record's row to b, or nothing and says why: the fact is not a record, has no id
// or time, its cost doesn't fit the column, or b has other columns than the table.
func (f *UsageFeed) Append(b *array.RecordBuilder, fact inference.Fact) error {
	rec := fact.Record
	if err := checkRecord(rec); err != nil {
		return fmt.Errorf("row of %s: %w", endpointUsage.Name, err)
	}
	if err := f.schema.check(b); err != nil {
		return fmt.Errorf("row of %s: %w", endpointUsage.Name, err)
	}
	f.row.b = b
	f.databricks(rec)
	f.target(rec)
	f.result(rec)
	f.usage(rec)
	f.usageDetails(rec)
	f.row.attempts(uAttempts, rec.Attempts)
	f.row.cacheUse(rec.Cache)
	f.beside(rec)
	f.caller(rec)
	f.row.b = nil
	return nil
}

func checkRecord(rec *inference.Record) error {
	switch {
	case rec == nil:
		return errors.New("the fact is not a record")
	case rec.ID == uuid.Nil:
		return errors.New("the record has no id")
	case rec.Time.IsZero():
		return fmt.Errorf("record %s has no time", rec.ID)
	case rec.Cost != nil && (rec.Cost.NanoUSD < -maxNanos || rec.Cost.NanoUSD > maxNanos):
		return fmt.Errorf("record %s costs %d nano-dollars, more than the column holds", rec.ID, rec.Cost.NanoUSD)
	}
	return nil
}

// databricks appends the columns that Databricks' table has, but for those of usage.
func (f *UsageFeed) databricks(rec *inference.Record) {
	r := &f.row
	r.text(uAccountID, f.cfg.AccountID)
	r.text(uWorkspaceID, f.cfg.WorkspaceID)
	r.text(uClientRequestID, rec.ClientRequestID)
	r.id(uRequestID, rec.ID)
	r.text(uRequester, rec.Principal.Name)
	r.status(uStatusCode, rec.Status)
	r.moment(uRequestTime, rec.Time)
	r.tags(uUsageContext, rec.UsageContext)
	r.flag(uStreaming, rec.Streaming)
	r.text(uServedEntityID, rec.Target.ServedEntityID)
	r.date(uRequestDate, rec.Time)
}

func (f *UsageFeed) target(rec *inference.Record) {
	r := &f.row
	r.text(uEndpointName, rec.Target.Endpoint)
	r.text(uEndpointID, rec.Target.EndpointID)
	r.text(uServedEntityName, rec.Target.ServedEntity)
	r.text(uProvider, rec.Target.Provider)
	r.text(uRequestedModel, rec.RequestedModel)
	r.text(uModel, rec.Target.Model)
	r.text(uAPIType, rec.APIType)
	r.text(uTask, rec.Target.Task)
	r.text(uUpstreamAPI, rec.Target.UpstreamAPI)
}

func (f *UsageFeed) result(rec *inference.Record) {
	r := &f.row
	outcome := rec.Outcome
	if outcome == "" {
		outcome = inference.InternalFailure // a record must say how it ended; the row is kept all the same
	}
	r.text(uOutcome, string(outcome))
	r.text(uErrorCode, rec.ErrorCode)
	r.text(uErrorMessage, rec.ErrorMessage)
	r.millis(uLatency, rec.Latency)
	r.optionalMillis(uFirstToken, rec.TimeToFirstToken)
	r.optionalMillis(uUpstreamLatency, rec.UpstreamLatency)
}

func (f *UsageFeed) usage(rec *inference.Record) {
	r, u := &f.row, &rec.Usage
	r.count(uInputTokens, u.Input)
	r.count(uOutputTokens, u.Output)
	r.count(uInputChars, u.InputChars)
	r.count(uOutputChars, u.OutputChars)
	r.count(uTotalTokens, total(u))
	r.count(uCachedTokens, u.CachedInput)
	r.count(uCacheWriteTokens, u.CacheWrite)
	r.count(uReasoningTokens, u.Reasoning)
	r.text(uUsageSource, string(u.Source))
	r.cost(rec.Cost)
}

func (f *UsageFeed) usageDetails(rec *inference.Record) {
	r, u := &f.row, &rec.Usage
	r.count(uUncachedTokens, uncached(u))
	r.count(uCacheWrite1hTokens, u.CacheWrite1h)
	r.count(uInputAudioTokens, u.InputAudio)
	r.count(uInputImageTokens, u.InputImage)
	r.count(uCachedAudioTokens, u.CachedAudio)
	r.count(uCachedImageTokens, u.CachedImage)
	r.count(uOutputAudioTokens, u.OutputAudio)
	r.count(uOutputImageTokens, u.OutputImage)
	r.count(uInputVideoTokens, u.InputVideo)
	r.count(uOutputVideoTokens, u.OutputVideo)
	r.count(uSearches, u.Searches)
	r.count(uToolPromptTokens, u.ToolPrompt)
	r.text(uServiceTier, u.ServiceTier)
	r.json(uUsageJSON, u.Raw)
}

// uncached is the input that has nothing to do with the provider's cache. A provider that says
// nothing of a cache has none; counts that contradict each other give no number.
func uncached(u *inference.Usage) *int64 {
	if u.Input == nil {
		return nil
	}
	rest := *u.Input
	for _, part := range [...]*int64{u.CachedInput, u.CacheWrite} {
		if part != nil {
			rest -= *part
		}
	}
	if rest < 0 {
		return nil
	}
	return &rest
}

// total is the provider's own total, or the exact sum where the provider sends none.
func total(u *inference.Usage) *int64 {
	if u.Total != nil || u.Input == nil || u.Output == nil {
		return u.Total
	}
	sum := *u.Input + *u.Output
	return &sum
}

func (f *UsageFeed) caller(rec *inference.Record) {
	r := &f.row
	r.text(uRequesterType, string(rec.Principal.Kind))
	r.text(uKeyID, rec.Principal.KeyID)
	r.tags(uKeyTags, rec.Principal.KeyTags)
	r.text(uUserAgent, rec.UserAgent)
	r.text(uIPAddress, rec.RemoteIP)
	r.text(uURL, rec.URL)
	r.flag(uGenerated, rec.Generated)
}

// beside appends what requests and tries beside the client's are known by, and the prompt.
func (f *UsageFeed) beside(rec *inference.Record) {
	r := &f.row
	r.count(uExtraNanos, rec.ExtraNanoUSD)
	r.text(uPurpose, rec.Purpose)
	if v := rec.PromptVersion; v != 0 {
		r.count(uPromptVersion, &v)
	} else {
		r.count(uPromptVersion, nil)
	}
	if rec.Parent == uuid.Nil {
		r.text(uParentID, "")
		return
	}
	r.id(uParentID, rec.Parent)
}

// id appends the UUID's text without making a string of it.
func (r *row) id(col int, id inference.ID) {
	var buf [36]byte
	text := buf[:0]
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, part)
	}
	r.b.Field(col).(*array.StringBuilder).BinaryBuilder.Append(text)
}

func (r *row) cost(c *inference.Cost) {
	dollars := r.b.Field(uCost).(*array.Decimal128Builder)
	nanos := r.b.Field(uCostNanos).(*array.Int64Builder)
	if c == nil {
		dollars.AppendNull()
		nanos.AppendNull()
		r.count(uListNanos, nil)
		r.text(uPriceVersion, "")
		return
	}
	dollars.Append(decimal128.FromI64(c.NanoUSD)) // the scale is 9: the digits are the nano-dollars
	nanos.Append(c.NanoUSD)
	r.count(uListNanos, c.ListNanoUSD)
	r.text(uPriceVersion, c.PriceVersion)
}

// cacheUse appends what the response cache did, NULLs where it was not asked.
func (r *row) cacheUse(c *inference.CacheUse) {
	if c == nil {
		r.b.Field(uCacheHit).AppendNull()
		c = &inference.CacheUse{}
	} else {
		r.flag(uCacheHit, c.Hit)
	}
	r.count(uSavedNanos, c.SavedNanoUSD)
	r.count(uSavedInput, c.SavedInput)
	r.count(uSavedOutput, c.SavedOutput)
}

// attempts appends the list of tries, NULL for none.
func (r *row) attempts(col int, as []inference.Attempt) {
	list := r.b.Field(col).(*array.ListBuilder)
	if len(as) == 0 {
		list.AppendNull()
		return
	}
	list.Append(true)
	st := list.ValueBuilder().(*array.StructBuilder)
	for i, a := range as {
		st.Append(true)
		text1(st.FieldBuilder(0).(*array.StringBuilder), action(as, i))
		text1(st.FieldBuilder(1).(*array.StringBuilder), a.ServedEntity)
		text1(st.FieldBuilder(2).(*array.StringBuilder), a.Provider)
		text1(st.FieldBuilder(3).(*array.StringBuilder), a.Model)
		status1(st.FieldBuilder(4).(*array.Int32Builder), a.Status)
		millis1(st.FieldBuilder(5).(*array.Int64Builder), a.Latency)
		text1(st.FieldBuilder(6).(*array.StringBuilder), a.Error)
		text1(st.FieldBuilder(7).(*array.StringBuilder), a.Why)
		count1(st.FieldBuilder(8).(*array.Int64Builder), a.Input)
		count1(st.FieldBuilder(9).(*array.Int64Builder), a.Output)
		count1(st.FieldBuilder(10).(*array.Int64Builder), a.CostNano)
		text1(st.FieldBuilder(11).(*array.StringBuilder), string(a.Source))
	}
}

func action(as []inference.Attempt, i int) string {
	switch {
	case as[i].Action != "":
		return as[i].Action
	case i == 0:
		return "CALL"
	case as[i].ServedEntity == as[i-1].ServedEntity:
		return "RETRY"
	default:
		return "FALLBACK"
	}
}
