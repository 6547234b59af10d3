// Package serving is the HTTP surface of the gateway: routes, dialects, health, metrics, and a
// server that keeps its manners.
//
// It turns requests into gateway.Calls and their answers into responses, and decides nothing else
// about them. What it promises: an error is in the shape of the API that was called (OpenAI's,
// Anthropic's, Google's or Cohere's, else Databricks'); every request below the data-plane paths
// (dataPlanes, and invocations below /api/2.0) reaches the gateway and becomes its row, also those
// for APIs that are not there; reading lists of models and endpoints leaves no row; no answer
// tells a secret, an address or a stack.
//
// A Server is safe for concurrent use. Other islands add their routes to Echo before Serve.
package serving

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/control"
	"github.com/lakegate/lakegate/serving/gateway"
)

// Config is how the server treats connections.
type Config struct {
	ReadHeaderTimeout time.Duration // for a request's header
	BodyTimeout       time.Duration // for a request's body
	WriteTimeout      time.Duration // for one write to a client that takes nothing
	IdleTimeout       time.Duration // between requests on a connection
	MaxHeaderBytes    int
	DrainTimeout      time.Duration // for requests in flight, after the server was told to stop

	AccountID, WorkspaceID string // what clients are told that this host is; "" for nothing
}

// DefaultConfig returns what to use when nothing is said.
func DefaultConfig() Config {
	return Config{
		ReadHeaderTimeout: 10 * time.Second, BodyTimeout: 2 * time.Minute, WriteTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, DrainTimeout: 30 * time.Second,
	}
}

// Validate returns every fault of the configuration.
func (c Config) Validate() error {
	var faults []error
	for name, d := range map[string]time.Duration{
		"ReadHeaderTimeout": c.ReadHeaderTimeout, "BodyTimeout": c.BodyTimeout, "WriteTimeout": c.WriteTimeout,
		"IdleTimeout": c.IdleTimeout, "DrainTimeout": c.DrainTimeout,
	} {
		if d <= 0 {
			faults = append(faults, fmt.Errorf("serving: %s must be above zero", name))
		}
	}
	if c.MaxHeaderBytes < 4<<10 {
		faults = append(faults, errors.New("serving: MaxHeaderBytes must be at least 4096"))
	}
	return errors.Join(faults...)
}

// Server answers HTTP for a gateway.
type Server struct {
	config  Config
	gateway *gateway.Gateway
	metrics *Metrics
	ready   func() error
	logger  *slog.Logger
	echo    *echo.Echo
	plane   *control.Plane // nil: endpoints can't be changed
	keeper  RolloutKeeper  // nil: rollouts can't be

	stopping atomic.Bool
}

// New returns a server. ready says whether calls can be recorded, nil or why not; it decides
// /readyz and must not wait for the network.
func New(c Config, g *gateway.Gateway, m *Metrics, ready func() error, logger *slog.Logger) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Server{config: c, gateway: g, metrics: m, ready: ready, logger: logger, echo: echo.New()}
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = s.handleError
	s.echo.Use(s.guard)
	s.dataPlane()
	s.lists()
	s.control()
	s.discovery()
	s.versions()
	s.rollouts()
	s.prompts()
	s.info()
	s.models()
	s.echo.GET("/healthz", s.healthz)
	s.echo.GET("/health", s.healthz) // where MLflow's clients ask
	s.echo.GET("/readyz", s.readyz)
	s.echo.GET("/metrics", echo.WrapHandler(m.Handler()))
	return s, nil
}

// Echo returns the router, for other islands to add their routes to before the server starts.
func (s *Server) Echo() *echo.Echo { return s.echo }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// guard keeps a panic of a handler from the client. Calls recover their own, to make a row of it.
func (s *Server) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p) // net/http's own way to drop a connection
			}
			s.logger.Error("panic in a handler", "path", c.Path(), "panic", fmt.Sprint(p))
			err = apierr.New(apierr.Internal, "internal error")
		}()
		return next(c)
	}
}

// handleError answers what handlers and the router return, in the dialect of the path.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	var e *apierr.Error
	var he *echo.HTTPError
	switch {
	case errors.As(err, &e):
	case errors.As(err, &he) && he.Code == http.StatusMethodNotAllowed:
		e = apierr.New(apierr.MethodNotAllowed, "%s is not allowed here", c.Request().Method)
	case errors.As(err, &he) && he.Code == http.StatusNotFound:
		e = apierr.New(apierr.ResourceNotFound, "there is nothing at %s", clipPath(c.Request().URL.Path))
	case errors.As(err, &he) && he.Code < 500:
		e = &apierr.Error{Status: he.Code, Code: apierr.BadRequest, Message: http.StatusText(he.Code)}
	default:
		s.logger.Error("a request failed", "path", c.Path(), "error", err)
		e = apierr.New(apierr.Internal, "internal error")
	}
	writeError(c, e)
}

func writeError(c echo.Context, e *apierr.Error) {
	h := c.Response().Header()
	if v := e.RetryAfterHeader(); v != "" {
		h.Set("Retry-After", v)
	}
	if e.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	_ = c.Blob(e.Status, "application/json", e.Body(dialectOf(c.Request().URL.Path))) // nobody listening changes nothing
}

func clipPath(p string) string {
	if len(p) > 200 {
		p = p[:200]
	}
	return strings.ToValidUTF8(p, "\ufffd")
}

func (s *Server) healthz(c echo.Context) error {
	return c.JSONBlob(http.StatusOK, []byte(`{"status":"ok"}`))
}

// readyz says whether calls are taken: the log can be written, and the server is not stopping.
// The object store does not come into it: rows wait in the log while it is away.
func (s *Server) readyz(c echo.Context) error {
	if s.stopping.Load() {
		return apierr.New(apierr.Unavailable, "the server is stopping")
	}
	if err := s.ready(); err != nil {
		s.logger.Warn("not ready", "error", err)
		return apierr.New(apierr.Unavailable, "calls can't be recorded at the moment").Because(err)
	}
	return c.JSONBlob(http.StatusOK, []byte(`{"status":"ready"}`))
}
