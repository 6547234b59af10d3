package factlog

import (
	"github.com/lakegate/lakegate/internal/inference"
)

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
