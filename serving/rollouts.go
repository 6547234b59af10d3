package serving

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/control"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/rollout"
)

// rolloutsAPI is where staged rollouts are seen and held.
const rolloutsAPI = "/api/2.0/lakegate/rollouts"

// RolloutKeeper does what people ask of rollouts, on every gateway. Its errors wrap rollout.ErrCan, or
// say that the others could not be told.
type RolloutKeeper interface {
	Do(ctx context.Context, t *rollout.Track, a rollout.Action, by string) error
}

// Rollouts makes rollouts changeable by k. Call it before the server starts.
func (s *Server) Rollouts(k RolloutKeeper) { s.keeper = k }

// rollouts are the paths of rolloutsAPI.
func (s *Server) rollouts() {
	s.echo.GET(rolloutsAPI, func(c echo.Context) error {
		key, catalog, err := s.keyOf(c)
		if err != nil {
			return err
		}
		list := []rollout.Report{}
		for _, e := range catalog.All() {
			if k := s.gateway.Rollouts.Of(e); k != nil && mayView(key, e) {
				list = append(list, k.Report(time.Now()))
			}
		}
		return c.JSON(http.StatusOK, map[string]any{"rollouts": list})
	})
	one := rolloutsAPI + "/:name"
	s.echo.GET(one, func(c echo.Context) error {
		e, err := s.viewed(c)
		if err != nil {
			return err
		}
		k, err := s.trackOf(e)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, k.Report(time.Now()))
	})
	for _, a := range []rollout.Action{rollout.Pause, rollout.Resume, rollout.Abort} {
		s.echo.POST(one+"/"+string(a), s.changes(func(c echo.Context, by *control.Actor, name string, _ []byte) (any, error) {
			params := map[string]string{"name": clipPath(name)}
			k, err := s.changeRollout(c, by, name, a, params)
			s.plane.Note(by, string(a)+"Rollout", params, err)
			if err != nil {
				return nil, err
			}
			return k.Report(time.Now()), nil
		}))
	}
}

func (s *Server) trackOf(e *endpoint.Endpoint) (*rollout.Track, error) {
	k := s.gateway.Rollouts.Of(e)
	if k == nil {
		return nil, apierr.New(apierr.ResourceNotFound, "Endpoint '%s' has no rollout (lakegate.rollout of its configuration).", e.Name)
	}
	return k, nil
}

// changeRollout does an action. What the audit row is to say of it is put into params.
func (s *Server) changeRollout(c echo.Context, by *control.Actor, name string, a rollout.Action, params map[string]string) (*rollout.Track, error) {
	e, err := s.viewed(c)
	if err != nil {
		return nil, err
	}
	if !manages(by, e) {
		return nil, apierr.New(apierr.PermissionDenied, "you need CAN_MANAGE on endpoint '%s' for this; for one of the configuration file, an admin key", clipPath(name))
	}
	k, err := s.trackOf(e)
	if err != nil {
		return nil, err
	}
	if s.keeper == nil {
		return nil, apierr.New(apierr.NotImplemented, "rollouts can't be changed here")
	}
	params["served_entity"] = e.RolledOut().Name
	err = s.keeper.Do(c.Request().Context(), k, a, by.Principal.Name)
	switch {
	case err == nil:
		r := k.Report(time.Now())
		params["status"], params["stage"] = string(r.Status), strconv.Itoa(r.Stage)
		return k, nil
	case errors.Is(err, rollout.ErrCan):
		return nil, apierr.New(apierr.Conflict, "can't %s the rollout of endpoint '%s': it is %s", a, e.Name, k.Report(time.Now()).Status)
	}
	text := "the lake can't be reached, so nothing is changed; try again"
	if a == rollout.Abort {
		text = "the rollout is stopped on this gateway, but the lake can't be reached: the others are told when it can"
	}
	failed := apierr.New(apierr.Unavailable, "%s", text)
	failed.RetryAfter = time.Second
	return nil, failed.Because(err)
}

// manages reports whether somebody may change how an endpoint runs.
func manages(a *control.Actor, e *endpoint.Endpoint) bool {
	if e.Origin == nil {
		return a.Admin
	}
	return e.Allows(&a.Principal, a.Admin, endpoint.CanManage)
}

// rolloutCollector tells of rollouts when it is asked: of those there are, so a reload takes series away.
type rolloutCollector struct {
	table                  *rollout.Table
	failures               func() int64
	status, stage, traffic *prometheus.Desc
	calls, failed, lost    *prometheus.Desc
}

// NewRolloutCollector returns a collector of a table's rollouts; failures counts exchanges with the
// lake that came to nothing.
func NewRolloutCollector(t *rollout.Table, failures func() int64) prometheus.Collector {
	labels := []string{"endpoint", "served_entity"}
	return &rolloutCollector{
		table: t, failures: failures,
		status:  prometheus.NewDesc("lakegate_rollout_status", "The status of an endpoint's rollout: 1 for the one it is in, running, paused, done, stopped or unknown, and 0 for the others.", append(labels, "status"), nil),
		stage:   prometheus.NewDesc("lakegate_rollout_stage", "The stage a rollout is at, from 1; 0 when it is not known.", labels, nil),
		traffic: prometheus.NewDesc("lakegate_rollout_traffic_percent", "The part of the calls that goes to the entity that is rolled out.", labels, nil),
		calls:   prometheus.NewDesc("lakegate_rollout_stage_calls", "Calls of the stage at the entity that is rolled out, on all gateways.", labels, nil),
		failed:  prometheus.NewDesc("lakegate_rollout_stage_failed_calls", "Those of them that failed.", labels, nil),
		lost:    prometheus.NewDesc("lakegate_rollout_exchange_failures_total", "Times that the state of a rollout could not be exchanged with the lake.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *rolloutCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.status, c.stage, c.traffic, c.calls, c.failed, c.lost} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *rolloutCollector) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(c.lost, prometheus.CounterValue, float64(c.failures()))
	for _, t := range c.table.All() {
		r := t.Report(time.Now())
		gauge := func(d *prometheus.Desc, v float64, more ...string) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{r.Endpoint, r.To}, more...)...)
		}
		for _, s := range []rollout.Status{rollout.Running, rollout.Paused, rollout.Done, rollout.Stopped, rollout.Unknown} {
			is := 0.0
			if r.Status == s {
				is = 1
			}
			gauge(c.status, is, string(s))
		}
		gauge(c.stage, float64(r.Stage))
		gauge(c.traffic, r.Traffic)
		gauge(c.calls, float64(r.Target.Calls))
		gauge(c.failed, float64(r.Target.Failed))
	}
}
