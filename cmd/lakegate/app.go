package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/lakegate/lakegate/dashboards/console"
	"github.com/lakegate/lakegate/dashboards/library"
	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/rollouts"
	"github.com/lakegate/lakegate/internal/secretstore"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/serving"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/provider/all"
	"github.com/lakegate/lakegate/serving/rollout"
	"github.com/lakegate/lakegate/serving/telemetry"
	"github.com/lakegate/lakegate/serving/warm"
	"github.com/lakegate/lakegate/sql/statements"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// app is a gateway with everything around it.
type app struct {
	cfg        *config.Config
	logger     *slog.Logger
	store      objstore.Store
	lake       *tablewriter.Writer
	docs       *state.Docs
	full       *fullPolicies
	live       *live         // what a reload changes
	gwLive     *gateway.Live // where the gateway finds it
	prices     pricer
	gateway    *gateway.Gateway
	warm       *warm.Keeper
	rollouts   *rollout.Table   // of the catalog in force
	keeper     *rollouts.Keeper // exchanges them with the lake
	db         *warehouse.Warehouse
	statements *statements.API
	console    *console.Console
	server     *serving.Server
	background *background
	telemetry  *telemetry.Telemetry // nil: nobody is told

	secretsMu sync.Mutex
	secretsAt secretstore.Config
	secretsOf *secretstore.Store // of secretsAt; see secretStore

	baseURL string // set by start
}

// closeTimeout bounds landing the last rows. What is not landed then stays in the log.
const closeTimeout = 30 * time.Second

// configSource is where the configuration of a gateway is read from again; the zero one is nowhere.
type configSource struct {
	path     string
	override func(*config.Config) // what flags say over the file; nil for nothing
	secrets  *secrets             // nil: only those written out in the file
}

// newApp opens the lake and joins the parts. from is what reloads read.
func newApp(ctx context.Context, cfg *config.Config, from configSource, logger *slog.Logger) (_ *app, err error) {
	a := &app{cfg: cfg, logger: logger, full: newFullPolicies(cfg.Log.WhenFull), rollouts: rollout.NewTable(logger)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close(context.WithoutCancel(ctx)))
		}
	}()
	lake, store, err := openLake(ctx, cfg, a.full, logger)
	if err != nil {
		return nil, err
	}
	a.lake, a.store, a.docs = lake, store, state.New(store)
	metrics := serving.NewMetrics()
	if a.telemetry, err = openTelemetry(ctx, cfg, logger); err != nil {
		return nil, err
	}
	metrics.Registry().MustRegister(newTelemetryCollector(a.telemetry), newLakeCollector(lake), newCacheCollector(lake), newProcessCollector(lake.Ready, int64(cfg.Log.MaxBacklog)))
	if from.secrets != nil {
		metrics.Registry().MustRegister(secretsCollector{from.secrets.vault.Stats})
	}
	if err := a.configure(ctx, from, metrics); err != nil {
		return nil, err
	}
	if a.gateway, err = a.newGateway(metrics); err != nil {
		return nil, err
	}
	a.warm = warm.New(a.gateway.Transport, func() *endpoint.Catalog { return a.gwLive.Load().Catalog }, logger)
	metrics.Registry().MustRegister(serving.NewCacheCollector(a.gateway.Cache), serving.NewWarmCollector(a.warm.Stats))
	scratch, err := emptyFolder(filepath.Join(cfg.Data, "tmp"))
	if err != nil {
		return nil, err
	}
	if a.db, err = openWarehouse(cfg.SQL, lake.Dirs(), scratch, lake, asker{a.gateway, a.gwLive}, logger); err != nil {
		return nil, err
	}
	metrics.Registry().MustRegister(newSQLCollector(a.db), serving.NewCircuitCollector(a.gateway.Circuits), serving.NewLoadCollector(a.gateway.Loads))
	a.openRollouts(ctx, metrics.Registry())
	if err := a.newServer(metrics); err != nil {
		return nil, err
	}
	return a, a.startBackground(ctx, metrics.Registry())
}

// emptyFolder makes the folder and takes out what a process that was killed left there.
func emptyFolder(dir string) (string, error) {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return "", fmt.Errorf("make an empty folder for SQL workers: %w", err)
	}
	return dir, nil
}

// configure takes the first endpoints and keys, and remembers where later ones go.
func (a *app) configure(ctx context.Context, from configSource, metrics *serving.Metrics) error {
	a.live = &live{
		configSource: from, lake: a.lake, memory: newMemory(a.docs, a.cfg.Data), stored: newStored(a.docs, a.cfg.Data, a.logger), logger: a.logger,
	}
	a.live.prices = a.prices.list.Store
	a.live.swap = func(c *endpoint.Catalog, k *auth.Keys) {
		a.full.take(c)
		metrics.Configure(c)
		a.rollouts.Configure(c)
		v := gateway.View{Catalog: c, Keys: k}
		if a.gwLive == nil {
			a.gwLive = gateway.NewLive(v)
			return
		}
		a.gwLive.Swap(v)
		if a.warm != nil {
			a.warm.Wake()
		}
	}
	return a.live.start(ctx, a.cfg)
}

