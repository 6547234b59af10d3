package control

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
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
		row.Params["diff"] = string(raw(differences(old, next)))
	}
	if err := p.Record(row); err != nil {
		p.Logger.Error("a change of an endpoint could not be recorded in system.access.audit", "endpoint", c.name, "action", c.action, "error", err)
	}
}

// difference is one value that changed.
type difference struct {
	Path string          `json:"path"`
	From json.RawMessage `json:"from,omitempty"`
	To   json.RawMessage `json:"to,omitempty"`
}

// differences lists what differs between two versions, sorted by path.
func differences(old, next *endpoints.Document) []difference {
	was, is := flat(old), flat(next)
	list := []difference{}
	for path, v := range was {
		if string(is[path]) != string(v) {
			list = append(list, difference{path, v, is[path]})
		}
	}
	for path, v := range is {
		if _, both := was[path]; !both {
			list = append(list, difference{Path: path, To: v})
		}
	}
	slices.SortFunc(list, func(a, b difference) int { return cmp.Compare(a.Path, b.Path) })
	return list
}

// flat is a document's values by their paths.
func flat(d *endpoints.Document) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	if d == nil || d.Deleted {
		return all
	}
	s, err := object(d.Spec)
	if err != nil {
		return all // what was stored came through object
	}
	flatten(all, "", map[string]any(s))
	for _, g := range d.Access {
		all[fmt.Sprintf("permissions.%s.%s", g.Kind, g.Name)] = raw(g.Level)
	}
	return all
}

func flatten(all map[string]json.RawMessage, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			at := k
			if path != "" {
				at = path + "." + k
			}
			flatten(all, at, v[k])
		}
	case []any:
		for i, x := range v {
			flatten(all, path+"["+strconv.Itoa(i)+"]", x)
		}
	default:
		all[path] = raw(v)
	}
}
