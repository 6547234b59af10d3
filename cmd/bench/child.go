package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/lakegate/lakegate/internal/fakellm"
)

// The roles this binary plays for itself as a child process.
const (
	roleProvider = "provider" // provider ADDR: the scripted provider
	roleProxy    = "proxy"    // proxy ADDR UPSTREAM: a bare reverse proxy
)

func child(args []string) error {
	switch {
	case args[0] == roleProvider && len(args) == 2:
		debug.SetGCPercent(400) // leave the machine to what is measured
		p, err := fakellm.New(fakellm.DefaultConfig())
		if err != nil {
			return err
		}
		return listen(args[1], p)
	case args[0] == roleProxy && len(args) == 3:
		p, err := newProxy(args[2])
		if err != nil {
			return err
		}
		return listen(args[1], p)
	}
	return fmt.Errorf("%q are no arguments of a role", args)
}

// newProxy is what the goals compare with: the standard library's proxy, with enough idle
// connections that it need not open one for each request. Full duplex because without it some
// streams race with the end of their request's body, and the server closes their connection.
func newProxy(upstream string) (http.Handler, error) {
	u, err := url.Parse(upstream)
	if err != nil {
		return nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 1024
	p := httputil.NewSingleHostReverseProxy(u)
	p.Transport = t
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			panic(err) // HTTP/1.1 always can
		}
		p.ServeHTTP(w, r)
	}), nil
}

func listen(addr string, h http.Handler) error {
	s := &http.Server{Addr: addr, Handler: h, ReadHeaderTimeout: 10 * time.Second}
	return s.ListenAndServe()
}
