package factlog

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

// How a field's value is written; the low two bits of its key.
const (
	asVarint = 0 // unsigned LEB128; signed numbers zigzagged
	asBytes  = 1 // length as varint, then bytes
	asNested = 2 // length as 4 bytes little-endian, then bytes that are fields again
)

// writer appends fields. What is empty, false or nil is left out.
type writer []byte

func (w *writer) uint(tag int, v uint64) {
	*w = binary.AppendUvarint(*w, uint64(tag)<<2|asVarint)
	*w = binary.AppendUvarint(*w, v)
}

func (w *writer) int(tag int, v int64) { w.uint(tag, uint64(v<<1)^uint64(v>>63)) }

func (w *writer) optional(tag int, v *int64) {
	if v != nil {
		w.int(tag, *v)
	}
}

func (w *writer) nonzero(tag int, v int64) {
	if v != 0 {
		w.int(tag, v)
	}
}

func (w *writer) flag(tag int, v bool) {
	if v {
		w.uint(tag, 1)
	}
}

func (w *writer) duration(tag int, d *time.Duration) { w.optional(tag, (*int64)(d)) }

// head starts a field whose n bytes follow.
func (w *writer) head(tag, n int) {
	*w = binary.AppendUvarint(*w, uint64(tag)<<2|asBytes)
	*w = binary.AppendUvarint(*w, uint64(n))
}

func (w *writer) string(tag int, s string) {
	if s != "" {
		w.always(tag, s)
	}
}

// bytes writes bytes without making a string of them.
func (w *writer) bytes(tag int, b []byte) {
	if len(b) > 0 {
		w.head(tag, len(b))
		*w = append(*w, b...)
	}
}

// always writes a string that may be empty.
func (w *writer) always(tag int, s string) {
	w.head(tag, len(s))
	*w = append(*w, s...)
}

func (w *writer) strings(tag int, list []string) {
	for _, s := range list {
		w.always(tag, s)
	}
}

// time writes a time as seconds and nanoseconds under two tags.
func (w *writer) time(tagSeconds, tagNanos int, t time.Time) {
	if t.IsZero() {
		return
	}
	w.int(tagSeconds, t.Unix())
	w.nonzero(tagNanos, int64(t.Nanosecond()))
}

// nested writes a field made of fields.
func (w *writer) nested(tag int, fields func(*writer)) {
	*w = binary.AppendUvarint(*w, uint64(tag)<<2|asNested)
	at := len(*w)
	*w = append(*w, 0, 0, 0, 0)
	fields(w)
	binary.LittleEndian.PutUint32((*w)[at:], uint32(len(*w)-at-4))
}

func (w *writer) tags(tag int, m map[string]string) {
	if m == nil {
		return
	}
	w.nested(tag, func(w *writer) {
		for k, v := range m {
			w.always(tagMapKey, k)
			w.always(tagMapValue, v)
		}
	})
}

// record writes every fact but the bodies.
func (w *writer) record(r *inference.Record) {
	w.head(tagID, len(r.ID))
	*w = append(*w, r.ID[:]...)
	w.time(tagSeconds, tagNanos, r.Time)
	w.principal(&r.Principal)
	w.target(&r.Target)
	w.string(tagAPIType, r.APIType)
	w.string(tagURL, r.URL)
	w.string(tagRequestedModel, r.RequestedModel)
	w.string(tagClientRequestID, r.ClientRequestID)
	w.tags(tagUsageContext, r.UsageContext)
	w.flag(tagStreaming, r.Streaming)
	w.string(tagUserAgent, r.UserAgent)
	w.string(tagRemoteIP, r.RemoteIP)
	w.nonzero(tagStatus, int64(r.Status))
	w.string(tagOutcome, string(r.Outcome))
	w.string(tagErrorCode, r.ErrorCode)
	w.string(tagErrorMessage, r.ErrorMessage)
	w.nonzero(tagLatency, int64(r.Latency))
	w.duration(tagTimeToFirstToken, r.TimeToFirstToken)
	w.duration(tagUpstreamLatency, r.UpstreamLatency)
	for i := range r.Attempts {
		w.attempt(&r.Attempts[i])
	}
	w.usage(&r.Usage)
	w.flag(tagGenerated, r.Generated)
	w.cost(r.Cost)
	w.cacheUse(r.Cache)
	w.optional(tagExtraNanos, r.ExtraNanoUSD)
	w.string(tagPurpose, r.Purpose)
	if r.Parent != (inference.ID{}) {
		w.head(tagParent, len(r.Parent))
		*w = append(*w, r.Parent[:]...)
	}
	w.nonzero(tagPromptVersion, r.PromptVersion)
	w.string(tagPayloadTable, r.Payload.Table)
	if f := r.Payload.SamplingFraction; f != 0 {
		w.uint(tagSamplingFraction, math.Float64bits(f))
	}
	w.strings(tagPayloadErrorCode, r.Payload.ErrorCodes)
}

func (w *writer) principal(p *inference.Principal) {
	w.string(tagPrincipalName, p.Name)
	w.string(tagPrincipalKind, string(p.Kind))
	w.string(tagKeyID, p.KeyID)
	w.tags(tagKeyTags, p.KeyTags)
	w.strings(tagGroup, p.Groups)
}

