package inferencetables

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/inference"
)

// replacement stands for bytes that are not UTF-8.
const replacement = "\uFFFD"

// row writes one row into a builder whose columns were checked.
type row struct {
	b    *array.RecordBuilder
	keys []string // scratch of tags, kept between rows
}

func (r *row) names(rec *inference.Record) {
	r.id(cRequestID, rec.ID)
	r.text(cClientRequestID, rec.ClientRequestID)
	r.text(cServedEntityID, rec.Target.ServedEntityID)
	r.text(cRequester, rec.Principal.Name)
	r.text(cEndpointName, rec.Target.Endpoint)
	r.text(cServedEntityName, rec.Target.ServedEntity)
	r.text(cModel, rec.Target.Model)
	r.text(cAPIType, rec.APIType)
	r.tags(cUsageContext, rec.UsageContext)
}

func (r *row) result(rec *inference.Record) {
	r.b.Field(cRequestDate).(*array.Date32Builder).Append(arrow.Date32FromTime(rec.Time.UTC()))
	r.b.Field(cRequestTime).(*array.TimestampBuilder).Append(arrow.Timestamp(rec.Time.UnixMicro()))
	r.b.Field(cSamplingFraction).(*array.Float64Builder).Append(rec.Payload.SamplingFraction)
	r.b.Field(cStreaming).(*array.BooleanBuilder).Append(rec.Streaming)
	outcome := rec.Outcome
	if outcome == "" {
		outcome = inference.InternalFailure // a record must say how it ended; the row is kept all the same
	}
	r.text(cOutcome, string(outcome))
	status := r.b.Field(cStatusCode).(*array.Int32Builder)
	if rec.Status == 0 {
		status.AppendNull()
	} else {
		status.Append(int32(rec.Status))
	}
	took := r.b.Field(cExecutionDuration).(*array.Int64Builder)
	if rec.UpstreamLatency == nil {
		took.AppendNull()
	} else {
		took.Append(rec.UpstreamLatency.Round(time.Millisecond).Milliseconds())
	}
}

// id appends the UUID's text.
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

// text appends a string, NULL for "".
func (r *row) text(col int, s string) {
	b := r.b.Field(col).(*array.StringBuilder)
	if s == "" {
		b.AppendNull()
		return
	}
	b.Append(strings.ToValidUTF8(s, replacement))
}

// body appends bytes that are UTF-8 without making a string of them, NULL for nil.
func (r *row) body(col int, body []byte) {
	b := r.b.Field(col).(*array.StringBuilder)
	if body == nil {
		b.AppendNull()
		return
	}
	b.BinaryBuilder.Append(body)
}

// codes appends what could not be kept, an empty list when all was.
func (r *row) codes(col int, codes []string, invalid bool) {
	list := r.b.Field(col).(*array.ListBuilder)
	list.Append(true)
	items := list.ValueBuilder().(*array.StringBuilder)
	for _, c := range codes {
		items.Append(strings.ToValidUTF8(c, replacement))
	}
	if invalid && !slices.Contains(codes, InvalidUTF8) {
		items.Append(InvalidUTF8)
	}
}

// tags appends a map with sorted keys, NULL for an empty one.
func (r *row) tags(col int, m map[string]string) {
	b := r.b.Field(col).(*array.MapBuilder)
	if len(m) == 0 {
		b.AppendNull()
		return
	}
	r.keys = r.keys[:0]
	for k := range m {
		if !utf8.ValidString(k) {
			r.tags(col, validKeys(m))
			return
		}
		r.keys = append(r.keys, k)
	}
	slices.Sort(r.keys)
	b.Append(true)
	keys, items := b.KeyBuilder().(*array.StringBuilder), b.ItemBuilder().(*array.StringBuilder)
	for _, k := range r.keys {
		keys.Append(k)
		items.Append(strings.ToValidUTF8(m[k], replacement))
	}
}

// validKeys returns the map with valid keys. Where two become one, the first in the order of the
// original keys stays: a map that has a key twice breaks its readers.
func validKeys(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		valid := strings.ToValidUTF8(k, replacement)
		if _, ok := out[valid]; !ok {
			out[valid] = m[k]
		}
	}
	return out
}
