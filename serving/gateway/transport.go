package gateway

import (
	"net"
	"net/http"
	"time"
)

// NewTransport returns the connections to providers: kept open between calls, as many as there
// are calls at a time, and without compression, which would hold events back. It uses no proxy;
// set Proxy for one.
func NewTransport() *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           4096,
		MaxIdleConnsPerHost:    1024,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		ReadBufferSize:         8 << 10,
		WriteBufferSize:        8 << 10,
		// A firewall or a balancer may forget a connection without a word. Calls would wait on it for ever.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 10 * time.Second},
	}
}
