package factlog

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/wal"
)

// field is one field as it was read.
type field struct {
	tag   int
	num   uint64 // of a varint
	bytes []byte // of bytes and nested fields
}

func (f field) int() int64              { return int64(f.num>>1) ^ -int64(f.num&1) }
func (f field) duration() time.Duration { return time.Duration(f.int()) }

// next takes the first field off b.
func next(b []byte) (f field, rest []byte, err error) {
	key, n := binary.Uvarint(b)
	if n <= 0 || key>>2 > math.MaxInt32 {
		return f, nil, fmt.Errorf("%w: no key of a field", ErrMalformed)
	}
	f.tag, b = int(key>>2), b[n:]
	switch key & 3 {
	case asVarint:
		if f.num, n = binary.Uvarint(b); n <= 0 {
			return f, nil, f.cut()
		}
		return f, b[n:], nil
	case asBytes:
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return f, nil, f.cut()
		}
		end := n + int(size)
		f.bytes = b[n:end:end]
		return f, b[end:], nil
	case asNested:
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return f, nil, f.cut()
		}
		end := 4 + int(binary.LittleEndian.Uint32(b))
		f.bytes = b[4:end:end]
		return f, b[end:], nil
	default:
		return f, nil, fmt.Errorf("%w: field %d is of an unknown form", ErrMalformed, f.tag)
	}
}

func (f field) cut() error { return fmt.Errorf("%w: field %d is cut off", ErrMalformed, f.tag) }

// each calls set with every field of b. It is the one loop over fields.
func each(b []byte, set func(field) error) error {
	for len(b) > 0 {
		f, rest, err := next(b)
		if err != nil {
			return err
		}
		if err := set(f); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// body takes the version byte off a record.
func body(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: empty", ErrMalformed)
	}
	if b[0] != version {
		return nil, fmt.Errorf("%w: version %d, this program knows %d", ErrMalformed, b[0], version)
	}
	return b[1:], nil
}

// keep returns a pointer to v that is valid until the next record.
func (d *Decoder) keep(v int64) *int64 {
	d.ints = append(d.ints, v)
	return &d.ints[len(d.ints)-1]
}

func (d *Decoder) keepDuration(v int64) *time.Duration { return (*time.Duration)(d.keep(v)) }

// instant is a time that comes in two fields.
type instant struct {
	seconds, nanos int64
	set            bool
}

func (i instant) time() time.Time {
	if !i.set {
		return time.Time{}
	}
	return time.Unix(i.seconds, i.nanos).UTC()
}

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
	if len(f.bytes) != len(r.ID) {
		return fmt.Errorf("%w: an id of %d bytes", ErrMalformed, len(f.bytes))
	}
	copy(r.ID[:], f.bytes)
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

func (d *Decoder) decodeEntity(b []byte) (err error) {
	if b, err = body(b); err != nil {
		return err
	}
	d.entity = inference.EntityChange{}
	var at, deleted instant
	err = each(b, func(f field) error {
		switch f.tag {
		case tagEntitySeconds:
			at.seconds, at.set = f.int(), true
		case tagEntityNanos:
			at.nanos = f.int()
		case tagEntityDeleteSeconds:
			deleted.seconds, deleted.set = f.int(), true
		case tagEntityDeleteNanos:
			deleted.nanos = f.int()
		default:
			d.entityField(&d.entity, f)
		}
		return nil
	})
	d.entity.Time = at.time()
	if deleted.set {
		t := deleted.time()
		d.entity.DeleteTime = &t
	}
	return err
}

func (d *Decoder) entityField(c *inference.EntityChange, f field) {
	switch f.tag {
	case tagEntityEndpointID:
		c.EndpointID = d.names.of(f)
	case tagEntityEndpointName:
		c.EndpointName = d.names.of(f)
	case tagEntityServedID:
		c.ServedEntityID = d.names.of(f)
	case tagEntityServedName:
		c.ServedEntityName = d.names.of(f)
	case tagEntityType:
		c.EntityType = d.names.of(f)
	case tagEntityName:
		c.EntityName = d.names.of(f)
	case tagEntityVersion:
		c.EntityVersion = d.names.of(f)
	case tagEntityConfigVersion:
		c.ConfigVersion = int32(f.int())
	case tagEntityTask:
		c.Task = d.names.of(f)
	case tagEntityProvider:
		c.Provider = d.names.of(f)
	case tagEntityCreatedBy:
		c.CreatedBy = d.names.of(f)
	}
}

func (d *Decoder) decodeLoss(b []byte) (err error) {
	if b, err = body(b); err != nil {
		return err
	}
	d.loss = inference.Loss{}
	l := &d.loss
	var at, since instant
	err = each(b, func(f field) error {
		switch f.tag {
		case tagLossSeconds:
			at.seconds, at.set = f.int(), true
		case tagLossNanos:
			at.nanos = f.int()
		case tagLossSinceSeconds:
			since.seconds, since.set = f.int(), true
		case tagLossSinceNanos:
			since.nanos = f.int()
		case tagLossTable:
			l.Table = d.names.of(f)
		case tagLossRows:
			l.Rows = f.int()
		case tagLossAtLeast:
			l.AtLeast = f.num != 0
		case tagLossReason:
			l.Reason = inference.LossReason(d.names.of(f))
		case tagLossDetail:
			l.Detail = d.names.of(f)
		}
		return nil
	})
	l.Time, l.Since = at.time(), since.time()
	return err
}

// names gives equal short strings one memory: endpoints, models and tags repeat from row to row.
type names struct {
	last  [64]string // what was read last for a tag
	table map[string]string
}

const (
	maxNames   = 8192 // above it the table starts again
	maxNameLen = 128  // longer strings rarely repeat
	maxMaps    = 1024
	maxMapLen  = 512
)

func (n *names) of(f field) string {
	last := &n.last[f.tag%len(n.last)]
	if *last != string(f.bytes) {
		*last = n.look(f.bytes)
	}
	return *last
}

func (n *names) look(b []byte) string {
	if len(b) > maxNameLen {
		return string(b)
	}
	if s, ok := n.table[string(b)]; ok {
		return s
	}
	if n.table == nil || len(n.table) >= maxNames {
		n.table = map[string]string{}
	}
	s := string(b)
	n.table[s] = s
	return s
}

func (d *Decoder) decodeAudit(b []byte) (err error) {
	if b, err = body(b); err != nil {
		return err
	}
	d.audit = inference.Audit{}
	a := &d.audit
	var at instant
	err = each(b, func(f field) (err error) {
		switch f.tag {
		case tagAuditSeconds:
			at.seconds, at.set = f.int(), true
		case tagAuditNanos:
			at.nanos = f.int()
		case tagAuditService:
			a.Service = d.names.of(f)
		case tagAuditAction:
			a.Action = d.names.of(f)
		case tagAuditRequestID:
			a.RequestID = string(f.bytes)
		case tagAuditActor:
			a.Actor = d.names.of(f)
		case tagAuditRemoteIP:
			a.RemoteIP = d.names.of(f)
		case tagAuditUserAgent:
			a.UserAgent = d.names.of(f)
		case tagAuditParams:
			a.Params, err = d.tags(f.bytes)
		case tagAuditStatus:
			a.Status = int(f.int())
		case tagAuditError:
			a.Error = string(f.bytes)
		}
		return err
	})
	a.Time = at.time()
	return err
}
