package factlog

import (
	"fmt"
	"math"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/wal"
)

func (d *Decoder) decodeRecord(b []byte) (admit wal.Pos, err error) {
	if b, err = body(b); err != nil {
		return wal.Pos{}, err
	}
	d.record = inference.Record{}
	d.ints = d.ints[:0]
	d.attempts = d.attempts[:0]
	var at instant
	err = each(b, func(f field) error {
		switch f.tag {
		case tagSeconds:
			at.seconds, at.set = f.int(), true
		case tagNanos:
			at.nanos = f.int()
		case tagAdmitSegment:
			admit.Segment = f.num
		case tagAdmitOffset:
			admit.Offset = int64(f.num)
		default:
			return d.recordField(&d.record, f)
		}
		return nil
	})
	d.record.Time = at.time()
	if len(d.attempts) > 0 {
		d.record.Attempts = d.attempts
	}
	return admit, err
}

// recordField sets what one field says. Tags are in groups, and each group has a function.
func (d *Decoder) recordField(r *inference.Record, f field) error {
	switch {
	case f.tag < tagPrincipalName:
		return d.idField(r, f)
	case f.tag <= tagGroup:
		return d.principalField(&r.Principal, f)
	case f.tag <= tagTask:
		d.targetField(&r.Target, f)
	case f.tag <= tagRemoteIP:
		return d.requestField(r, f)
	case f.tag <= tagAttempt:
		return d.outcomeField(r, f)
	case f.tag <= tagPriceVersion:
		d.usageField(r, f)
	case f.tag >= tagExtraNanos:
		return d.besideField(r, f)
	case f.tag >= tagCacheWrite1h:
		d.laterField(r, f)
	default:
		d.payloadField(r, f)
	}
	return nil
}

func (d *Decoder) idField(r *inference.Record, f field) error {
	if f.tag != tagID {
		return nil
	}
	return setID(&r.ID, f)
}

func setID(id *inference.ID, f field) error {
	if len(f.bytes) != len(id) {
		return fmt.Errorf("%w: an id of %d bytes", ErrMalformed, len(f.bytes))
	}
	copy(id[:], f.bytes)
	return nil
}

// besideField sets what requests and attempts beside the client's are known by.
func (d *Decoder) besideField(r *inference.Record, f field) error {
	switch f.tag {
	case tagExtraNanos:
		r.ExtraNanoUSD = d.keep(f.int())
	case tagPurpose:
		r.Purpose = d.names.of(f)
	case tagParent:
		return setID(&r.Parent, f)
	case tagPromptVersion:
		r.PromptVersion = f.int()
	}
	return nil
}

func (d *Decoder) requestField(r *inference.Record, f field) (err error) {
	switch f.tag {
	case tagAPIType:
		r.APIType = d.names.of(f)
	case tagURL:
		r.URL = d.names.of(f)
	case tagRequestedModel:
		r.RequestedModel = d.names.of(f)
	case tagClientRequestID:
		r.ClientRequestID = string(f.bytes)
	case tagUsageContext:
		r.UsageContext, err = d.tags(f.bytes)
	case tagStreaming:
		r.Streaming = f.num != 0
	case tagUserAgent:
		r.UserAgent = d.names.of(f)
	case tagRemoteIP:
		r.RemoteIP = d.names.of(f)
	}
	return err
}

func (d *Decoder) principalField(p *inference.Principal, f field) (err error) {
	switch f.tag {
	case tagPrincipalName:
		p.Name = d.names.of(f)
	case tagPrincipalKind:
		p.Kind = inference.PrincipalKind(d.names.of(f))
	case tagKeyID:
		p.KeyID = d.names.of(f)
	case tagKeyTags:
		p.KeyTags, err = d.tags(f.bytes)
	case tagGroup:
		p.Groups = append(p.Groups, d.names.of(f))
	}
	return err
}

func (d *Decoder) targetField(t *inference.Target, f field) {
	switch f.tag {
	case tagEndpoint:
		t.Endpoint = d.names.of(f)
	case tagEndpointID:
		t.EndpointID = d.names.of(f)
	case tagServedEntity:
		t.ServedEntity = d.names.of(f)
	case tagServedEntityID:
		t.ServedEntityID = d.names.of(f)
	case tagProvider:
		t.Provider = d.names.of(f)
	case tagModel:
		t.Model = d.names.of(f)
	case tagTask:
		t.Task = d.names.of(f)
	}
}

func (d *Decoder) outcomeField(r *inference.Record, f field) error {
	switch f.tag {
	case tagStatus:
		r.Status = int(f.int())
	case tagOutcome:
		r.Outcome = inference.Outcome(d.names.of(f))
	case tagErrorCode:
		r.ErrorCode = d.names.of(f)
	case tagErrorMessage:
		r.ErrorMessage = string(f.bytes)
	case tagLatency:
		r.Latency = f.duration()
	case tagTimeToFirstToken:
		r.TimeToFirstToken = d.keepDuration(f.int())
	case tagUpstreamLatency:
		r.UpstreamLatency = d.keepDuration(f.int())
	case tagAttempt:
		return d.attempt(f.bytes)
	}
	return nil
}