func (a *app) newGateway(m *serving.Metrics) (*gateway.Gateway, error) {
	c := gateway.DefaultConfig()
	c.MaxBody = int64(a.cfg.HTTP.MaxBody)
	c.DrainTimeout = a.cfg.HTTP.DrainTimeout
	c.DrainBytes = int64(a.cfg.HTTP.DrainBytes)
	transport := gateway.NewTransport()
	transport.Proxy = http.ProxyFromEnvironment // HTTPS_PROXY, NO_PROXY
	parts := gateway.Parts{
		Transport: transport, Live: a.gwLive, Recorder: recorder{a.lake}, Pricer: &a.prices, Meter: m, Logger: a.logger,
		Providers: all.Table(), Rollouts: a.rollouts,
	}
	if a.telemetry != nil {
		parts.Tracer = a.telemetry
	}
	return gateway.New(c, parts)
}

// newServer makes the HTTP server and adds the routes of every island to it.
func (a *app) newServer(m *serving.Metrics) (err error) {
	c := serving.DefaultConfig()
	c.ReadHeaderTimeout = a.cfg.HTTP.ReadHeaderTimeout
	c.DrainTimeout = a.cfg.HTTP.ShutdownTimeout
	c.AccountID, c.WorkspaceID = a.cfg.AccountID, a.cfg.WorkspaceID
	if a.server, err = serving.New(c, a.gateway, m, a.lake.Ready, a.logger); err != nil {
		return err
	}
	a.server.Control(a.newPlane())
	a.server.Rollouts(a.keeper)
	a.statements, err = statements.New(statements.DefaultConfig(), statements.Deps{
		Warehouse: a.db, Authenticate: a.authenticateSQL, Logger: a.logger,
	})
	if err != nil {
		return err
	}
	a.statements.Register(a.server.Echo())
	a.console, err = console.New(console.DefaultConfig(), console.Deps{
		Library: library.New(sharedDocs{a.docs}, nil), Runner: consoleRunner{a.db, a.gwLive}, Authenticate: a.authenticate, Logger: a.logger,
	})
	if err != nil {
		return err
	}
	a.console.Register(a.server.Echo())
	a.registerStatements(a.server.Echo())
	a.registerSecrets(a.server.Echo())
	return nil
}

func (a *app) authenticate(token string) (inference.Principal, bool) {
	k, ok := a.gwLive.Load().Keys.Lookup(token)
	if !ok {
		return inference.Principal{}, false
	}
	return asAdmin(k), true
}

// asAdmin puts administrators into the group that the console lets change every dashboard.
func asAdmin(k *auth.Key) inference.Principal {
	p := k.Principal
	if k.Admin {
		p.Groups = append(append([]string{}, p.Groups...), console.DefaultConfig().AdminGroup)
	}
	return p
}

func (a *app) authenticateSQL(token string) (inference.Principal, func(table string) bool, bool) {
	k, ok := a.gwLive.Load().Keys.Lookup(token)
	if !ok {
		return inference.Principal{}, nil, false
	}
	return k.Principal, k.MayRead, true
}

// start listens and serves in the background. stop drains the requests in flight; it is safe
// twice.
func (a *app) start(addr string) (stop func() error, err error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	a.baseURL = "http://" + ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- a.server.Serve(ctx, ln) }() // ends with stop
	return sync.OnceValue(func() error {
		cancel()
		return <-served
	}), nil
}

// close ends what newApp began, in the order in which parts need each other: no more SQL, no
// work in the background, then the rows, then a word to the other gateways.
func (a *app) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	var errs []error
	if a.statements != nil {
		errs = append(errs, a.statements.Close(ctx))
	}
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	if a.gateway != nil {
		a.gateway.Stop()
		errs = append(errs, a.gateway.Settle(ctx))
	}
	if a.background != nil {
		a.background.quiesce()
	}
	if a.lake != nil {
		errs = append(errs, a.lake.Close(ctx))
	}
	if a.background != nil {
		a.background.farewell(ctx)
	}
	if a.telemetry != nil { // after the rows, which matter
		closeTelemetry(ctx, a.telemetry, a.logger)
	}
	return errors.Join(errs...)
}

// joinClose closes the app and adds what went wrong to err.
func joinClose(err error, a *app) error {
	return errors.Join(err, a.close(context.Background()))
}
