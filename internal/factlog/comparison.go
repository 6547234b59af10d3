package factlog

import (
	"fmt"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

func (w *writer) comparison(c *inference.Comparison) {
	w.id(tagComparisonID, c.RequestID)
	w.time(tagComparisonRequestSeconds, tagComparisonRequestNanos, c.RequestTime)
	w.time(tagComparisonSeconds, tagComparisonNanos, c.Time)
	w.string(tagComparisonEndpoint, c.Endpoint)
	w.string(tagComparisonEndpointID, c.EndpointID)
	w.string(tagComparisonName, c.Name)
	w.string(tagComparisonRequester, c.Requester)
	w.tags(tagComparisonUsageContext, c.UsageContext)
	w.id(tagComparisonOtherID, c.OtherID)
	w.id(tagComparisonJudgeID, c.JudgeID)
	w.string(tagComparisonJudgeEndpoint, c.JudgeEndpoint)
	w.string(tagComparisonAnswered, string(c.Answered))
	w.string(tagComparisonFirstShown, string(c.FirstShown))
	w.string(tagComparisonWinner, string(c.Winner))
	w.string(tagComparisonReason, c.Reason)
	w.string(tagComparisonError, c.Error)
	w.compared(tagComparisonBaseline, &c.Baseline)
	w.compared(tagComparisonChallenger, &c.Challenger)
	w.optional(tagComparisonJudgeCost, c.JudgeCost)
	w.nonzero(tagComparisonJudgeLatency, int64(c.JudgeLatency))
}

func (w *writer) id(tag int, id inference.ID) {
	if id != (inference.ID{}) {
		w.head(tag, len(id))
		*w = append(*w, id[:]...)
	}
}

func (w *writer) compared(tag int, s *inference.Compared) {
	w.nested(tag, func(w *writer) {
		w.string(tagComparedEntity, s.ServedEntity)
		w.string(tagComparedModel, s.Model)
		w.nonzero(tagComparedLatency, int64(s.Latency))
		w.duration(tagComparedFirstToken, s.TimeToFirstToken)
		w.optional(tagComparedOutput, s.Output)
		w.optional(tagComparedNanos, s.NanoUSD)
	})
}

func (d *Decoder) decodeComparison(b []byte) (err error) {
	if b, err = body(b); err != nil {
		return err
	}
	d.compared = inference.Comparison{}
	d.ints = d.ints[:0]
	c := &d.compared
	var asked, at instant
	err = each(b, func(f field) error {
		switch f.tag {
		case tagComparisonRequestSeconds:
			asked.seconds, asked.set = f.int(), true
		case tagComparisonRequestNanos:
			asked.nanos = f.int()
		case tagComparisonSeconds:
			at.seconds, at.set = f.int(), true
		case tagComparisonNanos:
			at.nanos = f.int()
		case tagComparisonJudgeCost:
			c.JudgeCost = d.keep(f.int())
		case tagComparisonJudgeLatency:
			c.JudgeLatency = time.Duration(f.int())
		default:
			return d.comparisonField(c, f)
		}
		return nil
	})
	c.RequestTime, c.Time = asked.time(), at.time()
	return err
}

func (d *Decoder) comparisonField(c *inference.Comparison, f field) (err error) {
	switch f.tag {
	case tagComparisonID:
		c.RequestID, err = f.id()
	case tagComparisonOtherID:
		c.OtherID, err = f.id()
	case tagComparisonJudgeID:
		c.JudgeID, err = f.id()
	case tagComparisonEndpoint:
		c.Endpoint = d.names.of(f)
	case tagComparisonEndpointID:
		c.EndpointID = d.names.of(f)
	case tagComparisonName:
		c.Name = d.names.of(f)
	case tagComparisonRequester:
		c.Requester = d.names.of(f)
	case tagComparisonUsageContext:
		c.UsageContext, err = d.tags(f.bytes)
	case tagComparisonJudgeEndpoint:
		c.JudgeEndpoint = d.names.of(f)
	case tagComparisonReason:
		c.Reason = string(f.bytes)
	case tagComparisonError:
		c.Error = string(f.bytes)
	case tagComparisonAnswered:
		c.Answered = inference.Side(d.names.of(f))
	case tagComparisonFirstShown:
		c.FirstShown = inference.Side(d.names.of(f))
	case tagComparisonWinner:
		c.Winner = inference.Side(d.names.of(f))
	case tagComparisonBaseline:
		err = d.comparedFields(&c.Baseline, f.bytes)
	case tagComparisonChallenger:
		err = d.comparedFields(&c.Challenger, f.bytes)
	}
	return err
}

func (d *Decoder) comparedFields(s *inference.Compared, b []byte) error {
	return each(b, func(f field) error {
		switch f.tag {
		case tagComparedEntity:
			s.ServedEntity = d.names.of(f)
		case tagComparedModel:
			s.Model = d.names.of(f)
		case tagComparedLatency:
			s.Latency = f.duration()
		case tagComparedFirstToken:
			s.TimeToFirstToken = d.keepDuration(f.int())
		case tagComparedOutput:
			s.Output = d.keep(f.int())
		case tagComparedNanos:
			s.NanoUSD = d.keep(f.int())
		}
		return nil
	})
}

// id reads the id of a request.
func (f field) id() (id inference.ID, err error) {
	if len(f.bytes) != len(id) {
		return id, fmt.Errorf("%w: an id of %d bytes", ErrMalformed, len(f.bytes))
	}
	copy(id[:], f.bytes)
	return id, nil
}
