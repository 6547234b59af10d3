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

// record writes down what became of a change.
func (p *Plane) record(a *Actor, c change, old, next *endpoints.Document, err error) {
	params := map[string]string{"name": clip(c.name)}
	if err == nil {
		params["version"] = strconv.FormatInt(next.Version, 10)
		params["diff"] = string(raw(Differences(old, next)))
	}
	p.Note(a, c.action, params, err)
}

// Note writes down what somebody has done, or was refused. What can't be recorded is done all the
// same: it is in the store for everybody to see.
func (p *Plane) Note(a *Actor, action string, params map[string]string, err error) {
	row := &inference.Audit{
		Time: time.Now().UTC(), Service: service, Action: action, RequestID: a.RequestID,
		Actor: a.Principal.Name, RemoteIP: a.RemoteIP, UserAgent: a.UserAgent,
		Params: params, Status: 200,
	}
	var e *apierr.Error
	switch {
	case errors.As(err, &e):
		row.Status, row.Error = e.Status, string(e.Code)+": "+e.Message
	case err != nil:
		row.Status, row.Error = 500, string(apierr.Internal)
	}
	if err := p.Record(row); err != nil {
		p.Logger.Error("a change of an endpoint could not be recorded in system.access.audit", "endpoint", params["name"], "action", action, "error", err)
	}
}
