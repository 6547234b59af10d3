package control

import (
	"errors"
	"strconv"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/internal/inference"
)

// service is what Databricks' audit log calls model serving.
const service = "serverlessRealTimeInference"

// record writes down what became of a change. A change that can't be recorded is done all the same:
// it is in the store for everybody to see.
func (p *Plane) record(a *Actor, c change, old, next *endpoints.Document, err error) {
	row := &inference.Audit{
		Time: time.Now().UTC(), Service: service, Action: c.action, RequestID: a.RequestID,
		Actor: a.Principal.Name, RemoteIP: a.RemoteIP, UserAgent: a.UserAgent,
		Params: map[string]string{"name": clip(c.name)}, Status: 200,
	}
	var e *apierr.Error
	switch {
	case errors.As(err, &e):
		row.Status, row.Error = e.Status, string(e.Code)+": "+e.Message
	case err != nil:
		row.Status, row.Error = 500, string(apierr.Internal)
	default:
		row.Params["version"] = strconv.FormatInt(next.Version, 10)
		row.Params["diff"] = string(raw(Differences(old, next)))
	}
	if err := p.Record(row); err != nil {
		p.Logger.Error("a change of an endpoint could not be recorded in system.access.audit", "endpoint", c.name, "action", c.action, "error", err)
	}
}
