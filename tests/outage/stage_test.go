package main

import (
	"testing"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

func TestConfigIsAccepted(t *testing.T) {
	gate, err := s3test.NewGate("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	s := &stage{addr: "127.0.0.1:1234", data: "/tmp/data", upstream: "127.0.0.1:1235", store: &s3test.Server{}, gate: gate}
	text := configText(s)
	cfg, err := config.Parse(text, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if cfg.Lake.S3.Endpoint != "http://"+gate.Addr() {
		t.Errorf("the store is at %s, and not behind the gate", cfg.Lake.S3.Endpoint)
	}
}
