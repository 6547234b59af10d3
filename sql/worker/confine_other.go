//go:build !linux || !(amd64 || arm64)

package worker

import "github.com/lakegate/lakegate/sql/protocol"

// confine has nothing to work with here: the engine's settings and the guard stand alone.
func confine(*protocol.Init) *protocol.Ready {
	return &protocol.Ready{Notes: []string{"this system has neither landlock nor seccomp"}}
}

func setLimits(*protocol.Init) error { return nil }