func (d *Decoder) usageField(r *inference.Record, f field) {
	u := &r.Usage
	switch f.tag {
	case tagUsageSource:
		u.Source = inference.UsageSource(d.names.of(f))
	case tagInput:
		u.Input = d.keep(f.int())
	case tagOutput:
		u.Output = d.keep(f.int())
	case tagTotal:
		u.Total = d.keep(f.int())
	case tagCachedInput:
		u.CachedInput = d.keep(f.int())
	case tagCacheWrite:
		u.CacheWrite = d.keep(f.int())
	case tagReasoning:
		u.Reasoning = d.keep(f.int())
	case tagInputChars:
		u.InputChars = d.keep(f.int())
	case tagOutputChars:
		u.OutputChars = d.keep(f.int())
	case tagCostNanos:
		r.Cost = &inference.Cost{NanoUSD: f.int()}
	case tagPriceVersion:
		if r.Cost != nil {
			r.Cost.PriceVersion = d.names.of(f)
		}
	}
}

// laterField sets what version 1 of the format learned later.
func (d *Decoder) laterField(r *inference.Record, f field) {
	switch f.tag {
	case tagUpstreamAPI:
		r.Target.UpstreamAPI = d.names.of(f)
	case tagListNanos:
		if r.Cost != nil {
			r.Cost.ListNanoUSD = d.keep(f.int())
		}
	case tagCacheUse:
		r.Cache = &inference.CacheUse{Hit: f.num == cacheHit}
	case tagSavedNanos, tagSavedInput, tagSavedOutput:
		d.saved(r.Cache, f)
	default:
		d.usageDetail(&r.Usage, f)
	}
}

// saved sets what an answer of the response cache took when it was made. tagCacheUse comes first.
func (d *Decoder) saved(c *inference.CacheUse, f field) {
	if c == nil {
		return
	}
	switch f.tag {
	case tagSavedNanos:
		c.SavedNanoUSD = d.keep(f.int())
	case tagSavedInput:
		c.SavedInput = d.keep(f.int())
	case tagSavedOutput:
		c.SavedOutput = d.keep(f.int())
	}
}

// usageDetail sets the counts of usage that version 1 learned later.
func (d *Decoder) usageDetail(u *inference.Usage, f field) {
	switch f.tag {
	case tagCacheWrite1h:
		u.CacheWrite1h = d.keep(f.int())
	case tagInputAudio:
		u.InputAudio = d.keep(f.int())
	case tagInputImage:
		u.InputImage = d.keep(f.int())
	case tagCachedAudio:
		u.CachedAudio = d.keep(f.int())
	case tagCachedImage:
		u.CachedImage = d.keep(f.int())
	case tagOutputAudio:
		u.OutputAudio = d.keep(f.int())
	case tagOutputImage:
		u.OutputImage = d.keep(f.int())
	case tagInputVideo:
		u.InputVideo = d.keep(f.int())
	case tagOutputVideo:
		u.OutputVideo = d.keep(f.int())
	case tagSearches:
		u.Searches = d.keep(f.int())
	case tagToolPrompt:
		u.ToolPrompt = d.keep(f.int())
	case tagServiceTier:
		u.ServiceTier = d.names.of(f)
	case tagRawUsage:
		u.Raw = present(f.bytes)
	}
}

func (d *Decoder) payloadField(r *inference.Record, f field) {
	p := &r.Payload
	switch f.tag {
	case tagGenerated:
		r.Generated = f.num != 0
	case tagPayloadTable:
		p.Table = d.names.of(f)
	case tagSamplingFraction:
		p.SamplingFraction = math.Float64frombits(f.num)
	case tagPayloadErrorCode:
		p.ErrorCodes = append(p.ErrorCodes, d.names.of(f))
	case tagRequest:
		p.Request = present(f.bytes)
	case tagResponse:
		p.Response = present(f.bytes)
	}
}

// present returns b, and an empty slice for a nil one: the field was there.
func present(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (d *Decoder) attempt(b []byte) error {
	var a inference.Attempt
	err := each(b, func(f field) error {
		switch f.tag {
		case tagAttemptEntity:
			a.ServedEntity = d.names.of(f)
		case tagAttemptProvider:
			a.Provider = d.names.of(f)
		case tagAttemptModel:
			a.Model = d.names.of(f)
		case tagAttemptStatus:
			a.Status = int(f.int())
		case tagAttemptError:
			a.Error = string(f.bytes)
		case tagAttemptLatency:
			a.Latency = f.duration()
		case tagAttemptWhy:
			a.Why = string(f.bytes)
		case tagAttemptAction:
			a.Action = d.names.of(f)
		case tagAttemptSource:
			a.Source = inference.UsageSource(d.names.of(f))
		case tagAttemptInput:
			a.Input = d.keep(f.int())
		case tagAttemptOutput:
			a.Output = d.keep(f.int())
		case tagAttemptNanos:
			a.CostNano = d.keep(f.int())
		}
		return nil
	})
	d.attempts = append(d.attempts, a)
	return err
}

// tags reads a map. Maps that were read before come from a table: the tags of keys and teams repeat.
func (d *Decoder) tags(b []byte) (map[string]string, error) {
	if m, ok := d.maps[string(b)]; ok {
		return m, nil
	}
	m := map[string]string{}
	key := ""
	err := each(b, func(f field) error {
		switch f.tag {
		case tagMapKey:
			key = d.names.of(f)
		case tagMapValue:
			m[key] = d.names.of(f)
		}
		return nil
	})
	if err != nil || len(b) > maxMapLen {
		return m, err
	}
	if d.maps == nil || len(d.maps) >= maxMaps {
		d.maps = map[string]map[string]string{}
	}
	d.maps[string(b)] = m
	return m, nil
}
