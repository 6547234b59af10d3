// Package console serves the dashboards: the pages under /ui/, the small API they call, and
// Databricks' /api/2.0/lakeview/dashboards for tools.
//
// The browser signs in with an API key and gets a session cookie it can't read; every request looks
// the key up again, so a revoked key ends its sessions at once. A widget's rows are fetched as the
// principal of that key, and two viewers share a running query only when their keys are the same.
// Pages carry a Content-Security-Policy without inline script or style, and call no other host.
// Writes need a header that other sites can't send. Nothing but *apierr.Error texts reaches a client.
//
// A Console is safe for concurrent use. Sessions live in memory and end with the process. Tests use
// library.Memory and a Runner of their own.
package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/dashboards/library"
	"github.com/lakegate/lakegate/dashboards/lvdash"
	"github.com/lakegate/lakegate/internal/inference"
)

// Param is a value bound to a :name marker of a query.
type Param = lvdash.Param

// Query is one SELECT in Databricks' dialect.
type Query struct {
	SQL             string
	Params          []Param // each named once; all have a value
	Catalog, Schema string  // where unqualified names are looked up, "" for the default
	RowLimit        int     // rows to return at most
}

// Column is one column of a Result.
type Column struct {
	Name string
	Type string // in Databricks' words: STRING, LONG, INT, DOUBLE, DECIMAL, BOOLEAN, DATE, TIMESTAMP, ...
}

// Result is the rows of a Query.
type Result struct {
	Columns   []Column
	Rows      [][]*string // nil is NULL; timestamps are UTC
	Truncated bool        // there were more rows than RowLimit
}

// Runner runs queries. It must run them read-only, let p see only what p may, and bound their time
// and memory. An *apierr.Error is shown to the viewer; any other error is logged and shown as an
// internal failure. Its Result is shared between viewers with equal keys and must not change.
type Runner interface {
	Query(ctx context.Context, p inference.Principal, q Query) (*Result, error)
}

// Config bounds the console.
type Config struct {
	SessionTTL   time.Duration // how long a sign-in lasts
	LinkTTL      time.Duration // how long a sign-in link works
	RowLimit     int           // rows of a widget
	QueryTimeout time.Duration // of one widget's query
	MaxImport    int64         // bytes of an imported file
	AdminGroup   string        // members change everybody's dashboards
}

// DefaultConfig returns what suits one machine.
func DefaultConfig() Config {
	return Config{
		SessionTTL: 12 * time.Hour, LinkTTL: 24 * time.Hour, RowLimit: 10_000,
		QueryTimeout: 60 * time.Second, MaxImport: 10 << 20, AdminGroup: "admins",
	}
}

// Validate reports every setting that can't be.
func (c Config) Validate() error {
	var errs []error
	for _, x := range []struct {
		name string
		ok   bool
	}{
		{"SessionTTL", c.SessionTTL > 0},
		{"LinkTTL", c.LinkTTL > 0},
		{"RowLimit", c.RowLimit > 0},
		{"QueryTimeout", c.QueryTimeout > 0},
		{"MaxImport", c.MaxImport > 0},
	} {
		if !x.ok {
			errs = append(errs, fmt.Errorf("console: %s must be above zero", x.name))
		}
	}
	return errors.Join(errs...)
}

// Deps are the parts a Console works with.
type Deps struct {
	Library *library.Library
	Runner  Runner
	// Authenticate returns the principal of an API key. It is called on every request.
	Authenticate func(token string) (inference.Principal, bool)
	Logger       *slog.Logger
	Now          func() time.Time // nil for the real clock
}

// Console is the dashboards over HTTP.
type Console struct {
	cfg      Config
	deps     Deps
	assets   *assets
	sessions *sessions
	flights  *flights
}

// New returns a console; it fails on a bad Config.
func New(cfg Config, deps Deps) (*Console, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	a, err := loadAssets()
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return &Console{
		cfg: cfg, deps: deps, assets: a,
		sessions: newSessions(cfg, deps.Now),
		flights:  newFlights(cfg.QueryTimeout),
	}, nil
}

// Register adds the routes: /ui, /ui/*, and /api/2.0/lakeview/dashboards.
func (c *Console) Register(e *echo.Echo) {
	e.GET("/ui", func(ec echo.Context) error { return ec.Redirect(308, "/ui/") })
	for _, page := range []string{"/ui/", "/ui/d/:id", "/ui/d/:id/:page"} {
		e.GET(page, c.page)
	}
	e.GET("/ui/assets/:version/*", c.asset)

	api := e.Group("/ui/api", c.guard)
	api.POST("/session", c.signIn)
	api.GET("/session", c.whoAmI)
	api.DELETE("/session", c.signOut)
	api.GET("/dashboards", c.asViewer(c.listDashboards))
	api.POST("/dashboards", c.asViewer(c.importDashboard))
	api.POST("/check", c.asViewer(c.checkFile))
	api.GET("/dashboards/:id", c.asViewer(c.showDashboard))
	api.DELETE("/dashboards/:id", c.asViewer(c.trashDashboard))
	api.GET("/dashboards/:id/export", c.asViewer(c.exportDashboard))
	api.POST("/dashboards/:id/query", c.asViewer(c.queryWidget))

	c.registerLakeview(e.Group("/api/2.0/lakeview/dashboards"))
}

func (c *Console) actor(p inference.Principal) library.Actor {
	a := library.Actor{Name: p.Name}
	for _, g := range p.Groups {
		a.Admin = a.Admin || g == c.cfg.AdminGroup
	}
	return a
}