func (w *writer) target(t *inference.Target) {
	w.string(tagEndpoint, t.Endpoint)
	w.string(tagEndpointID, t.EndpointID)
	w.string(tagServedEntity, t.ServedEntity)
	w.string(tagServedEntityID, t.ServedEntityID)
	w.string(tagProvider, t.Provider)
	w.string(tagModel, t.Model)
	w.string(tagTask, t.Task)
	w.string(tagUpstreamAPI, t.UpstreamAPI)
}

func (w *writer) usage(u *inference.Usage) {
	w.string(tagUsageSource, string(u.Source))
	w.optional(tagInput, u.Input)
	w.optional(tagOutput, u.Output)
	w.optional(tagTotal, u.Total)
	w.optional(tagCachedInput, u.CachedInput)
	w.optional(tagCacheWrite, u.CacheWrite)
	w.optional(tagReasoning, u.Reasoning)
	w.optional(tagInputChars, u.InputChars)
	w.optional(tagOutputChars, u.OutputChars)
	w.optional(tagCacheWrite1h, u.CacheWrite1h)
	w.optional(tagInputAudio, u.InputAudio)
	w.optional(tagInputImage, u.InputImage)
	w.optional(tagCachedAudio, u.CachedAudio)
	w.optional(tagCachedImage, u.CachedImage)
	w.optional(tagOutputAudio, u.OutputAudio)
	w.optional(tagOutputImage, u.OutputImage)
	w.optional(tagInputVideo, u.InputVideo)
	w.optional(tagOutputVideo, u.OutputVideo)
	w.optional(tagSearches, u.Searches)
	w.optional(tagToolPrompt, u.ToolPrompt)
	w.string(tagServiceTier, u.ServiceTier)
	w.bytes(tagRawUsage, u.Raw)
}

func (w *writer) cost(c *inference.Cost) {
	if c == nil {
		return
	}
	w.int(tagCostNanos, c.NanoUSD)
	w.string(tagPriceVersion, c.PriceVersion)
	w.optional(tagListNanos, c.ListNanoUSD)
}

func (w *writer) cacheUse(c *inference.CacheUse) {
	if c == nil {
		return
	}
	use := uint64(cacheMiss)
	if c.Hit {
		use = cacheHit
	}
	w.uint(tagCacheUse, use)
	w.optional(tagSavedNanos, c.SavedNanoUSD)
	w.optional(tagSavedInput, c.SavedInput)
	w.optional(tagSavedOutput, c.SavedOutput)
}

// The values of tagCacheUse.
const (
	cacheMiss = 1
	cacheHit  = 2
)

func (w *writer) attempt(a *inference.Attempt) {
	w.nested(tagAttempt, func(w *writer) {
		w.string(tagAttemptEntity, a.ServedEntity)
		w.string(tagAttemptProvider, a.Provider)
		w.string(tagAttemptModel, a.Model)
		w.nonzero(tagAttemptStatus, int64(a.Status))
		w.string(tagAttemptError, a.Error)
		w.nonzero(tagAttemptLatency, int64(a.Latency))
		w.string(tagAttemptWhy, a.Why)
		w.string(tagAttemptAction, a.Action)
		w.string(tagAttemptSource, string(a.Source))
		w.optional(tagAttemptInput, a.Input)
		w.optional(tagAttemptOutput, a.Output)
		w.optional(tagAttemptNanos, a.CostNano)
	})
}

func (w *writer) entity(c *inference.EntityChange) {
	w.time(tagEntitySeconds, tagEntityNanos, c.Time)
	w.string(tagEntityEndpointID, c.EndpointID)
	w.string(tagEntityEndpointName, c.EndpointName)
	w.string(tagEntityServedID, c.ServedEntityID)
	w.string(tagEntityServedName, c.ServedEntityName)
	w.string(tagEntityType, c.EntityType)
	w.string(tagEntityName, c.EntityName)
	w.string(tagEntityVersion, c.EntityVersion)
	w.nonzero(tagEntityConfigVersion, int64(c.ConfigVersion))
	w.string(tagEntityTask, c.Task)
	w.string(tagEntityProvider, c.Provider)
	w.string(tagEntityCreatedBy, c.CreatedBy)
	if c.DeleteTime != nil {
		w.int(tagEntityDeleteSeconds, c.DeleteTime.Unix())
		w.nonzero(tagEntityDeleteNanos, int64(c.DeleteTime.Nanosecond()))
	}
}

func (w *writer) loss(l *inference.Loss) {
	w.time(tagLossSeconds, tagLossNanos, l.Time)
	w.time(tagLossSinceSeconds, tagLossSinceNanos, l.Since)
	w.string(tagLossTable, l.Table)
	w.nonzero(tagLossRows, l.Rows)
	w.flag(tagLossAtLeast, l.AtLeast)
	w.string(tagLossReason, string(l.Reason))
	w.string(tagLossDetail, l.Detail)
}

func (w *writer) audit(a *inference.Audit) {
	w.time(tagAuditSeconds, tagAuditNanos, a.Time)
	w.string(tagAuditService, a.Service)
	w.string(tagAuditAction, a.Action)
	w.string(tagAuditRequestID, a.RequestID)
	w.string(tagAuditActor, a.Actor)
	w.string(tagAuditRemoteIP, a.RemoteIP)
	w.string(tagAuditUserAgent, a.UserAgent)
	w.tags(tagAuditParams, a.Params)
	w.nonzero(tagAuditStatus, int64(a.Status))
	w.string(tagAuditError, a.Error)
}
